namespace BlockGraph.Tools.Manual;

/// <summary>A command, or a program, as the man pages and the completion show it.</summary>
/// <param name="Path">What is typed to reach it, such as <c>blockgraph img create</c>.</param>
/// <param name="Summary">One line for a person.</param>
/// <param name="Usage">What stands behind the options.</param>
internal sealed record ManualCommand(string Path, string Summary, string Usage)
{
    /// <summary>Its options, in the order of the help.</summary>
    public IReadOnlyList<ManualOption> Options { get; init; } = [];

    /// <summary>The commands below it.</summary>
    public IReadOnlyList<ManualCommand> Commands { get; init; } = [];

    /// <summary>What a person should know beyond the options, one paragraph each.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>Words of its own little language, such as the commands of io, with what each does.</summary>
    public IReadOnlyList<ManualWord> Words { get; init; } = [];

    /// <summary>Command lines as one would write them.</summary>
    public IReadOnlyList<string> Examples { get; init; } = [];

    /// <summary>Words to choose from where an operand stands; empty where files are named.</summary>
    public IReadOnlyList<string> Operands { get; init; } = [];

    /// <summary>The name of its man page.</summary>
    public string PageName => Path.Replace(' ', '-');

    /// <summary>The last word of what is typed.</summary>
    public string Name => Path[(Path.LastIndexOf(' ') + 1)..];

    /// <summary>Itself, and all that is below.</summary>
    public IEnumerable<ManualCommand> All() => Commands.SelectMany(command => command.All()).Prepend(this);
}

/// <summary>A word of a command's own language.</summary>
/// <param name="Usage">The word with what follows it.</param>
/// <param name="Summary">What it does.</param>
/// <param name="Switches">Its switches, each with what it means.</param>
internal sealed record ManualWord(string Usage, string Summary, IReadOnlyList<KeyValuePair<string, string>> Switches);
