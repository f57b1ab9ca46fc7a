using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Images;
using BlockGraph.Tools.Io;

namespace BlockGraph.Tools.Img.Verbs;

/// <summary><c>img rebase</c>: gives an image another backing file.</summary>
internal sealed class RebaseVerb : ImgVerb
{
    private readonly SourceArguments _source = new();
    private string? _backing;
    private string? _backingFormat;
    private bool _isUnsafe;

    /// <inheritdoc/>
    public override string Name => "rebase";

    /// <inheritdoc/>
    public override string Summary => "Give an image another backing file; what only the old one has is copied into the image first.";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Notes { get; } =
    [
        "-b '' makes the image stand alone. With -u only the name in the image's header is changed: for a backing file that was moved.",
    ];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Examples { get; } = ["rebase -p -b new-base.img -F raw overlay.img", "rebase -u -b moved.img -F raw overlay.img"];

    /// <inheritdoc/>
    public override IReadOnlyList<ImgOption> Options { get; } =
    [
        ImgOption.Format with { IsLetterOnly = true },
        ImgOption.Cache,
        ImgOption.SourceCache,
        new('b', "backing-file", "the new backing file; '' for none", "FILENAME") { IsLetterOnly = true },
        new('F', "backing-format", "its format", "FMT") { IsLetterOnly = true },
        new('u', "unsafe", "change the header alone") { IsLetterOnly = true },
        ImgOption.Progress,
        ImgOption.Quiet,
        ImgOption.ForceShare,
        ImgOption.Object,
        ImgOption.ImageOpts,
    ];

    /// <inheritdoc/>
    public override void Check(IReadOnlyList<string> operands)
    {
        CheckOneFile(operands);
        if (_backing is null && !_isUnsafe)
        {
            throw ImgUsage.Error("Must specify backing file (-b) or use unsafe mode (-u)");
        }

        _source.Check();
    }

    /// <inheritdoc/>
    public override Task<int> RunAsync(ImgCall call) => ImgInterrupt.RunAsync(call.Console, call.Name.Program, cancel => RebaseAsync(call, cancel));

    /// <inheritdoc/>
    protected override void TakeOption(string option, string? value)
    {
        switch (option)
        {
            case "backing-file":
                _backing = value;
                break;
            case "backing-format":
                _backingFormat = value;
                break;
            case "unsafe":
                _isUnsafe = true;
                break;
            default:
                _source.Take(option, value);
                break;
        }
    }

    private IoOpenMode Mode => _source.WriteMode with { Discard = "ignore" };

    private async Task<int> RebaseAsync(ImgCall call, CancellationToken cancel)
    {
        using ImgProgress progress = new(call, _source.ShowsProgress);
        progress.Begin();
        try
        {
            _ = Mode;
            _ = _source.ReadMode;

            // What is written is this program's alone: others may have the backing files only.
            ImageArgument image = _source.ImageOf(call.Operands[0], Mode) with { OpensBacking = !_isUnsafe, Mode = Mode };
            await using BlockBackend top = await image.OpenAsync(call.World, call.Name, call.Warn, cancel);
            if (_backingFormat is not null && call.World.Graph.Drivers.All.All(driver => driver.Name != _backingFormat))
            {
                throw new BlockException($"Invalid format name: '{_backingFormat}'");
            }

            progress.Report(new ImageProgress(0, 1));
            if (!_isUnsafe)
            {
                await CopyAsync(call, top, progress, cancel);
            }

            await ChangeHeaderAsync(call, top, progress, cancel);
            return 0;
        }
        catch (BlockException failure) when (!call.Name.FollowsTexts && failure.Kind == BlockErrorKind.NoSpace && failure.Hint is null)
        {
            throw new BlockException(failure.Kind, failure.Message, failure) { Hint = $"'{call.Operands[0]}' reads as before: make room for it and rebase it again" };
        }
        finally
        {
            progress.End();
        }
    }

    private async Task CopyAsync(ImgCall call, BlockBackend top, ImgProgress progress, CancellationToken cancel)
    {
        if (string.IsNullOrEmpty(_backing))
        {
            await ImageRebase.CopyDifferenceAsync(top, null, progress, cancel);
            return;
        }

        BlockBackend newBacking;
        try
        {
            string name = ImageRebase.ResolveBacking(top, _backing);
            newBacking = await new ImageArgument(name) { Format = _backingFormat, Mode = _source.ReadMode with { IsForceShare = _source.IsForceShare } }.OpenAsync(call.World, ImgName.Own, call.Warn, cancel);
        }
        catch (BlockException failure)
        {
            throw failure.Prefixed($"Could not open new backing file '{_backing}': ");
        }

        await using (newBacking)
        {
            await ImageRebase.CopyDifferenceAsync(top, newBacking, progress, cancel);
        }
    }

    private async Task ChangeHeaderAsync(ImgCall call, BlockBackend top, ImgProgress progress, CancellationToken cancel)
    {
        string prefix = $"Could not change the backing file to '{_backing ?? "(null)"}': ";
        if (!string.IsNullOrEmpty(_backing) && _backingFormat is null)
        {
            progress.CompleteOnce();
            throw new BlockException(prefix + "backing format must be specified");
        }

        try
        {
            await top.FlushAsync(cancel);
            bool hasNone = string.IsNullOrEmpty(_backing);
            await ImageRebase.ChangeHeaderAsync(top, hasNone ? null : _backing, hasNone ? null : _backingFormat, cancel);
            progress.Complete();
        }
        catch (BlockException failure)
        {
            // Everything is copied, whatever becomes of the header.
            progress.CompleteOnce();
            throw failure.Kind == BlockErrorKind.InvalidArgument && call.Name.FollowsTexts ? new BlockException(failure.Kind, prefix + call.Name.TextOf(failure), failure) : failure.Prefixed(prefix);
        }
    }
}
