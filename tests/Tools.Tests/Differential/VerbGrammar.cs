namespace BlockGraph.Tools.Tests.Differential;

/// <summary>What command lines of one verb are made of. Every entry is words that stay together, such as an option and its value.</summary>
internal sealed record VerbGrammar(string Verb)
{
    /// <summary>Options as they are meant.</summary>
    public IReadOnlyList<string> Options { get; init; } = [];

    /// <summary>Options that must be refused, or that go with few others.</summary>
    public IReadOnlyList<string> WrongOptions { get; init; } = [];

    /// <summary>All operands of one line.</summary>
    public required IReadOnlyList<string> Operands { get; init; }

    /// <summary>The same, with something wrong.</summary>
    public required IReadOnlyList<string> WrongOperands { get; init; }

    /// <summary>What stands in every line, such as the small count of a load.</summary>
    public string Always { get; init; } = "";

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
