using System.Globalization;
using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Images;
using BlockGraph.BlockCore.ObjectModel;
using BlockGraph.BlockCore.Options;
using BlockGraph.Tools.Dispatch;

namespace BlockGraph.Tools.Img.Verbs;

/// <summary><c>img measure</c>: tells how much space an image would take.</summary>
internal sealed class MeasureVerb : ImgVerb
{
    private readonly SourceArguments _source = new();
    private string _outputFormat = "raw";
    private readonly CreateOptionsText _options = new();
    private long? _sizeBytes;
    private string? _snapshot;

    /// <inheritdoc/>
    public override string Name => "measure";

    /// <inheritdoc/>
    public override string Summary => "Tell how much space an image would take, before it is made.";

    /// <inheritdoc/>
    public override string Usage => "[FILENAME]";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Examples { get; } = ["measure --size 10G", "measure -O raw --output=json disk.img"];

    /// <inheritdoc/>
    public override IReadOnlyList<ImgOption> Options { get; } =
    [
        ImgOption.Format with { IsLetterOnly = true },
        new('O', "output-format", "the format that it would have (default: raw)", "FMT") { IsLetterOnly = true },
        new('o', "options", "how it would be made; 'help' lists what can be said", "KEY=VALUE,...") { IsLetterOnly = true },
        new('\0', "size", "a new image of this size, instead of a file that would be converted", "BYTES"),
        new('l', "snapshot", "a snapshot of the image instead of what it is now", "SNAPSHOT") { IsLetterOnly = true },
        ImgOption.Output,
        ImgOption.ForceShare,
        ImgOption.Object,
        ImgOption.ImageOpts,
    ];

    /// <inheritdoc/>
    public override void Check(IReadOnlyList<string> operands)
    {
        if (operands.Count > 1)
        {
            throw new BlockException("At most one filename argument is allowed.");
        }

        if (operands.Count == 0 && (_source.IsOptions || _source.Format is not null || _snapshot is not null))
        {
            throw new BlockException("--image-opts, -f, and -l require a filename argument.");
        }

        if (operands.Count == 0 && _sizeBytes is null)
        {
            throw new BlockException("Either --size N or one filename must be specified.");
        }

        if (operands.Count == 1 && _sizeBytes is not null)
        {
            throw new BlockException("--size N cannot be used together with a filename.");
        }

        _source.Check();
    }

    /// <inheritdoc/>
    public override Task<int> RunAsync(ImgCall call) => ImgInterrupt.RunAsync(call.Console, call.Name.Program, cancel => MeasureAsync(call, cancel));

    private async Task<int> MeasureAsync(ImgCall call, CancellationToken cancel)
    {
        BlockBackend? source = call.Operands.Count == 0 ? null : await _source.ReadOnlyImageOf(call.Operands[0]).OpenAsync(call.World, call.Name, call.Warn, cancel);
        await using (source)
        {
            if (_snapshot is not null)
            {
                await SourceSnapshot.ShowAsync(source!, _snapshot);
            }

            BlockDriver format = FindFormat(call);
            if (format.CreateOptions is null)
            {
                throw new BlockException(BlockErrorKind.NotSupported, $"Format driver '{format.Name}' does not support image creation");
            }

            ImageMeasurement measurement = await MeasureAsync(call, format, source, cancel);
            Print(call, measurement);
            return 0;
        }
    }

    /// <inheritdoc/>
    protected override void TakeOption(string option, string? value)
    {
        switch (option)
        {
            case "output-format":
                _outputFormat = value!;
                break;
            case "options":
                _options.Take(value!);
                break;
            case "size":
                _sizeBytes = ImgNumbers.ReadSize("image size", value!, long.MaxValue);
                break;
            case "snapshot":
                SourceSnapshot.Check(value!);
                _snapshot = value;
                break;
            case "output":
                _source.Take(option, value);

                // Of several mistakes the first is told.
                _ = _source.IsJson;
                break;
            default:
                _source.Take(option, value);
                break;
        }
    }

    private async Task<ImageMeasurement> MeasureAsync(ImgCall call, BlockDriver format, BlockBackend? source, CancellationToken cancel)
    {
        OptionsDictionary options;
        try
        {
            options = _options.Read(OptionsOf(call, format), call);
        }
        catch (BlockException failure)
        {
            string context = $"Invalid options for file format '{format.Name}'";
            if (!call.Name.FollowsTexts)
            {
                throw new BlockException(failure.Kind, $"{failure.Message} {context}", failure) { Hint = failure.Hint };
            }

            Complaint.Print(call.Console, call.Name.Program, failure, call.Name.Profile);
            throw new BlockException(failure.Kind, context, failure);
        }

        ImageMeasurement measurement = source is null
            ? await ImageMeasuring.RunAsync(call.World.Graph, format, options, _sizeBytes!.Value, cancel)
            : await ImageMeasuring.RunAsync(format, options, source, cancel);

        // How long a key is says nothing of the length; that there is none is told all the same.
        string prefix = options.GetText("encrypt.format") == "luks" ? "encrypt." : "";
        if (options.GetText($"{prefix}key-secret") is { } id)
        {
            SecretObject.CopyOfText(call.World.Graph, id).Dispose();
        }

        return measurement;
    }

    private BlockDriver FindFormat(ImgCall call)
    {
        try
        {
            return call.World.Graph.Drivers.Get(_outputFormat, call.Name.Profile.SuggestsNearestOption);
        }
        catch (BlockException failure)
        {
            throw new BlockException(failure.Kind, $"Unknown file format '{_outputFormat}'", failure) { Hint = failure.Hint };
        }
    }

    // Those of the file that it would lie in, too.
    private OptionSchema OptionsOf(ImgCall call, BlockDriver format) => format.CreateOptions is null ? new OptionSchema() : new ImageCreation(call.World.Graph, _outputFormat, "").Options;

    private void Print(ImgCall call, ImageMeasurement measurement)
    {
        string required = measurement.RequiredBytes.ToString(CultureInfo.InvariantCulture);
        string full = measurement.FullyAllocatedBytes.ToString(CultureInfo.InvariantCulture);
        string? bitmaps = measurement.BitmapsBytes?.ToString(CultureInfo.InvariantCulture);
        if (_source.IsJson)
        {
            string first = bitmaps is null ? "" : $"    \"bitmaps\": {bitmaps},\n";
            call.Out.WriteLine($"{{\n{first}    \"required\": {required},\n    \"fully-allocated\": {full}\n}}");
            return;
        }

        call.Out.WriteLine($"required size: {required}\nfully allocated size: {full}");
        if (bitmaps is not null)
        {
            call.Out.WriteLine($"bitmaps size: {bitmaps}");
        }
    }
}
