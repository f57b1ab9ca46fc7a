using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Scheduling;
using OpenFile = BlockGraph.BlockCore.Scheduling.HostFile;

namespace BlockGraph.Drivers.Protocols.HostFile;

/// <summary>A regular file of the host. <i>QEMU: file.</i></summary>
public sealed class HostFileDriver() : HostStorageDriver("file")
{
    private const string NoCowKey = "nocow";
    private const string PreallocationKey = "preallocation";
    private const string ExtentSizeKey = "extent_size_hint";

    /// <inheritdoc/>
    public override string Summary => "a regular file of the host";

    /// <inheritdoc/>
    public override OptionSchema CreateOptions { get; } = new(
        new OptionDefinition(CreateContext.SizeOption, OptionType.Size, "Virtual disk size"),
        new OptionDefinition(NoCowKey, OptionType.Boolean, "Turn off copy-on-write (valid only on btrfs)"),
        new OptionDefinition(PreallocationKey, OptionType.String, "Preallocation mode (allowed values: off, falloc, full)"),
        new OptionDefinition(ExtentSizeKey, OptionType.Size, "Extent size hint for the image file, 0 to disable"));

    /// <inheritdoc/>
    private protected override bool WantsDevice => false;

    /// <summary>Makes the file. Of a file that was there the contents are gone, unless its user's locks forbid; what the file system may be asked for it may leave undone.</summary>
    public override async Task<bool> CreateAsync(CreateContext context, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(context);
        string path = PathOf(context.FileName);
        HostPlatform platform = context.Graph.Platform;
        PreallocationMode preallocation = PreallocationModes.Parse(context.Options.GetString(PreallocationKey) ?? "off");
        if (preallocation == PreallocationMode.Metadata)
        {
            await context.Context.RunOnWorkers(() => platform.CheckNewFile(path));
            throw preallocation.ToRefusal();
        }

        bool isInPlace = context.Options.GetBoolean(NoCowKey);
        long extentBytes = context.Options.GetSize(ExtentSizeKey);
        if (extentBytes > uint.MaxValue)
        {
            throw new BlockException("Extent size hint is too large");
        }

        long lengthBytes = FileLength.WholeSectors(context.SizeBytes, context.Graph.Profile);
        return await context.Context.RunOnWorkers(() => Create(platform, path, lengthBytes, preallocation, file =>
        {
            if (isInPlace)
            {
                file.TryAvoidCopyOnWrite();
            }

            if (extentBytes > 0)
            {
                file.TrySetExtentSize(extentBytes);
            }
        }, cancel));
    }

    /// <inheritdoc/>
    public override async Task CheckNewNameAsync(NodeGraph graph, string fileName)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(fileName);
        string path = PathOf(fileName);
        await graph.MainContext.RunOnWorkers(() => graph.Platform.CheckNewFile(path));
    }

    /// <inheritdoc/>
    public override async Task<bool> TryDeleteAsync(NodeGraph graph, string fileName)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(fileName);
        string path = PathOf(fileName);
        return await graph.MainContext.RunOnWorkers(() => graph.Platform.TryDeleteFile(path));
    }

    private static bool Create(HostPlatform platform, string path, long lengthBytes, PreallocationMode preallocation, Action<OpenFile> ask, CancellationToken cancel)
    {
        // What the file system is asked for must come before the first byte.
        bool isNew = platform.CreateFile(path, 0);
        try
        {
            using OpenFile file = platform.OpenFile(new HostFileOptions(path) { IsWritable = true });
            ask(file);
            FileLength.Change(file, lengthBytes, preallocation, cancel);
            return isNew;
        }
        catch (Exception error) when (isNew && error is BlockException or OperationCanceledException)
        {
            platform.TryDeleteFile(path);
            throw;
        }
    }
}
