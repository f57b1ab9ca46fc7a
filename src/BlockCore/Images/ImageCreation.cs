using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.BlockCore.Images;

/// <summary>
/// Makes a new image: <c>create</c>'s work. The format's driver lays it out in a file that the protocol's driver makes. Whatever fails, nothing is left that was not there before.
/// <i>QEMU: bdrv_img_create, blockdev-create.</i>
/// </summary>
public sealed class ImageCreation
{
    private readonly NodeGraph _graph;

    /// <summary>Prepares to make <paramref name="fileName"/> in the format called <paramref name="format"/>.</summary>
    /// <exception cref="BlockException">There is no such format or protocol, or it makes no images.</exception>
    public ImageCreation(NodeGraph graph, string format, string fileName)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(fileName);
        _graph = graph;
        FileName = fileName;
        Format = FindFormat(graph, format);
        Protocol = Format.Category == DriverCategory.Protocol ? Format : graph.Drivers.FindProtocol(fileName, graph.Platform);
        if (Format.CreateOptions is not { } formatOptions)
        {
            throw new BlockException(BlockErrorKind.NotSupported, $"Format driver '{Format.Name}' does not support image creation");
        }

        if (Protocol is { CreateOptions: null, TakesNewImages: false })
        {
            throw new BlockException(BlockErrorKind.NotSupported, $"Protocol driver '{Protocol.Name}' does not support image creation");
        }

        OptionSchema protocolOptions = Protocol.CreateOptions ?? s_existing;
        Options = new OptionSchema([.. formatOptions.Definitions, .. protocolOptions.Definitions.Where(definition => formatOptions.Definitions.All(own => own.Name != definition.Name))]);
    }

    // A protocol that makes nothing may have something there already that can be written over.
    private static readonly OptionSchema s_existing = new(new OptionDefinition(CreateContext.SizeOption, OptionType.Size, "Virtual disk size"));

    /// <summary>The name of the image, with its protocol's prefix if it has one.</summary>
    public string FileName { get; }

    /// <summary>Lays the image out.</summary>
    public BlockDriver Format { get; }

    /// <summary>Makes the file below.</summary>
    public BlockDriver Protocol { get; }

    /// <summary>What can be said of the new image: the format's options, then the protocol's.</summary>
    public OptionSchema Options { get; }

    /// <summary>Where the backing file called <paramref name="backing"/> is: its name counts from the new image's folder.</summary>
    public string ResolveBacking(string backing) => NodeFileName.Resolve(FileName, backing);

    /// <summary>Makes the image.</summary>
    /// <param name="options">By the names of <see cref="Options"/>; <c>size</c> must be there.</param>
    /// <param name="cancel">Ends it between two steps.</param>
    /// <exception cref="BlockException">It cannot be made; the message says why.</exception>
    public async Task CreateAsync(OptionsDictionary options, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        OptionsDictionary formatPart = PartOf(options, Format.CreateOptions!);
        NewImageFile? file = ReferenceEquals(Format, Protocol) ? null : new(_graph, Protocol, FileName, OthersOf(PartOf(options, Protocol.CreateOptions ?? s_existing), formatPart));
        List<NewImageFile> others = [];
        try
        {
            await Format.CreateAsync(new CreateContext(_graph, FileName, new OptionReader(formatPart, Format.CreateOptions!), file, Other), cancel);
        }
        catch (BlockException failure) when (failure.Kind == BlockErrorKind.TooLarge)
        {
            string remedy = Format.CreateOptions!.TryGet("cluster_size", out _) ? " (try using a larger cluster size)" : "";
            throw new BlockException(failure.Kind, $"The image size is too large for file format '{Format.Name}'{remedy}", failure);
        }
        catch (BlockException) when (file is { IsAsked: false })
        {
            // Where nothing could be made is told before what is wrong with it.
            await Protocol.CheckNewNameAsync(_graph, FileName);
            throw;
        }
        catch when (others.Append(file).Any(static made => made is { IsMade: true }))
        {
            foreach (NewImageFile made in others.Append(file).OfType<NewImageFile>().Where(static made => made.IsMade))
            {
                await made.TryDeleteAsync();
            }

            throw;
        }

        ICreateFile Other(string name)
        {
            NewImageFile other = new(_graph, _graph.Drivers.FindProtocol(name, _graph.Platform), name, []);
            others.Add(other);
            return other;
        }
    }

    private static BlockDriver FindFormat(NodeGraph graph, string format)
    {
        if (graph.Drivers.All.FirstOrDefault(driver => driver.Name == format) is { } found)
        {
            return found;
        }

        string? nearest = graph.Profile.SuggestsNearestOption ? NearestText.Find(format, graph.Drivers.All.Where(driver => driver.CreateOptions is not null).Select(driver => driver.Name)) : null;
        throw new BlockException(BlockErrorKind.NotFound, $"Unknown file format '{format}'") { Hint = nearest is null ? null : $"did you mean '{nearest}'?" };
    }

    // What the format understands is its business alone.
    private static OptionsDictionary OthersOf(OptionsDictionary options, OptionsDictionary taken)
    {
        foreach (string name in taken.Keys)
        {
            options.Remove(name);
        }

        return options;
    }

    private static OptionsDictionary PartOf(OptionsDictionary options, OptionSchema schema)
    {
        OptionsDictionary part = [];
        foreach (OptionDefinition definition in schema.Definitions)
        {
            if (options.TryGetValue(definition.Name, out OptionValue? value))
            {
                part[definition.Name] = value;
            }
        }

        return part;
    }
}
