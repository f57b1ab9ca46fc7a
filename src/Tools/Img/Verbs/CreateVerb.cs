using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Images;
using BlockGraph.BlockCore.Options;
using BlockGraph.Tools.Dispatch;

namespace BlockGraph.Tools.Img.Verbs;

/// <summary><c>img create</c>: makes a new image.</summary>
internal sealed class CreateVerb : ImgVerb
{
    private const string BackingFile = CreateContext.BackingFileOption;
    private const string BackingFormat = CreateContext.BackingFormatOption;
    private const string NoBackingFormatText = "Backing file specified without backing format";
    private readonly CreateOptionsText _options = new();
    private string _format = "raw";
    private string? _backing;
    private string? _backingFormat;
    private long? _sizeBytes;
    private bool _isQuiet;
    private bool _isUnsafe;

    /// <inheritdoc/>
    public override string Name => "create";

    /// <inheritdoc/>
    public override string Summary => "Make a new image.";

    /// <inheritdoc/>
    public override string Usage => "FILENAME [SIZE]";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Notes { get; } =
        ["SIZE may be left out where a backing file is given: the image is as long as that. What was in FILENAME before is gone; where making the image fails, a file that was not there before is removed again."];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Examples { get; } = ["create disk.img 10G", "create -f raw -o preallocation=falloc disk.img 10G", "create -f raw -o help disk.img"];

    /// <inheritdoc/>
    public override IReadOnlyList<ImgOption> Options { get; } =
    [
        ImgOption.Object,
        ImgOption.Quiet,
        ImgOption.Format with { Help = "the format of the new image (default: raw)", IsLetterOnly = true },
        new('b', "backing", "the image that shows through where nothing has been written", "FILE") { IsLetterOnly = true },
        new('F', "backing-format", "that image's format", "FMT") { IsLetterOnly = true },
        new('u', "unsafe", "do not look whether the backing file can be opened") { IsLetterOnly = true },
        new('o', "options", "the format's own options, key=value,...; 'help' lists them", "OPTIONS") { IsLetterOnly = true },
    ];

    /// <inheritdoc/>
    public override void Check(IReadOnlyList<string> operands)
    {
        if (operands.Count > 1)
        {
            _sizeBytes = ReadSize(operands[1]);
        }

        if (operands.Count > 2)
        {
            throw ImgUsage.Error($"Unexpected argument: {operands[2]}");
        }

        if (operands.Count == 0 && !_options.IsHelpWanted)
        {
            throw ImgUsage.Error("Expecting image file name");
        }
    }

    /// <inheritdoc/>
    public override IEnumerable<string> SizeOperands(IReadOnlyList<string> operands) => operands.Skip(1);

    /// <inheritdoc/>
    public override Task<int> RunAsync(ImgCall call) =>
        _options.IsHelpWanted ? Task.FromResult(PrintHelp(call)) : ImgInterrupt.RunAsync(call.Console, call.Name.Program, cancel => CreateAsync(call, cancel));

    /// <inheritdoc/>
    protected override void TakeOption(string option, string? value)
    {
        switch (option)
        {
            case "format":
                _format = value!;
                break;
            case "backing":
                _backing = value;
                break;
            case "backing-format":
                _backingFormat = value;
                break;
            case "unsafe":
                _isUnsafe = true;
                break;
            case "options":
                _options.Take(value!);
                break;
            case "quiet":
                _isQuiet = true;
                break;
            default:
                throw NoSuchOption(option);
        }
    }

    private int PrintHelp(ImgCall call)
    {
        ImageCreation creation = new(call.World.Graph, _format, call.Operands.Count > 0 ? call.Operands[0] : "");
        CreateOptionsText.PrintHelp(call.Out, creation.Format, call.Operands.Count > 0 ? creation.Options : null);
        return 0;
    }

    private async Task<int> CreateAsync(ImgCall call, CancellationToken cancel)
    {
        string fileName = call.Operands[0];
        try
        {
            ImageCreation creation = new(call.World.Graph, _format, fileName);
            OptionsDictionary options = await CompleteAsync(call, creation, cancel);
            if (!_isQuiet)
            {
                call.Out.WriteLine($"Formatting '{fileName}', fmt={_format}{CreateOptionsText.Tell(creation.Options, options)}");
            }

            await creation.CreateAsync(options, cancel);
            return 0;
        }
        catch (BlockException failure)
        {
            throw failure.Prefixed($"{fileName}: ");
        }
    }

