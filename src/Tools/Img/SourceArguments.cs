using BlockGraph.BlockCore.Errors;
using BlockGraph.Tools.Io;

namespace BlockGraph.Tools.Img;

/// <summary>How an image command was told to open its image: the options that most commands share.</summary>
internal sealed class SourceArguments
{
    /// <summary>The format; null to look for it.</summary>
    public string? Format { get; private set; }

    /// <summary>Images are named by option strings.</summary>
    public bool IsOptions { get; private set; }

    /// <summary>Whatever else uses the image is let be.</summary>
    public bool IsForceShare { get; private set; }

    /// <summary>Takes <c>-f</c>, <c>--image-opts</c> or <c>-U</c>; false for any other.</summary>
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
            default:
                return false;
        }
    }

    /// <summary>Holds them against each other.</summary>
    /// <exception cref="BlockException">They do not go together.</exception>
    public void Check()
    {
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
