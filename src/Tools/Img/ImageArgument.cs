using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;
using BlockGraph.Qapi.Options;
using BlockGraph.Tools.Dispatch;
using BlockGraph.Tools.Io;

namespace BlockGraph.Tools.Img;

/// <summary>An image as the command line names it: a file name, or an option string, and how to open it.</summary>
/// <param name="Text">The argument.</param>
internal sealed record ImageArgument(string Text)
{
    // An option string that is one word refers to a node.
    private const string ImpliedKey = "file";

    /// <summary>The argument is an option string (<c>--image-opts</c>).</summary>
    public bool IsOptions { get; init; }

    /// <summary>The image's format; null to look for it.</summary>
    public string? Format { get; init; }

    /// <summary>How to open it.</summary>
    public IoOpenMode Mode { get; init; } = new();

    /// <summary>The engine that reads and writes files of the host; null for each file's own choice.</summary>
    public string? Engine { get; init; }

    /// <summary>False to open the image alone, without the backing file that its header names.</summary>
    public bool OpensBacking { get; init; } = true;

    /// <summary>It is opened to be checked, and maybe mended.</summary>
    public bool IsForCheck { get; init; }

    /// <summary>Nobody else may write the image meanwhile, unless it is opened to look at it whoever uses it.</summary>
    public bool ExcludesWriters { get; init; }

    /// <summary>The image is only looked at: no passphrase is needed.</summary>
    public bool IsForInformation { get; init; }

    /// <summary>What opening it takes beside <see cref="Text"/>.</summary>
    public OptionsDictionary MoreOptions { get; init; } = [];

    /// <summary>Opens the image.</summary>
    /// <param name="world">Where to.</param>
    /// <param name="name">Whose texts failures have.</param>
    /// <param name="warn">Told of option strings that are written in an old way.</param>
    /// <param name="cancel">Ends it: to find a key of an encrypted image may take long.</param>
    /// <exception cref="BlockException">The options, the storage or the permissions refuse.</exception>
    public async Task<BlockBackend> OpenAsync(ToolWorld world, ImgName name, Action<OptionWarning> warn, CancellationToken cancel = default)
    {
        try
        {
            OptionsDictionary options = Mode.ApplyTo(IsOptions ? QemuOptsParser.Parse(Text, ImpliedKey, warn).ToDictionary() : FileOptions(world.Graph));
            if (Engine is not null)
            {
                EngineOption.SetDefault(options, Engine, world.Graph);
            }

            foreach ((string key, OptionValue value) in MoreOptions)
            {
                options[key] = value;
            }

            string? unknown = OpensBacking ? null : TakeBacking(options, world.Graph.Profile);

            BlockBackend backend = await world.OpenAsync(options, new BackendOptions
            {
                ReadOnly = Mode.IsReadOnly,
                ShareWrite = ExcludesWriters && !Mode.IsForceShare ? false : null,
                IsForInformation = IsForInformation,
                ForCheck = IsForCheck,
            }, cancel);
            await RefuseReadOnlyAsync(backend);
            if (unknown is not null)
            {
                string driver = backend.Root!.Driver.Name;
                await backend.DisposeAsync();
                throw new BlockException($"Block format '{driver}' does not support the option '{unknown}'");
            }

            backend.IsWriteCacheEnabled = !Mode.IsWritethrough;
            return backend;
        }
        catch (BlockException failure) when (name.FollowsTexts)
        {
            throw failure.Prefixed($"Could not open '{Text}': ");
        }
    }

    // The first option of the backing file that nobody will ask for, where that is a mistake.
    private static string? TakeBacking(OptionsDictionary options, CompatibilityProfile profile)
    {
        string[] given = [.. options.Keys.Where(static key => key is "backing" || key.StartsWith("backing.", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
        bool isNone = given is ["backing"] && options.GetText("backing") is null or "";
        if (!isNone && !profile.KnowsUnopenedBacking)
        {
            Array.ForEach(given, key => options.Remove(key));
        }

        options["backing"] = OptionNull.Instance;
        return isNone || profile.KnowsUnopenedBacking ? null : given.FirstOrDefault();
    }

    // An option may have made read-only what was to be written.
    private async Task RefuseReadOnlyAsync(BlockBackend backend)
    {
        if (backend.IsReadOnly && !Mode.IsReadOnly)
        {
            await backend.DisposeAsync();
            throw new BlockException(BlockErrorKind.ReadOnlyStorage, "Block node is read-only");
        }
    }

    private OptionsDictionary FileOptions(NodeGraph graph)
    {
        OptionsDictionary options = [];
        if (Format is not null)
        {
            options["driver"] = Format;
        }

        // A protocol reads its name itself, with or without its prefix; to all others it is the name of a file.
        BlockDriver? driver = graph.Drivers.All.FirstOrDefault(driver => driver.Name == Format);
        if (driver?.ProtocolName is null || Text.StartsWith("json:", StringComparison.Ordinal))
        {
            options["filename"] = Text;
        }
        else
        {
            driver.ParseFileName(Text, options);
        }

        return options;
    }
}
