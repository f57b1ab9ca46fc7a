using BlockGraph.Tools.Dispatch;

namespace BlockGraph.Tools.Img;

/// <summary>An option of an image command, defined once: the parser, the help, completion and the man page read it.</summary>
/// <param name="Letter">The short form; NUL for none.</param>
/// <param name="Name">The long form.</param>
/// <param name="Help">One line for a person.</param>
/// <param name="ValueName">What its value is called in the help; null where it takes none.</param>
internal sealed record ImgOption(char Letter, string Name, string Help, string? ValueName = null)
{
    /// <summary><c>--object</c>.</summary>
    public static ImgOption Object { get; } = new('\0', "object", "first create an object for options to refer to; may be repeated; 'help' lists the types, 'TYPE,help' their options", "TYPE,id=ID,...");

    /// <summary><c>--image-opts</c>.</summary>
    public static ImgOption ImageOpts { get; } = new('\0', "image-opts", "images are named by option strings (key=value,...)");

    /// <summary><c>-f</c>.</summary>
    public static ImgOption Format { get; } = new('f', "format", "the image's format; probed without it", "FMT");

    /// <summary><c>-U</c>.</summary>
    public static ImgOption ForceShare { get; } = new('U', "force-share", "look at an image that is in use; what is seen may be out of date");

    /// <summary><c>-q</c>.</summary>
    public static ImgOption Quiet { get; } = new('q', "quiet", "print nothing but errors") { IsLetterOnly = true };

    /// <summary><c>-p</c>.</summary>
    public static ImgOption Progress { get; } = new('p', "progress", "show how far it has come") { IsLetterOnly = true };

    /// <summary><c>-t</c>.</summary>
    public static ImgOption Cache { get; } = new('t', "cache", "writeback, none, writethrough, directsync or unsafe: how what is written is cached", "MODE") { IsLetterOnly = true };

    /// <summary><c>-T</c>.</summary>
    public static ImgOption SourceCache { get; } = new('T', "source-cache", "the same for what is only read", "MODE") { IsLetterOnly = true };

    /// <summary><c>--output</c>.</summary>
    public static ImgOption Output { get; } = new('\0', "output", "how it is printed (default: human)", "human|json");

    /// <summary><c>--virtual-time</c>.</summary>
    public static ImgOption VirtualTime { get; } = new('\0', "virtual-time", "run on a simulated clock, which moves only when everything waits for it") { IsOwnOnly = true };

    /// <summary>Through the well-known name nobody can write the long form: there it has only its letter.</summary>
    public bool IsLetterOnly { get; init; }

    /// <summary>Its value is a number of bytes.</summary>
    public bool IsSize => ValueName == "BYTES";

    /// <summary>The well-known program has no such option.</summary>
    public bool IsOwnOnly { get; init; }

    /// <summary>What the parser of command lines knows of it.</summary>
    public LongOption ToLongOption(ImgName name) => new(Letter, Name, ValueName is not null, IsLetterOnly && name.FollowsTexts);
}
