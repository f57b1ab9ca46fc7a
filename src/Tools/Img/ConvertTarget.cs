using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Images;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.Tools.Img;

/// <summary>The image that a conversion fills: made first, unless it is there already.</summary>
/// <param name="call">Whose.</param>
/// <param name="arguments">What was said.</param>
/// <param name="name">What it is called.</param>
internal sealed class ConvertTarget(ImgCall call, ConvertArguments arguments, string name)
{
    private const string BackingFileOption = CreateContext.BackingFileOption;
    private const string BackingFormatOption = CreateContext.BackingFormatOption;
    private const long SectorBytes = 512;

    private string Format => arguments.TargetFormat ?? "raw";

    // What opens what has been made: the secrets that it was made with.
    private readonly OptionsDictionary _secrets = [];

    /// <summary>Nothing is in it but zeros.</summary>
    public bool IsNew { get; private set; }

    /// <summary>What it is called.</summary>
    public string Name => name;

    /// <summary>Makes it, as long as <paramref name="sources"/> together.</summary>
    /// <exception cref="BlockException">It cannot be made.</exception>
    public async Task PrepareAsync(IReadOnlyList<BlockBackend> sources, CancellationToken cancel)
    {
        if (arguments.SkipsCreation)
        {
            IsNew = arguments.IsTargetZero;
            return;
        }

        ImageCreation creation = new(call.World.Graph, Format, name);
        OptionsDictionary options = arguments.NewImage.Read(creation.Options, call);
        AddBacking(creation, options);
        if (arguments.IsCompressed)
        {
            CheckCompression(creation.Format, options);
        }

        // The well-known program does not listen to a size.
        if (call.Name.FollowsTexts || !options.ContainsKey(CreateContext.SizeOption))
        {
            options[CreateContext.SizeOption] = LengthOf(sources);
        }

        if (!call.Name.FollowsTexts && new OptionReader(options.Clone(), creation.Options).GetSize(CreateContext.SizeOption) < LengthOf(sources))
        {
            throw new BlockException("The size given with -o is less than the source has") { Hint = $"leave it out, or give at least {LengthOf(sources)}" };
        }

        try
        {
            TakeSecrets(creation.Format, options);
            await creation.CreateAsync(options, cancel);
            IsNew = creation.Protocol.CreateOptions is not null;
        }
        catch (BlockException failure)
        {
            throw failure.Prefixed($"{name}: error while converting {Format}: ");
        }

        _ = arguments.TargetMode;
    }

    /// <summary>Opens it.</summary>
    /// <exception cref="BlockException">It cannot be opened for writing, or is described in two ways.</exception>
    public async Task<BlockBackend> OpenAsync(CancellationToken cancel)
    {
        if (arguments is { IsTargetOptions: true, TargetFormat: not null })
        {
            throw new BlockException("--image-opts and --format are mutually exclusive");
        }

        ImageArgument image = new(name) { IsOptions = arguments.IsTargetOptions, Format = arguments.IsTargetOptions ? null : Format, Mode = arguments.TargetMode, MoreOptions = _secrets };
        BlockBackend backend = await image.OpenAsync(call.World, call.Name, call.Warn, cancel);
        if (arguments.IsCompressed && backend.Root is { } root && !BackingChain.SkipFilters(root).Driver.SupportsCompression)
        {
            await backend.DisposeAsync();
            throw NoCompression();
        }

        return backend;
    }

    /// <summary>Refuses a target that is too short.</summary>
    /// <exception cref="BlockException">It is.</exception>
    public void CheckLength(IReadOnlyList<BlockBackend> sources, BlockBackend target)
    {
        long needed = sources.Sum(source => source.LengthBytes);
        if (target.LengthBytes < needed)
        {
            throw new BlockException(
                BlockErrorKind.NoSpace, call.Name.FollowsTexts ? "output file is smaller than input file" : $"'{name}' has {target.LengthBytes} bytes, the source {needed}: make it longer first")
            {
                Hint = call.Name.FollowsTexts ? null : $"{call.Name.Program} img resize",
            };
        }
    }

    // What is encrypted does not become shorter, and a cluster that has its place already would give it up.
    private static void CheckCompression(BlockDriver format, OptionsDictionary options)
    {
        if (!format.SupportsCompression)
        {
            throw NoCompression();
        }

        string? other = options.ContainsKey("encrypt.format") || (options.TryGetValue("encryption", out OptionValue? encryption) && encryption is OptionBoolean { Value: true }) ? "encryption"
            : options.GetText("preallocation") is not (null or "off") ? "preallocation"
            : null;
        if (other is not null)
        {
            throw new BlockException(BlockErrorKind.NotSupported, $"Compression and {other} not supported at the same time");
        }
    }

    private static BlockException NoCompression() => new(BlockErrorKind.NotSupported, "Compression not supported for this file format");

    // The well-known program counts in sectors.
    private long LengthOf(IReadOnlyList<BlockBackend> sources)
    {
        long bytes = sources.Sum(source => source.LengthBytes);
        return call.Name.FollowsTexts ? (bytes + SectorBytes - 1) / SectorBytes * SectorBytes : bytes;
    }

    private void TakeSecrets(BlockDriver format, OptionsDictionary options)
    {
        foreach (OptionDefinition definition in format.Options.Definitions.Where(definition => definition.Name.EndsWith("key-secret", StringComparison.Ordinal)))
        {
            if (options.TryGetValue(definition.Name, out OptionValue? id))
            {
                _secrets[definition.Name] = id;
            }
        }
    }

    private void AddBacking(ImageCreation creation, OptionsDictionary options)
    {
        Add(arguments.BackingFile, BackingFileOption, "Backing file not supported for file format");
        Add(arguments.BackingFormat, BackingFormatOption, "Backing file format not supported for file format");
        if (arguments.HasBacking && arguments.BackingFormat is null && !options.ContainsKey(BackingFormatOption))
        {
            throw new BlockException("Use of backing file requires explicit backing format");
        }

        void Add(string? value, string option, string refusal)
        {
            if (value is null)
            {
                return;
            }

            if (creation.Format.CreateOptions!.Definitions.All(definition => definition.Name != option))
            {
                throw new BlockException(BlockErrorKind.NotSupported, $"{refusal} '{creation.Format.Name}'");
            }

            options[option] = value;
        }
    }
}