    // What the options leave out comes from the command line, or from the backing file.
    private async Task<OptionsDictionary> CompleteAsync(ImgCall call, ImageCreation creation, CancellationToken cancel)
    {
        OptionsDictionary options = _options.Read(creation.Options, call);
        string format = creation.Format.Name;
        bool takesBacking = creation.Options.Definitions.Any(definition => definition.Name == BackingFile);
        if (options.ContainsKey(CreateContext.SizeOption) && _sizeBytes is not null)
        {
            throw new BlockException("The image size must be specified only once");
        }

        if (_sizeBytes is { } sizeBytes)
        {
            options[CreateContext.SizeOption] = sizeBytes;
        }

        if (_backing is not null)
        {
            options[BackingFile] = takesBacking ? _backing : throw new BlockException($"Backing file not supported for file format '{format}'");
        }

        if (_backingFormat is not null)
        {
            options[BackingFormat] = takesBacking ? _backingFormat : throw new BlockException($"Backing file format not supported for file format '{format}'");
        }

        if (options.GetText(BackingFile) is { } backing)
        {
            await CheckBackingAsync(call, creation, options, backing, cancel);
        }

        return options.ContainsKey(CreateContext.SizeOption) ? options : throw new BlockException("Image creation needs a size parameter") { Hint = call.Name.FollowsTexts ? null : "give it behind the file name, as in 10G" };
    }

    private async Task CheckBackingAsync(ImgCall call, ImageCreation creation, OptionsDictionary options, string backing, CancellationToken cancel)
    {
        if (backing.Length == 0)
        {
            throw new BlockException("Expected backing file name, got empty string");
        }

        if (backing == creation.FileName)
        {
            throw new BlockException("Error: Trying to create an image with the same filename as the backing file");
        }

        string? format = options.GetText(BackingFormat);
        if (_isUnsafe)
        {
            _ = format ?? throw new BlockException(NoBackingFormatText);
            return;
        }

        await using BlockBackend opened = await OpenBackingAsync(call, creation.ResolveBacking(backing), format, cancel);
        if (format is null)
        {
            throw NoBackingFormat(call, $"Detected format of {opened.Root!.Driver.Name}.");
        }

        options.SetDefault(CreateContext.SizeOption, opened.LengthBytes);
    }

    private static Exception NoBackingFormat(ImgCall call, string detected)
    {
        if (!call.Name.FollowsTexts)
        {
            return new BlockException(NoBackingFormatText) { Hint = detected };
        }

        // By the well-known name nothing ends the line.
        Complaint.Print(call.Console, call.Name.Program, $"{call.Operands[0]}: {NoBackingFormatText}");
        call.Console.Error.Write(detected);
        return new ReportedFailure();
    }

    private static async Task<BlockBackend> OpenBackingAsync(ImgCall call, string fileName, string? format, CancellationToken cancel)
    {
        OptionsDictionary options = new() { { "filename", fileName }, { "read-only", true } };
        if (format is not null)
        {
            options["driver"] = format;
        }

        try
        {
            return await call.World.OpenAsync(options, new BackendOptions { ReadOnly = true, IsForInformation = true }, cancel);
        }
        catch (BlockException failure)
        {
            throw new BlockException(failure.Kind, failure.Message, failure) { Hint = "Could not open backing image." };
        }
    }

    private long ReadSize(string text) => SizeText.TryParse(text, out ulong bytes) switch
    {
        NumberTextStatus.Ok when bytes <= long.MaxValue => (long)bytes,
        _ when !Caller.FollowsTexts => throw new BlockException($"SIZE '{text}' is none") { Hint = $"a number up to {long.MaxValue}, with k, M, G, T, P or E for powers of 1024" },
        NumberTextStatus.Ok or NumberTextStatus.OutOfRange => throw new BlockException($"Invalid image size specified. Must be between 0 and {long.MaxValue}."),
        _ => throw new BlockException("Invalid image size specified. You may use k, M, G, T, P or E suffixes for\nkilobytes, megabytes, gigabytes, terabytes, petabytes and exabytes."),
    };
}
