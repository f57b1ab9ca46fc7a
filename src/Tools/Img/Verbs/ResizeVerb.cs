using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;
using BlockGraph.Tools.Dispatch;

namespace BlockGraph.Tools.Img.Verbs;

/// <summary><c>img resize</c>: gives an image another length.</summary>
internal sealed class ResizeVerb : ImgVerb
{
    private readonly SourceArguments _source = new();
    private PreallocationMode _preallocation;
    private string _size = "";
    private bool _mayShrink;

    /// <inheritdoc/>
    public override string Name => "resize";

    /// <inheritdoc/>
    public override string Summary => "Give an image another length. What it grows by reads as zeros; what it shrinks by is lost.";

    /// <inheritdoc/>
    public override string Usage => "FILENAME [+|-]SIZE";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Notes { get; } = ["SIZE is always the last argument. With a sign it is added to the present length, or taken from it."];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Examples { get; } = ["resize -f raw disk.img 20G", "resize -f raw disk.img +512M", "resize -f raw --shrink disk.img -1G"];

    /// <inheritdoc/>
    public override IReadOnlyList<ImgOption> Options { get; } =
    [
        ImgOption.Object,
        ImgOption.ImageOpts,
        ImgOption.Format with { IsLetterOnly = true },
        new('\0', "preallocation", "how the space that it grows by is taken: off, metadata, falloc or full (default: off)", "MODE"),
        ImgOption.Quiet,
        new('\0', "shrink", "lose what lies behind the new end"),
    ];

    /// <summary>The size stands last, whatever it looks like.</summary>
    public override IReadOnlyList<string> TakeFirst(IReadOnlyList<string> arguments)
    {
        if (arguments.Contains("-h") || arguments.Contains("--help"))
        {
            return arguments;
        }

        if (arguments.Count < 2)
        {
            throw ImgUsage.Error("Not enough arguments");
        }

        _size = arguments[^1];
        return [.. arguments.Take(arguments.Count - 1)];
    }

    /// <inheritdoc/>
    public override void Check(IReadOnlyList<string> operands)
    {
        if (operands.Count != 1)
        {
            throw ImgUsage.Error("Expecting image file name and size");
        }

        _source.Check();
    }

    /// <inheritdoc/>
    public override IEnumerable<string> SizeOperands(IReadOnlyList<string> operands) => [_size is ['+' or '-', ..] ? _size[1..] : _size];

    /// <inheritdoc/>
    public override Task<int> RunAsync(ImgCall call) => ImgInterrupt.RunAsync(call.Console, call.Name.Program, cancel => ResizeAsync(call, cancel));

    /// <inheritdoc/>
    protected override void TakeOption(string option, string? value)
    {
        switch (option)
        {
            case "preallocation":
                int index = PreallocationModes.Names.ToList().IndexOf(value!);
                _preallocation = index >= 0 ? (PreallocationMode)index : throw new BlockException($"Invalid preallocation mode '{value}'");
                break;
            case "shrink":
                _mayShrink = true;
                break;
            default:
                _source.Take(option, value);
                break;
        }
    }

    private async Task<int> ResizeAsync(ImgCall call, CancellationToken cancel)
    {
        int sign = _size switch { ['+', ..] => 1, ['-', ..] => -1, _ => 0 };
        long given = ReadSize(sign == 0 ? _size : _size[1..]);
        ImageArgument image = _source.ImageOf(call.Operands[0], _source.WriteMode);
        await using BlockBackend backend = await image.OpenAsync(call.World, call.Name, call.Warn, cancel);
        long present = backend.LengthBytes;
        long wanted = sign == 0 ? given : Wrap(present, sign, given);
        if (wanted <= 0)
        {
            throw new BlockException("New image size must be positive");
        }

        if (wanted <= present && _preallocation != PreallocationMode.Off)
        {
            throw new BlockException("Preallocation can only be used for growing images");
        }

        if (wanted < present)
        {
            CheckShrinking(call, present, wanted);
        }

        try
        {
            await backend.TruncateAsync(wanted, isExact: true, _preallocation, cancel);
        }
        catch (BlockException failure) when (!call.Name.FollowsTexts && failure.Kind == BlockErrorKind.NotSupported)
        {
            throw new BlockException(failure.Kind, $"{call.Operands[0]}: {failure.Message}", failure) { Hint = "convert the image into a format that can be resized" };
        }

        if (!_source.IsQuiet)
        {
            call.Out.WriteLine(call.Name.FollowsTexts ? "Image resized." : $"Image resized: {SizeWords.Of(present)} -> {SizeWords.Of(wanted)} ({wanted} bytes).");
        }

        return 0;
    }

    private void CheckShrinking(ImgCall call, long present, long wanted)
    {
        if (!_mayShrink)
        {
            const string warning = "Shrinking an image will delete all data beyond the shrunken image's end. Before performing such an operation, make sure there is no important data there.";
            if (call.Name.FollowsTexts)
            {
                Complaint.Print(call.Console, call.Name.Program, "Use the --shrink option to perform a shrink operation.");
                Complaint.Warn(call.Console, call.Name.Program, warning);
                throw new ReportedFailure();
            }

            throw new BlockException($"{call.Operands[0]}: {SizeWords.Of(wanted)} is less than it has, {SizeWords.Of(present)}") { Hint = "what lies behind the new end would be lost; say --shrink if it may" };
        }
    }

    // The numbers are of 64 bits, and wrap as C's do.
    private static long Wrap(long present, int sign, long given) => unchecked(present + (sign * given));

    // Beyond 63 bits it is no positive number.
    private static long ReadSize(string text) =>
        SizeText.TryParse(text, out ulong bytes) == NumberTextStatus.Ok ? unchecked((long)bytes) : SizeText.Parse("size", text);
}
