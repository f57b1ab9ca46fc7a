namespace BlockGraph.Tools.Tests.Differential;

/// <summary>What command lines of one verb are made of. Every entry is words that stay together, such as an option and its value.</summary>
internal sealed record VerbGrammar(string Verb)
{
    /// <summary>Options as they are meant.</summary>
    public IReadOnlyList<string> Options { get; init; } = [];

    /// <summary>Options that must be refused, or that go with few others.</summary>
    public IReadOnlyList<string> WrongOptions { get; init; } = [];

    /// <summary>All operands of one line.</summary>
    public IReadOnlyList<string> Operands { get; init; } = [];

    /// <summary>The same, with something wrong.</summary>
    public IReadOnlyList<string> WrongOperands { get; init; } = [];

    /// <summary>What stands in every line, such as the small count of a load.</summary>
    public string Always { get; init; } = "";

    /// <summary>The format of the images.</summary>
    public string Format { get; init; } = "raw";

    /// <summary>Ways in which the image comes to be, of which one opens each case; a <c>;</c> and a blank part its lines.</summary>
    public IReadOnlyList<string> Made { get; init; } = [];

    /// <summary>What may have happened to the image before the line that is tried: some of them, or none.</summary>
    public IReadOnlyList<string> Steps { get; init; } = [];

    /// <summary>Lines that look at what has come of it: two of them.</summary>
    public IReadOnlyList<string> Looks { get; init; } = [];

    /// <summary>What closes each case.</summary>
    public string Last { get; init; } = "";

    /// <summary>Lines of which one may be run before, so that the line finds an image with a history.</summary>
    public IReadOnlyList<string> Before { get; init; } = [];

    /// <summary>Lines of which one may be run after, to look at what the line has made.</summary>
    public IReadOnlyList<string> After { get; init; } = [];

    /// <summary>Whether the operands must stand last, as a size with a sign must.</summary>
    public bool HasOperandsLast { get; init; }

    /// <summary>Whether the verb refuses an unknown option in another way than all others; then lines have none.</summary>
    public bool HasOwnRefusal { get; init; }

    /// <summary>Lines that are run as they are, beside the generated ones.</summary>
    public IReadOnlyList<string> Fixed { get; init; } = [];
}
