using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.BlockCore.Images;

/// <summary>Tells how much space an image would take before it is made. <i>QEMU: qemu-img measure.</i></summary>
public static class ImageMeasuring
{
    /// <summary>Measures an image that <paramref name="source"/> would be converted to.</summary>
    /// <exception cref="BlockException">The format's driver cannot tell, or the source cannot be read.</exception>
    public static Task<ImageMeasurement> RunAsync(BlockDriver format, OptionsDictionary options, BlockBackend source, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(format);
        ArgumentNullException.ThrowIfNull(source);
        BlockChild root = source.RootEdge ?? throw source.NoMedium();
        return source.Graph.MainContext.RunAsync(() => format.MeasureAsync(options, source.LengthBytes, root, cancel));
    }

    /// <summary>Measures a new image of <paramref name="lengthBytes"/>.</summary>
    /// <exception cref="BlockException">The format's driver cannot tell.</exception>
    public static Task<ImageMeasurement> RunAsync(NodeGraph graph, BlockDriver format, OptionsDictionary options, long lengthBytes, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(format);
        return graph.MainContext.RunAsync(() => format.MeasureAsync(options, lengthBytes, null, cancel));
    }
}
