using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Images;
using BlockGraph.Tools.Dispatch;

namespace BlockGraph.Tools.Img.Verbs;

/// <summary><c>img map</c>: tells what is where in an image.</summary>
internal sealed class MapVerb : ImgVerb
{
    private readonly SourceArguments _source = new();
    private long _startBytes;
    private long? _lengthBytesMax;

    /// <inheritdoc/>
    public override string Name => "map";

    /// <inheritdoc/>
    public override string Summary => "Tell which parts of an image are data, which are zeros, and where they lie.";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Notes { get; } = ["For a person only what is stored as it is read is listed; JSON has everything."];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Examples { get; } = ["map -f raw disk.img", "map --output=json --start-offset=1G --max-length=1M disk.img"];

    /// <inheritdoc/>
    public override IReadOnlyList<ImgOption> Options { get; } =
    [
        ImgOption.Format,
        new('s', "start-offset", "where to begin (default: 0)", "BYTES"),
        new('l', "max-length", "how far to go (default: to the end)", "BYTES"),
        ImgOption.Output,
        ImgOption.ForceShare,
        ImgOption.Object,
        ImgOption.ImageOpts,
    ];

    /// <inheritdoc/>
    public override void Check(IReadOnlyList<string> operands)
    {
        CheckOneFile(operands);
        _ = _source.IsJson;
        _source.Check();
    }

    /// <inheritdoc/>
    public override Task<int> RunAsync(ImgCall call) => ImgInterrupt.RunAsync(call.Console, call.Name.Program, cancel => MapAsync(call, cancel));

    private async Task<int> MapAsync(ImgCall call, CancellationToken cancel)
    {
        await using BlockBackend backend = await _source.ReadOnlyImageOf(call.Operands[0]).OpenAsync(call.World, call.Name, call.Warn, cancel);
        await using BatchedOutput output = new(call.Out);
        MapForm form = _source.IsJson ? new MapJson(output) : new MapTable(output, call.Name.FollowsTexts);
        form.Begin();
        bool isAny = false;
        await foreach (ImageExtent extent in ImageMap.ReadAsync(backend, _startBytes, _lengthBytesMax, cancel))
        {
            isAny = true;
            form.Add(extent);
        }

        if (!isAny)
        {
            form.AddNothing(_startBytes);
        }

        form.End();
        return 0;
    }

    /// <inheritdoc/>
    protected override void TakeOption(string option, string? value)
    {
        switch (option)
        {
            case "start-offset":
                _startBytes = ImgNumbers.ReadSize("start offset", value!, long.MaxValue);
                break;
            case "max-length":
                _lengthBytesMax = ImgNumbers.ReadSize("max length", value!, long.MaxValue);
                break;
            default:
                _source.Take(option, value);
                break;
        }
    }
}
