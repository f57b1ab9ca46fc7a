using BlockGraph.BlockCore.Errors;
using BlockGraph.Tools.Io;

namespace BlockGraph.Tools.Img;

/// <summary>The options that image commands share: how the image is opened, and how much is said.</summary>
internal sealed class SourceArguments
{
    private string _cache = "writeback";
    private string _sourceCache = "writeback";
    private string? _output;
    private bool _isProgressWanted;

    /// <summary>The format; null to look for it.</summary>
    public string? Format { get; private set; }

    /// <summary>Images are named by option strings.</summary>
    public bool IsOptions { get; private set; }

    /// <summary>Whatever else uses the image is let be.</summary>
    public bool IsForceShare { get; private set; }

    /// <summary>Nothing but errors is said.</summary>
    public bool IsQuiet { get; private set; }

    /// <summary>It is shown how far the work has come.</summary>
    public bool ShowsProgress => _isProgressWanted && !IsQuiet;

    /// <summary>Results are printed as JSON.</summary>
    /// <exception cref="BlockException">There is no such form.</exception>
    public bool IsJson => _output switch
    {
        null or "human" => false,
        "json" => true,
        _ => throw new BlockException("--output must be used with human or json as argument."),
    };

    /// <summary>How an image is opened that is only read, by <c>-T</c>.</summary>
    /// <exception cref="BlockException">There is no such cache mode.</exception>
    public IoOpenMode ReadMode => new IoOpenMode { Discard = "ignore", IsReadOnly = true }.WithCacheMode(_sourceCache) ?? throw new BlockException($"Invalid source cache option: {_sourceCache}");

    /// <summary>How an image is opened that is written, by <c>-t</c>.</summary>
    /// <exception cref="BlockException">There is no such cache mode.</exception>
    public IoOpenMode WriteMode => new IoOpenMode().WithCacheMode(_cache) ?? throw new BlockException($"Invalid cache option: {_cache}");

    /// <summary>Takes one of the shared options by its long name; false for any other.</summary>
    /// <exception cref="BlockException">The value is none for the option.</exception>
    public bool TryTake(string option, string? value)
    {
        switch (option)
        {
            case "format":
                Format = value;
                return true;
            case "image-opts":
                IsOptions = true;
                return true;
            case "force-share":
                IsForceShare = true;
                return true;
            case "cache":
                _cache = value!;
                return true;
            case "source-cache":
                _sourceCache = value!;
                return true;
            case "quiet":
                IsQuiet = true;
                return true;
            case "progress":
                _isProgressWanted = true;
                return true;
            case "output":
                _output = value;
                return true;
            default:
                return false;
        }
    }

    /// <summary>Takes what must be one of the shared options; any other is a mistake of ours.</summary>
    /// <exception cref="BlockException">The value is none for the option.</exception>
    public void Take(string option, string? value)
    {
        if (!TryTake(option, value))
        {
            throw new ArgumentException($"no option '{option}'", nameof(option));
        }
    }

    /// <summary>Holds them against each other.</summary>
    /// <exception cref="BlockException">They do not go together.</exception>
    public void Check()
    {
        _ = IsJson;
        if (IsOptions && Format is not null)
        {
            throw new BlockException("--image-opts and --format are mutually exclusive");
        }
    }

    /// <summary>The image called <paramref name="text"/>, opened as <paramref name="mode"/> says.</summary>
    public ImageArgument ImageOf(string text, IoOpenMode mode) => new(text) { IsOptions = IsOptions, Format = Format, Mode = mode with { IsForceShare = IsForceShare } };

    /// <summary>The image called <paramref name="text"/>, opened to be looked at.</summary>
    public ImageArgument ReadOnlyImageOf(string text) => ImageOf(text, new IoOpenMode { Discard = "ignore", IsReadOnly = true });
}
