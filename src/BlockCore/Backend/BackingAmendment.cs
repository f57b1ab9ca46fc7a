using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.BlockCore.Backend;

/// <summary>Reads which backing file an image is to name from now on, and looks whether it can be that. Nothing changes. Main context.</summary>
internal static class BackingAmendment
{
    private const string FileOption = CreateContext.BackingFileOption;
    private const string FormatOption = CreateContext.BackingFormatOption;

    /// <summary>What <paramref name="options"/> want; null where they say nothing of it, or the driver or the profile does not let it change.</summary>
    /// <exception cref="BlockException">It is not there, not of that format, or makes a loop; the message begins with the option.</exception>
    public static async Task<RecordedBacking?> FindAsync(BlockNode overlay, OptionsDictionary options, CancellationToken cancel)
    {
        string? newName = options.GetText(FileOption);
        string? newFormat = options.GetText(FormatOption);
        if ((newName ?? newFormat) is null || !overlay.Graph.Profile.AmendsBackingFile || overlay.Driver.AmendOptions?.TryGet(FileOption, out _) != true)
        {
            return null;
        }

        string? oldName = overlay.Instance.BackingFileName;
        string? name = newName ?? oldName;
        if (string.IsNullOrEmpty(name))
        {
            return string.IsNullOrEmpty(newFormat)
                ? new RecordedBacking(null, null, 0)
                : throw new BlockException(BlockErrorKind.InvalidArgument, $"{FormatOption}: the image {(newName is null ? "has" : "would have")} no backing file");
        }

        string? format = newFormat ?? (oldName is null ? null : overlay.Instance.BackingFormat);
        if (name == oldName && format == overlay.Instance.BackingFormat && overlay.CowChild is { } present)
        {
            return new RecordedBacking(name, format, present.LengthBytes);
        }

        return new RecordedBacking(name, format, await MeasureAsync(overlay, name, FindFormat(overlay.Graph, name, format), newName is null ? FormatOption : FileOption, cancel));
    }

    private static string FindFormat(NodeGraph graph, string backing, string? format)
    {
        if (string.IsNullOrEmpty(format))
        {
            throw new BlockException(BlockErrorKind.InvalidArgument, $"{FormatOption}: the format of '{backing}' must be said");
        }

        try
        {
            return graph.Drivers.Get(format, graph.Profile.SuggestsNearestOption).Category == DriverCategory.Format
                ? format
                : throw new BlockException(BlockErrorKind.InvalidArgument, $"'{format}' is no image format");
        }
        catch (BlockException error)
        {
            throw error.Prefixed($"{FormatOption}: ");
        }
    }

    // What can be opened from here can be opened when the image is opened the next time.
    private static async Task<long> MeasureAsync(BlockNode overlay, string name, string format, string option, CancellationToken cancel)
    {
        try
        {
            BlockNode backing = await new NodeOpener(overlay.Graph, cancel) { IsForInformation = true }.OpenNamedBackingAsync(overlay, name, format);
            long lengthBytes = backing.LengthBytes;
            backing.DropReference(new GraphWriteToken(overlay.Graph));
            await overlay.Graph.CloseScheduledAsync();
            return lengthBytes;
        }
        catch (BlockException error)
        {
            throw error.Prefixed($"{option}: ");
        }
    }
}
