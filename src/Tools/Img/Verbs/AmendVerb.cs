using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.Tools.Img.Verbs;

/// <summary><c>img amend</c>: changes properties of an image's format.</summary>
internal sealed class AmendVerb : ImgVerb
{
    private readonly SourceArguments _source = new();
    private readonly CreateOptionsText _options = new();
    private bool _hasOptions;
    private bool _isForced;

    /// <inheritdoc/>
    public override string Name => "amend";

    /// <inheritdoc/>
    public override string Summary => "Change properties of an image's format, such as its version.";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Notes => Caller.FollowsTexts ? [] :
    [
        "-o backing_file=FILENAME,backing_fmt=FMT changes what the image says of its backing file and nothing else, as 'rebase -u' does; '' is for none. FILENAME must be there, but nobody compares what it holds with what the old one holds: where that is not the same the image reads as something else. 'rebase' copies what differs first.",
    ];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Examples { get; } = ["amend -o compat=1.1,lazy_refcounts=on disk.qcow2", "amend -o help -f qcow2"];

    /// <inheritdoc/>
    public override IReadOnlyList<ImgOption> Options { get; } =
    [
        ImgOption.Object,
        ImgOption.ImageOpts,
        ImgOption.Progress,
        ImgOption.Quiet,
        ImgOption.Format with { IsLetterOnly = true },
        ImgOption.Cache,
        new('\0', "force", "change what may make the image unreadable for good, such as its last key"),
        new('o', "options", "what to change, key=value,...; 'help' lists it", "OPTIONS") { IsLetterOnly = true },
    ];

    /// <inheritdoc/>
    public override void Check(IReadOnlyList<string> operands)
    {
        if (!_hasOptions)
        {
            throw ImgUsage.Error("Must specify options (-o)");
        }

        _source.Check();
    }

    /// <inheritdoc/>
    public override Task<int> RunAsync(ImgCall call) => ImgInterrupt.RunAsync(call.Console, call.Name.Program, cancel => AmendAsync(call, cancel));

    /// <inheritdoc/>
    protected override void TakeOption(string option, string? value)
    {
        switch (option)
        {
            case "options":
                _hasOptions = true;
                _options.Take(value!);
                break;
            case "force":
                // Which changes need it is for the format to say.
                _isForced = true;
                break;
            default:
                _source.Take(option, value);
                break;
        }
    }

    private async Task<int> AmendAsync(ImgCall call, CancellationToken cancel)
    {
        if (_options.IsHelpWanted && _source.Format is not null)
        {
            BlockDriver named = call.World.Graph.Drivers.All.FirstOrDefault(driver => driver.Name == _source.Format) ?? throw new BlockException($"Unknown file format '{_source.Format}'");
            PrintHelp(call, named);
            return 0;
        }

        using ImgProgress progress = new(call, _source.ShowsProgress);
        try
        {
            if (call.Operands.Count != 1)
            {
                throw new BlockException("Expecting one image file name");
            }

            // The backing file that is to be replaced may be gone.
            ImageArgument image = _source.ImageOf(call.Operands[0], _source.WriteMode);
            await using BlockBackend backend = await (RenamesBacking(call) ? image with { OpensBacking = false } : image).OpenAsync(call.World, call.Name, call.Warn, cancel);
            BlockDriver format = backend.Root!.Driver;
            if (_options.IsHelpWanted)
            {
                PrintHelp(call, format);
                return 0;
            }

            OptionSchema schema = format.AmendOptions ?? throw Refusal(format);
            await backend.AmendAsync(ReadOptions(format, schema, call), _isForced, progress, cancel);
            progress.Complete();
            return 0;
        }
        finally
        {
            progress.End();
        }
    }

    private bool RenamesBacking(ImgCall call) => call.Name.Profile.AmendsBackingFile && _options.Names(CreateContext.BackingFileOption);

    // Options that only a new image has are known, and told apart from those that nobody has.
    private OptionsDictionary ReadOptions(BlockDriver format, OptionSchema schema, ImgCall call)
    {
        try
        {
            return _options.Read(schema, call);
        }
        catch (BlockException error) when (format.CreateOptions?.Definitions.Any(definition => error.Message == $"Invalid parameter '{definition.Name}'") == true)
        {
            throw new BlockException(error.Kind, error.Message, error) { Hint = "This option is only supported for image creation" };
        }
    }

    private static void PrintHelp(ImgCall call, BlockDriver format)
    {
        OptionSchema schema = format.AmendOptions ?? throw Refusal(format);
        call.Out.WriteLine($"Amend options for '{format.Name}':");
        CreateOptionsText.PrintHelp(call.Out, schema);
    }

    private static BlockException Refusal(BlockDriver format) => new(BlockErrorKind.NotSupported, $"Format driver '{format.Name}' does not support option amendment");
}
