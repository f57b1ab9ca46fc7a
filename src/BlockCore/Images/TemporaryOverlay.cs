using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.BlockCore.Images;

/// <summary>Opens an image that stays as it is: what is written goes to an overlay over it. <i>QEMU: snapshot=on.</i></summary>
/// <remarks>
/// <code>
///   backend -> overlay (a new file) -> image (read-only)
/// </code>
/// The file belongs to the caller, who may remove it as soon as it is open where the system lets go of open files, or else after the backend.
/// </remarks>
public static class TemporaryOverlay
{
    /// <summary>Opens. Any thread.</summary>
    /// <param name="graph">Where.</param>
    /// <param name="image">What opens the image, nested or flat. It is opened read-only whatever it says.</param>
    /// <param name="format">The overlay's format; it must know backing files.</param>
    /// <param name="fileName">The overlay's file: made anew, or written over.</param>
    /// <param name="options">What opens the overlay, beside its format and its children.</param>
    /// <param name="backend">How the overlay is used.</param>
    /// <param name="cancel">Ends it between two steps.</param>
    /// <exception cref="BlockException">The image cannot be opened or the overlay not be made. No node is left of it; the file may be.</exception>
    public static Task<BlockBackend> OpenAsync(
        NodeGraph graph, OptionsDictionary image, string format, string fileName, OptionsDictionary options, BackendOptions? backend = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(options);
        return graph.MainContext.RunAsync(() => OpenCoreAsync(graph, image, new ImageCreation(graph, format, fileName), options, backend, cancel));
    }

    private static async Task<BlockBackend> OpenCoreAsync(
        NodeGraph graph, OptionsDictionary image, ImageCreation overlay, OptionsDictionary options, BackendOptions? backend, CancellationToken cancel)
    {
        OptionsDictionary below = image.Flatten();
        below["read-only"] = "on";
        await using BlockBackend backing = await graph.OpenAsync(below, new BackendOptions { ReadOnly = true }, cancel);
        await overlay.CreateAsync(new OptionsDictionary { { CreateContext.SizeOption, backing.LengthBytes } }, cancel);
        OptionsDictionary file = new() { { "driver", overlay.Protocol.Name } };
        overlay.Protocol.ParseFileName(overlay.FileName, file);
        OptionsDictionary above = new() { { "driver", overlay.Format.Name }, { "file", file }, { "backing", backing.Root!.Name } };
        foreach ((string key, OptionValue value) in options)
        {
            above[key] = value;
        }

        return await graph.OpenAsync(above, backend, cancel);
    }
}
