using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Events;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.TestKit.Cow;

/// <summary>
/// A small real format: copy on write over one file, with a backing file, zero clusters, repairs and everything that a graph may ask of a format.
/// README.md beside this file has its layout; <see cref="CowImage"/> makes images.
/// </summary>
public sealed class CowDriver : BlockDriver
{
    // What an image has beside its file, by the file's name: by the node's where it has none.
    private readonly Dictionary<string, CowMemory> _memories = [];

    /// <inheritdoc/>
    public override string Name => "cow";

    /// <inheritdoc/>
    public override string Summary => "a small copy-on-write format, for tests";

    /// <inheritdoc/>
    public override DriverCategory Category => DriverCategory.Format;

    /// <inheritdoc/>
    public override bool SupportsBacking => true;

    /// <inheritdoc/>
    public override bool SupportsReopen => true;

    /// <inheritdoc/>
    public override OptionSchema Options => CowOptions.Schema;

    /// <inheritdoc/>
    public override OptionSchema CreateOptions { get; } = new(
        new OptionDefinition(CreateContext.SizeOption, OptionType.Size, "length in bytes"),
        new OptionDefinition("cluster_size", OptionType.Size, "length of a cluster in bytes") { Default = "4k" },
        new OptionDefinition("backing_file", OptionType.String, "name of the backing file"),
        new OptionDefinition("backing_fmt", OptionType.String, "format of the backing file"));

    /// <inheritdoc/>
    public override OptionSchema AmendOptions { get; } = new(new OptionDefinition(CreateContext.SizeOption, OptionType.Size, "length in bytes") { IsRequired = true });

    /// <inheritdoc/>
    public override async Task<bool> CreateAsync(CreateContext context, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(context);
        byte[] image = CowImage.Format(new CowImageOptions(context.SizeBytes)
        {
            ClusterBytes = (int)Math.Min(context.Options.GetSize("cluster_size"), int.MaxValue),
            BackingFileName = context.Options.GetString("backing_file"),
            BackingFormat = context.Options.GetString("backing_fmt"),
        });
        _memories.Remove(context.FileName);
        context.Step("create cow file");
        bool isNew = await context.CreateFileAsync(0, cancel);
        context.Step("open cow file");
        await using CreatedFile file = await context.OpenFileAsync(cancel);
        context.Step("write cow image");
        await file.WriteAsync(0, image, cancel);
        context.Step("close cow file");
        return isNew;
    }

    /// <inheritdoc/>
    public override int Probe(ReadOnlySpan<byte> head) => CowHeader.HasSignature(head) ? ProbeScoreSignature : 0;

    /// <summary>Reads header and table, then opens the backing node. It writes nothing: an image that was not closed cleanly is told of.</summary>
    public override async Task<BlockDriverInstance> OpenAsync(OpenContext context, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(context);
        CowOptions options = CowOptions.Read(context.Options);
        BlockChild file = await context.OpenChildAsync("file", ChildRole.Image);
        context.Step("read cow header");
        CowMetadata metadata = new(file);
        await metadata.LoadAsync(cancel);
        options.Check(metadata.Header);
        if (metadata.Header.IsDirty)
        {
            context.Graph.Events.Publish(new BlockWarning($"Node '{context.Node.Name}': the image was not closed cleanly; a check finds what was lost"));
        }

        await context.OpenBackingAsync(metadata.Header.BackingFileName, metadata.Header.BackingFormat);
        CowMemory memory = MemoryOf(file.Node.ExactFileName ?? context.Node.Name);
        CowBitmaps.Load(context.Node, memory);
        return new CowInstance(file, metadata, options, memory, context.Node);
    }

    private CowMemory MemoryOf(string name)
    {
        if (!_memories.TryGetValue(name, out CowMemory? memory))
        {
            memory = new CowMemory();
            _memories.Add(name, memory);
        }

        return memory;
    }
}
