using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Images;
using BlockGraph.Tools.Dispatch;
using BlockGraph.Tools.Io;

namespace BlockGraph.Tools.Img.Verbs;

/// <summary><c>img compare</c>: tells whether two images read the same.</summary>
internal sealed class CompareVerb : ImgVerb
{
    // Scripts tell "they differ" (1) from "that could not be found out".
    private const int ExitDiffer = 1;
    private const int ExitFailure = 2;
    private const int ExitStatusFailure = 3;
    private const int ExitReadFailure = 4;

    private readonly SourceArguments _source = new();
    private string? _secondFormat;
    private bool _isStrict;

    /// <inheritdoc/>
    public override int ObjectFailureExitCode => ExitFailure;

    /// <inheritdoc/>
    public override string Name => "compare";

    /// <inheritdoc/>
    public override string Summary => "Tell whether two images read the same.";

    /// <inheritdoc/>
    public override string Usage => "FILENAME1 FILENAME2";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Notes { get; } =
    [
        "Exit code 0: they do; 1: they do not; 2: an image could not be opened; 3: it is not known what is allocated; 4: a read failed.",
        "Of images of different lengths the rest of the longer one must be zeros, unless -s is given.",
    ];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Examples { get; } = ["compare old.img new.img", "compare -s -f raw -F raw a.img b.img"];

    /// <inheritdoc/>
    public override IReadOnlyList<ImgOption> Options { get; } =
    [
        ImgOption.Format with { Help = "the first image's format; probed without it", IsLetterOnly = true },
        new('F', "second-format", "the second image's format; probed without it", "FMT") { IsLetterOnly = true },
        ImgOption.SourceCache,
        ImgOption.Progress,
        ImgOption.Quiet,
        new('s', "strict", "lengths and what is allocated must agree, too") { IsLetterOnly = true },
        ImgOption.ForceShare,
        ImgOption.Object,
        ImgOption.ImageOpts,
    ];

    /// <inheritdoc/>
    public override void Check(IReadOnlyList<string> operands)
    {
        if (operands.Count != 2)
        {
            throw ImgUsage.Error("Expecting two image file names");
        }
    }

    /// <inheritdoc/>
    public override Task<int> RunAsync(ImgCall call) => ImgInterrupt.RunAsync(call.Console, call.Name.Program, cancel => RunAsync(call, cancel));

    /// <inheritdoc/>
    protected override void TakeOption(string option, string? value)
    {
        switch (option)
        {
            case "second-format":
                _secondFormat = value;
                break;
            case "strict":
                _isStrict = true;
                break;
            default:
                _source.Take(option, value);
                break;
        }
    }

    private async Task<int> RunAsync(ImgCall call, CancellationToken cancel)
    {
        BlockBackend first;
        BlockBackend second;
        try
        {
            (first, second) = await OpenAsync(call, cancel);
        }
        catch (BlockException failure)
        {
            if (_source.ShowsProgress)
            {
                call.Out.WriteLine();
            }

            Complaint.Print(call.Console, call.Name.Program, failure, call.Name.Profile);
            return ExitFailure;
        }

        await using (first)
        await using (second)
        {
            using ImgProgress progress = new(call, _source.ShowsProgress);
            progress.Begin();
            int exitCode = await CompareAsync(call, first, second, progress, cancel);
            progress.End();
            return exitCode;
        }
    }

    private async Task<(BlockBackend First, BlockBackend Second)> OpenAsync(ImgCall call, CancellationToken cancel)
    {
        const string clash = "--image-opts and --format are mutually exclusive";
        if (_source is { IsOptions: true, Format: not null })
        {
            throw new BlockException(clash);
        }

        IoOpenMode mode = _source.ReadMode;
        BlockBackend first = await _source.ImageOf(call.Operands[0], mode).OpenAsync(call.World, call.Name, call.Warn, cancel);
        try
        {
            if (_source.IsOptions && _secondFormat is not null)
            {
                throw new BlockException(clash);
            }

            ImageArgument second = _source.ImageOf(call.Operands[1], mode) with { Format = _secondFormat };
            return (first, await second.OpenAsync(call.World, call.Name, call.Warn, cancel));
        }
        catch
        {
            await first.DisposeAsync();
            throw;
        }
    }

    private async Task<int> CompareAsync(ImgCall call, BlockBackend first, BlockBackend second, ImgProgress progress, CancellationToken cancel)
    {
        ImageComparisonOptions options = new() { IsStrict = _isStrict, ComparesWholeStatus = call.Name.Profile.ComparesWholeStatus, FirstName = call.Operands[0], SecondName = call.Operands[1] };
        LengthWarning lengths = new(progress, Math.Min(first.LengthBytes, second.LengthBytes), () => Say(call, "Warning: Image size mismatch!"));
        ImageComparisonResult result;
        try
        {
            result = await ImageComparison.RunAsync(first, second, options, _isStrict ? progress : lengths, cancel);
        }
        catch (BlockException failure)
        {
            call.Fail(failure.Message);
            return failure.Message.StartsWith(ImageComparison.StatusFailureText, StringComparison.Ordinal) ? ExitStatusFailure : ExitReadFailure;
        }

        if (result.LengthsDiffer && !_isStrict && (result.IsEqual || result.OffsetBytes >= lengths.CommonBytes))
        {
            lengths.Warn();
        }

        Say(call, result.Difference switch
        {
            ImageDifference.None => "Images are identical.",
            ImageDifference.Length => "Strict mode: Image size mismatch!",
            ImageDifference.Allocation => $"Strict mode: Offset {result.OffsetBytes} block status mismatch!",
            _ => $"Content mismatch at offset {result.OffsetBytes}!",
        });
        return result.IsEqual ? 0 : ExitDiffer;
    }

    private void Say(ImgCall call, string text)
    {
        if (!_source.IsQuiet)
        {
            call.Out.WriteLine(text);
        }
    }

    // Told once, as soon as the common part has been found equal.
    private sealed class LengthWarning(ImgProgress progress, long commonBytes, Action warn) : IProgress<ImageProgress>
    {
        private bool _isTold;

        public long CommonBytes => commonBytes;

        public void Report(ImageProgress value)
        {
            if (value.DoneBytes > commonBytes)
            {
                Warn();
            }

            progress.Report(value);
        }

        public void Warn()
        {
            if (!_isTold)
            {
                _isTold = true;
                warn();
            }
        }
    }
}
