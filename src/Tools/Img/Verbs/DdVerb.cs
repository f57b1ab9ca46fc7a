using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Images;
using BlockGraph.BlockCore.Options;
using BlockGraph.Tools.Io;

namespace BlockGraph.Tools.Img.Verbs;

/// <summary><c>img dd</c>: copies a range of an image into a new one.</summary>
internal sealed class DdVerb : ImgVerb
{
    private const long SectorBytes = 512;
    private const string UnknownFormat = "Unknown file format";

    private readonly SourceArguments _source = new();
    private string _outputFormat = "raw";
    private string? _input;
    private string? _output;
    private long _blockBytes = 512;
    private long? _count;
    private long _skipCount;

    /// <inheritdoc/>
    public override string Name => "dd";

    /// <inheritdoc/>
    public override string Summary => "Copy a range of an image into a new one, named in the manner of dd.";

    /// <inheritdoc/>
    public override string Usage => "[bs=BYTES] [count=N] [skip=N] if=FILENAME of=OUTPUT_FILENAME";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Notes { get; } =
    [
        "bs=BYTES is the length of a block (default: 512); count=N copies N blocks at most; skip=N leaves out the first N.",
    ];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Examples { get; } = ["dd -f raw -O raw bs=1M count=10 skip=100 if=disk.img of=piece.img"];

    /// <inheritdoc/>
    public override IReadOnlyList<ImgOption> Options { get; } =
    [
        ImgOption.Format with { IsLetterOnly = true },
        new('O', "output-format", "the format of the new image (default: raw)", "FMT") { IsLetterOnly = true },
        ImgOption.ForceShare,
        ImgOption.Object,
        ImgOption.ImageOpts,
    ];

    private long SkippedBytes => _skipCount > long.MaxValue / _blockBytes ? long.MaxValue : _skipCount * _blockBytes;

    /// <inheritdoc/>
    public override void Check(IReadOnlyList<string> operands)
    {
        foreach (string operand in operands)
        {
            TakeOperand(operand);
        }

        if (_input is null || _output is null)
        {
            throw new BlockException("Must specify both input and output files");
        }

        _source.Check();
    }

    /// <inheritdoc/>
    public override IEnumerable<string> SizeOperands(IReadOnlyList<string> operands) =>
        operands.Where(static operand => operand.StartsWith("bs=", StringComparison.Ordinal) || operand.StartsWith("count=", StringComparison.Ordinal) || operand.StartsWith("skip=", StringComparison.Ordinal))
            .Select(static operand => operand[(operand.IndexOf('=', StringComparison.Ordinal) + 1)..]);

    /// <inheritdoc/>
    public override Task<int> RunAsync(ImgCall call) => ImgInterrupt.RunAsync(call.Console, call.Name.Program, cancel => CopyAsync(call, cancel));

    /// <inheritdoc/>
    protected override void TakeOption(string option, string? value)
    {
        if (option == "output-format")
        {
            _outputFormat = value!;
        }
        else if (!_source.TryTake(option, value))
        {
            throw NoSuchOption(option);
        }
    }

    private void TakeOperand(string operand)
    {
        int equals = operand.IndexOf('=', StringComparison.Ordinal);
        string name = equals < 0 ? operand : operand[..equals];
        string value = equals < 0 ? "" : operand[(equals + 1)..];
        switch (equals < 0 ? "" : name)
        {
            case "if":
                _input = value;
                break;
            case "of":
                _output = value;
                break;
            case "bs":
                _blockBytes = ReadBlockSize(value);
                break;
            case "count":
                _count = ImgNumbers.ReadSize("count", value, long.MaxValue);
                break;
            case "skip":
                _skipCount = ImgNumbers.ReadSize("skip", value, long.MaxValue);
                break;
            default:
                throw new BlockException($"unrecognized operand {name}");
        }
    }

    private static long ReadBlockSize(string text)
    {
        BlockException outOfRange = new($"Invalid bs specified. Must be between 1 and {int.MaxValue}.");
        long bytes;
        try
        {
            bytes = ImgNumbers.ReadSize("bs", text, int.MaxValue);
        }
        catch (BlockException failure) when (failure.Message.Contains("Must be", StringComparison.Ordinal))
        {
            throw outOfRange;
        }

        return bytes > 0 ? bytes : throw outOfRange;
    }

    private async Task<int> CopyAsync(ImgCall call, CancellationToken cancel)
    {
        await using BlockBackend source = await _source.ReadOnlyImageOf(_input!).OpenAsync(call.World, call.Name, call.Warn, cancel);
        long wanted = _count is { } count ? (count > long.MaxValue / _blockBytes ? long.MaxValue : count * _blockBytes) : long.MaxValue;
        bool includesSkipped = call.Name.Profile.DdCountIncludesSkipped;
        long end = includesSkipped ? Math.Min(wanted, source.LengthBytes) : source.LengthBytes;
        bool isBehindEnd = SkippedBytes > end;
        long length = isBehindEnd ? 0 : Math.Min(includesSkipped ? long.MaxValue : wanted, end - SkippedBytes);
        await CreateAsync(call, length, cancel);
        try
        {
            return await FillAsync(call, source, length, isBehindEnd, cancel);
        }
        catch (OperationCanceledException cancelled)
        {
            throw new IncompleteTargetException(_output!, cancelled);
        }
    }

    private async Task<int> FillAsync(ImgCall call, BlockBackend source, long length, bool isBehindEnd, CancellationToken cancel)
    {
        ImageArgument image = new(_output!) { Format = _outputFormat, Mode = new IoOpenMode() };
        await using BlockBackend target = await image.OpenAsync(call.World, call.Name, call.Warn, cancel);
        if (isBehindEnd)
        {
            call.Fail($"{_input}: cannot skip to specified offset");
            return 0;
        }

        try
        {
            ImageConversionOptions options = new() { TargetIsNew = true, SkippedBytes = SkippedBytes, LengthBytesMax = length };
            options = call.Name.Profile.DdWritesZeros ? options with { SparseBytesMin = 0 } : options;
            await ImageConversion.RunAsync([source], target, options, cancel: cancel);
            return 0;
        }
        catch (BlockException failure) when (call.Name.FollowsTexts)
        {
            bool isRead = failure.Message.StartsWith("error while reading", StringComparison.Ordinal);
            throw new BlockException(failure.Kind, $"error while {(isRead ? "reading from input" : "writing to output")} image file: {call.Name.TextOf(failure)}", failure);
        }
        catch (BlockException failure) when (failure.Hint is null)
        {
            throw new BlockException(failure.Kind, failure.Message, failure) { Hint = $"'{_output}' is incomplete" };
        }
    }

    private async Task CreateAsync(ImgCall call, long length, CancellationToken cancel)
    {
        ImageCreation creation;
        try
        {
            creation = new ImageCreation(call.World.Graph, _outputFormat, _output!);
        }
        catch (BlockException failure) when (call.Name.FollowsTexts && failure.Message.StartsWith(UnknownFormat, StringComparison.Ordinal))
        {
            throw new BlockException(failure.Kind, UnknownFormat, failure);
        }

        long bytes = call.Name.FollowsTexts ? (length + SectorBytes - 1) / SectorBytes * SectorBytes : length;
        try
        {
            await creation.CreateAsync(new OptionsDictionary { { CreateContext.SizeOption, bytes } }, cancel);
        }
        catch (BlockException failure)
        {
            throw failure.Prefixed($"{_output}: error while creating output image: ");
        }
    }
}
