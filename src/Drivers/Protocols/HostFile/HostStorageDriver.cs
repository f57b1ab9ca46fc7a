using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Scheduling;
using OpenFile = BlockGraph.BlockCore.Scheduling.HostFile;

namespace BlockGraph.Drivers.Protocols.HostFile;

/// <summary>What the host has under a name, opened as an image: a regular file or a block device, as the driver at hand wants it.</summary>
public abstract class HostStorageDriver : BlockDriver
{
    private const string AioKey = "aio";
    private static readonly string[] s_aioValues = ["auto", "threads", "native", "io_uring"];
    private readonly string _prefix;

    private protected HostStorageDriver(string name)
    {
        Name = name;
        _prefix = name + ":";
    }

    /// <inheritdoc/>
    public sealed override string Name { get; }

    /// <inheritdoc/>
    public sealed override DriverCategory Category => DriverCategory.Protocol;

    /// <inheritdoc/>
    public sealed override string ProtocolName => Name;

    /// <inheritdoc/>
    public sealed override bool NeedsFileName => true;

    /// <inheritdoc/>
    public sealed override bool SupportsReopen => true;

    /// <inheritdoc/>
    public sealed override OptionSchema Options { get; } = new(
        new OptionDefinition("filename", OptionType.String, "the path") { IsRequired = true, IsStrong = true },
        new OptionDefinition("locking", OptionType.Enum, "lock it against other processes; auto: where the system can") { Default = "auto", AllowedValues = ["auto", "on", "off"] },
        new OptionDefinition(AioKey, OptionType.Enum, "how requests are carried out; native needs cache.direct=on") { Default = "auto", AllowedValues = s_aioValues, IsMutable = true });

    /// <summary>True for block devices, false for regular files.</summary>
    private protected abstract bool WantsDevice { get; }

    /// <inheritdoc/>
    public sealed override string? GetExactFileName(BlockNode node)
    {
        ArgumentNullException.ThrowIfNull(node);
        string? path = node.Options.GetText("filename");

        // A colon before the first slash would be taken for the name of a protocol.
        return path is not null && DriverRegistry.ProtocolPrefix(path) is not null ? "./" + path : path;
    }

    /// <inheritdoc/>
    public sealed override void ParseFileName(string fileName, OptionsDictionary options)
    {
        ArgumentNullException.ThrowIfNull(fileName);
        ArgumentNullException.ThrowIfNull(options);
        options["filename"] = PathOf(fileName);
    }

    /// <summary>
    /// Opens it: for writing at once, or, with auto-read-only, for reading until somebody wants to write. It takes no lock
    /// yet: that comes with the first user's permissions.
    /// </summary>
    public sealed override async Task<BlockDriverInstance> OpenAsync(OpenContext context, CancellationToken cancel)
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
            IsDevice = WantsDevice,
            Aio = ReadAio(context.Options, context.Settings, platform),
        };
        context.Step("open host file");
        OpenFile file = await context.Context.RunBriefly(() => platform.OpenFile(options));
        try
        {
            context.Step("check host file");
            if (file.IsBlockDevice != WantsDevice)
            {
                throw new BlockException($"'{Name}' driver requires '{path}' to be {(WantsDevice ? "either a character or block device" : "a regular file")}");
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

    /// <summary>The path in <paramref name="fileName"/>, which may have the driver's prefix.</summary>
    private protected string PathOf(string fileName) => fileName.StartsWith(_prefix, StringComparison.Ordinal) ? fileName[_prefix.Length..] : fileName;

    /// <summary>How requests are to be carried out, where that is possible with <paramref name="settings"/> on <paramref name="platform"/>.</summary>
    /// <exception cref="BlockException">It is not.</exception>
    internal static HostFileAio ReadAio(OptionReader reader, NodeSettings settings, HostPlatform platform)
    {
        HostFileAio aio = (HostFileAio)reader.GetEnumIndex(AioKey);
        if (aio == HostFileAio.Native && !settings.CacheDirect)
        {
            throw new BlockException("aio=native was specified, but it requires cache.direct=on, which was not specified.");
        }

        platform.CheckAio(aio);
        return aio;
    }
}
