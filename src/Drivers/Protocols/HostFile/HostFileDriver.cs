using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Scheduling;
using OpenFile = BlockGraph.BlockCore.Scheduling.HostFile;

namespace BlockGraph.Drivers.Protocols.HostFile;

/// <summary>A regular file of the host. <i>QEMU: file.</i></summary>
public sealed class HostFileDriver : BlockDriver
{
    private const string Prefix = "file:";

    /// <inheritdoc/>
    public override string Name => "file";

    /// <inheritdoc/>
    public override string Summary => "a regular file of the host, read and written on worker threads";

    /// <inheritdoc/>
    public override DriverCategory Category => DriverCategory.Protocol;

    /// <inheritdoc/>
    public override string ProtocolName => "file";

    /// <inheritdoc/>
    public override bool NeedsFileName => true;

    /// <inheritdoc/>
    public override bool SupportsReopen => true;

    /// <inheritdoc/>
    public override OptionSchema Options { get; } = new(
        new OptionDefinition("filename", OptionType.String, "the file's path") { IsRequired = true, IsStrong = true },
        new OptionDefinition("locking", OptionType.Enum, "lock the file against other processes; auto: where the system can") { Default = "auto", AllowedValues = ["auto", "on", "off"] });

    /// <inheritdoc/>
    public override string? GetExactFileName(BlockNode node)
    {
        ArgumentNullException.ThrowIfNull(node);
        string? path = node.Options.GetText("filename");

        // A colon before the first slash would be taken for the name of a protocol.
        return path is not null && DriverRegistry.ProtocolPrefix(path) is not null ? Prefix + path : path;
    }

    /// <inheritdoc/>
    public override void ParseFileName(string fileName, OptionsDictionary options)
    {
        ArgumentNullException.ThrowIfNull(fileName);
        ArgumentNullException.ThrowIfNull(options);
        options["filename"] = fileName.StartsWith(Prefix, StringComparison.Ordinal) ? fileName[Prefix.Length..] : fileName;
    }

    /// <summary>
    /// Opens the file: for writing at once, or, with auto-read-only, for reading until somebody wants to write. It takes no lock
    /// yet: that comes with the first user's permissions.
    /// </summary>
    public override async Task<BlockDriverInstance> OpenAsync(OpenContext context, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(context);
        string path = context.Options.GetString("filename")!;
        int locking = context.Options.GetEnumIndex("locking");
        HostPlatform platform = context.Graph.Platform;
        bool isDynamic = context.Settings.AutoReadOnly && !context.Node.IsReadOnly;
        HostFileOptions options = new(path)
        {
            IsWritable = !context.Node.IsReadOnly && !isDynamic,
            IsDirect = context.Settings.CacheDirect,
        };
        context.Step("open host file");
        OpenFile file = await context.Context.RunOnWorkers(() => platform.OpenFile(options));
        try
        {
            context.Step("check host file");
            if (file.IsBlockDevice)
            {
                throw new BlockException($"'file' driver requires '{path}' to be a regular file");
            }

            if (locking == 1 && !file.SupportsByteLocks)
            {
                throw new BlockException(BlockErrorKind.NotSupported, $"locking=on is not possible for '{path}': the file engine has no byte locks");
            }

            return new HostFileInstance(new FileHandle(file), platform, options, isDynamic, takesLocks: locking != 2);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }
}
