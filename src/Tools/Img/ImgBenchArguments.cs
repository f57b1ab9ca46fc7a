using BlockGraph.BlockCore.Errors;
using BlockGraph.Tools.Io;

namespace BlockGraph.Tools.Img;

/// <summary>The arguments of <c>img bench</c>, taken one after the other, as they are written: the first one at fault is told.</summary>
internal sealed class ImgBenchArguments
{
    private IoOpenMode _mode = new IoOpenMode { Discard = "ignore" }.WithCacheMode("writeback")!;
    private string? _format;
    private bool _isOptions;
    private bool _isNative;
    private bool _isIoUring;
    private bool _isThreads;

    /// <summary>The load.</summary>
    public ImgBenchLoad Load { get; private set; } = new();

    /// <summary>Takes an option by its long name; the last of one name counts.</summary>
    /// <exception cref="BlockException">The value is none for the option.</exception>
    public void Take(string option, string? value)
    {
        switch (option)
        {
            case "image-opts":
                _isOptions = true;
                break;
            case "format":
                _format = value;
                break;
            case "aio":
                TakeEngine(value!);
                break;
            case "native":
                _isNative = true;
                break;
            case "cache":
                _mode = _mode.WithCacheMode(value!) ?? throw new BlockException("Invalid cache mode");
                break;
            case "force-share":
                _mode = _mode with { IsForceShare = true };
                break;
            case "quiet":
                // Of what is printed nothing is left out: QEMU's bench does so, too.
                break;
            default:
                Load = Change(Load, option, value);
                break;
        }
    }

    /// <summary>Holds the arguments against each other.</summary>
    /// <exception cref="BlockException">They do not go together.</exception>
    public void Check()
    {
        if (Load.FlushInterval > 0 && !Load.IsWrite)
        {
            throw new BlockException("--flush-interval is only available in write tests");
        }

        if (Load.FlushInterval > 0 && Load.FlushInterval < Load.Depth)
        {
            throw new BlockException("Flush interval can't be smaller than depth");
        }

        // QEMU waits for ever.
        if (Load.Depth == 0 && Load.RequestCount > 0)
        {
            throw new BlockException("Invalid queue depth specified");
        }

        if (_isOptions && _format is not null)
        {
            throw new BlockException("--image-opts and --format are mutually exclusive");
        }
    }

    /// <summary>The image called <paramref name="text"/>, as the arguments say to open it.</summary>
    public ImageArgument ImageOf(string text) => new(text)
    {
        IsOptions = _isOptions,
        Format = _format,
        Mode = _mode with { IsReadOnly = !Load.IsWrite },
        Engine = _isNative ? "native" : _isIoUring ? "io_uring" : _isThreads ? "threads" : null,
    };

    private static ImgBenchLoad Change(ImgBenchLoad load, string option, string? value) => option switch
    {
        "count" => load with { RequestCount = ImgNumbers.ReadNumber("request count", value!) },
        "depth" => load with { Depth = ImgNumbers.ReadNumber("queue depth", value!) },
        "offset" => load with { OffsetBytes = ImgNumbers.ReadSize("offset", value!, long.MaxValue) },
        "buffer-size" => load with { SizeBytes = (int)ImgNumbers.ReadSize("buffer size", value!, int.MaxValue) },
        "step-size" => load with { StepBytes = (int)ImgNumbers.ReadSize("step_size", value!, int.MaxValue) },
        "flush-interval" => load with { FlushInterval = ImgNumbers.ReadNumber("flush interval", value!) },
        "pattern" => load with { Pattern = (byte)ImgNumbers.ReadNumber("pattern byte", value!, byte.MaxValue) },
        "no-drain" => load with { DrainsToFlush = false },
        "write" => load with { IsWrite = true },
        _ => throw new ArgumentException($"no option '{option}'", nameof(option)),
    };

    // Of several engines the one that needs most wins, whatever the order.
    private void TakeEngine(string engine)
    {
        switch (engine)
        {
            case "native":
                _isNative = true;
                break;
            case "io_uring":
                _isIoUring = true;
                break;
            case "threads":
                _isThreads = true;
                break;
            default:
                throw new BlockException($"Invalid aio option: {engine}");
        }
    }
}
