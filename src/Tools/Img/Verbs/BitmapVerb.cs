using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.Tools.Io;

namespace BlockGraph.Tools.Img.Verbs;

/// <summary><c>img bitmap</c>: the dirty bitmaps that an image keeps.</summary>
internal sealed class BitmapVerb : ImgVerb
{
    private readonly SourceArguments _source = new();
    private readonly List<(string Name, string? Source)> _actions = [];
    private string? _mergeFile;
    private string? _mergeFormat;
    private long? _granularityBytes;

    /// <inheritdoc/>
    public override string Name => "bitmap";

    /// <inheritdoc/>
    public override string Summary => "Change a dirty bitmap that an image keeps: one or more actions, in the order given.";

    /// <inheritdoc/>
    public override string Usage => "FILENAME BITMAP";

    /// <inheritdoc/>
    public override IReadOnlyList<ImgOption> Options { get; } =
    [
        new('\0', "merge", "add what is dirty in another bitmap", "SOURCE"),
        new('\0', "add", "make it, empty and enabled"),
        new('\0', "remove", "remove it"),
        new('\0', "clear", "forget what has been written"),
        new('\0', "enable", "follow writes from now on"),
        new('\0', "disable", "follow no more writes"),
        new('b', "source-file", "the image that has SOURCE", "FILE"),
        new('F', "source-format", "that image's format", "FMT"),
        new('g', "granularity", "with --add: how much of the image a bit stands for", "BYTES"),
        ImgOption.Object,
        ImgOption.ImageOpts,
        ImgOption.Format with { IsLetterOnly = true },
    ];

    /// <inheritdoc/>
    public override void Check(IReadOnlyList<string> operands)
    {
        if (_actions.Count == 0)
        {
            throw new BlockException("Need at least one of --add, --remove, --clear, --enable, --disable, or --merge");
        }

        if (_granularityBytes is not null && _actions.All(action => action.Name != "add"))
        {
            throw new BlockException("granularity only supported with --add");
        }

        if (_mergeFormat is not null && _mergeFile is null)
        {
            throw new BlockException("-F only supported with -b");
        }

        if (_mergeFile is not null && _actions.All(action => action.Name != "merge"))
        {
            throw new BlockException("Merge bitmap source file only supported with --merge");
        }

        if (operands.Count != 2)
        {
            throw new BlockException("Expecting filename and bitmap name");
        }

        _source.Check();
    }

    /// <inheritdoc/>
    public override Task<int> RunAsync(ImgCall call) => ImgInterrupt.RunAsync(call.Console, call.Name.Program, cancel => ChangeAsync(call, cancel));

    // An interrupt closes the image, so that its bitmaps are in force again.
    private async Task<int> ChangeAsync(ImgCall call, CancellationToken cancel)
    {
        // Bitmaps are the images' own. What lies below may be missing, or be the other of the two.
        IoOpenMode mode = new();
        ImageArgument image = _source.ImageOf(call.Operands[0], mode) with { OpensBacking = false };
        await using BlockBackend backend = await image.OpenAsync(call.World, call.Name, call.Warn, cancel);
        await using BlockBackend? merged = _mergeFile is null
            ? null
            : await new ImageArgument(_mergeFile) { Format = _mergeFormat, Mode = mode with { IsReadOnly = true }, OpensBacking = false }.OpenAsync(call.World, call.Name, call.Warn, cancel);
        BlockNode node = BackingChain.SkipFilters(backend.Root!);
        string bitmap = call.Operands[1];
        foreach ((string action, string? source) in _actions)
        {
            cancel.ThrowIfCancellationRequested();
            try
            {
                await RunAsync(action, source, node, bitmap, merged is null ? node : BackingChain.SkipFilters(merged.Root!));
            }
            catch (BlockException failure)
            {
                throw failure.Prefixed($"Operation {action} on bitmap {bitmap} failed: ");
            }
        }

        // Closing the image would write them as well, but fail without a word.
        await node.StoreBitmapsAsync(CancellationToken.None);
        return 0;
    }

    /// <inheritdoc/>
    protected override void TakeOption(string option, string? value)
    {
        switch (option)
        {
            case "merge" or "add" or "remove" or "clear" or "enable" or "disable":
                _actions.Add((option, value));
                break;
            case "source-file":
                _mergeFile = value;
                break;
            case "source-format":
                _mergeFormat = value;
                break;
            case "granularity":
                // None is the one that the image would have by itself.
                _granularityBytes = ImgNumbers.ReadSize("granularity", value!, long.MaxValue) is > 0 and long bytes ? bytes : null;
                break;
            default:
                _source.Take(option, value);
                break;
        }
    }

    private Task RunAsync(string action, string? source, BlockNode node, string bitmap, BlockNode other) => action switch
    {
        "add" => node.AddBitmapAsync(bitmap, _granularityBytes, isPersistent: true),
        "remove" => node.RemoveBitmapAsync(bitmap),
        "clear" => node.ClearBitmapAsync(bitmap),
        "enable" or "disable" => node.SetBitmapEnabledAsync(bitmap, action == "enable"),
        _ => MergeAsync(node, bitmap, other, source!),
    };

    // The target is looked for first.
    private static Task MergeAsync(BlockNode node, string bitmap, BlockNode other, string source)
    {
        _ = node.GetBitmap(bitmap);
        return node.MergeBitmapsAsync(bitmap, [other.GetBitmap(source)]);
    }
}
