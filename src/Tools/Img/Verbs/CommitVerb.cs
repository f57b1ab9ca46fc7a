using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Images;

namespace BlockGraph.Tools.Img.Verbs;

/// <summary><c>img commit</c>: writes what an overlay has into its backing file.</summary>
internal sealed class CommitVerb : ImgVerb
{
    private readonly SourceArguments _source = new();
    private string? _base;
    private long _rateBytesPerSecond;
    private bool _keepsTop;

    /// <inheritdoc/>
    public override string Name => "commit";

    /// <inheritdoc/>
    public override string Summary => "Write what an image has into its backing file, and empty the image.";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Notes { get; } =
    [
        "With -b all images above that one are committed, and none is emptied; what lies between them is then out of date.",
    ];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Examples { get; } = ["commit -p overlay.img", "commit -d -b base.img overlay.img"];

    /// <inheritdoc/>
    public override IReadOnlyList<ImgOption> Options { get; } =
    [
        ImgOption.Format with { IsLetterOnly = true },
        ImgOption.Cache,
        new('b', "base", "the backing file to write into (default: the image's own)", "FILENAME") { IsLetterOnly = true },
        new('d', "drop", "do not empty the image, as it will not be used any more") { IsLetterOnly = true },
        new('r', "rate-limit", "write no faster than this, in bytes per second", "BYTES") { IsLetterOnly = true },
        ImgOption.Progress,
        ImgOption.Quiet,
        ImgOption.Object,
        ImgOption.ImageOpts,
    ];

    /// <inheritdoc/>
    public override void Check(IReadOnlyList<string> operands)
    {
        CheckOneFile(operands);
        _source.Check();
        _ = _source.WriteMode;
    }

    /// <inheritdoc/>
    public override Task<int> RunAsync(ImgCall call) => ImgInterrupt.RunAsync(call.Console, call.Name.Program, cancel => CommitAsync(call, cancel));

    /// <inheritdoc/>
    protected override void TakeOption(string option, string? value)
    {
        switch (option)
        {
            case "base":
                _base = value;
                _keepsTop = true;
                break;
            case "drop":
                _keepsTop = true;
                break;
            case "rate-limit":
                _rateBytesPerSecond = ImgNumbers.ReadSize("rate limit", value!, long.MaxValue);
                break;
            default:
                _source.Take(option, value);
                break;
        }
    }

    private async Task<int> CommitAsync(ImgCall call, CancellationToken cancel)
    {
        await using BlockBackend top = await _source.ImageOf(call.Operands[0], _source.WriteMode).OpenAsync(call.World, call.Name, call.Warn, cancel);
        using ImgProgress progress = new(call, _source.ShowsProgress);
        try
        {
            progress.Report(new ImageProgress(0, 1));
            BlockNode? baseNode = FindBase(call, top);
            await using ConversionThreads threads = ConversionThreads.Start(call.World, _rateBytesPerSecond == 0 ? top.LengthBytes : 0);
            ImageCommitOptions options = new() { KeepsTop = _keepsTop, RateBytesPerSecond = _rateBytesPerSecond, MoreContexts = threads.Contexts };
            await ImageCommit.RunAsync(top, baseNode, options, progress, cancel);
            progress.Complete();
        }
        catch (BlockException failure) when (!call.Name.FollowsTexts && failure.Kind == BlockErrorKind.NoSpace && failure.Hint is null)
        {
            throw new BlockException(failure.Kind, failure.Message, failure) { Hint = $"'{call.Operands[0]}' reads as before: make room for its backing file and commit it again" };
        }
        finally
        {
            progress.End();
        }

        if (!_source.IsQuiet)
        {
            call.Out.WriteLine("Image committed.");
        }

        return 0;
    }

    // By the name that was written, as it stands in a header or as it was opened.
    private BlockNode? FindBase(ImgCall call, BlockBackend top)
    {
        if (_base is null)
        {
            return null;
        }

        string? full = _base.Length > 0 ? Path.GetFullPath(_base) : null;
        for (BlockNode node = BackingChain.SkipFilters(top.Root!); BackingChain.Next(node) is { } next; node = next)
        {
            if (node.Instance.BackingFileName == _base || next.ShownFileName == _base || (next.ExactFileName is { Length: > 0 } name && Path.GetFullPath(name) == full))
            {
                return next;
            }
        }

        throw new BlockException(BlockErrorKind.NotFound, $"Did not find '{_base}' in the backing chain of '{call.Operands[0]}'");
    }
}
