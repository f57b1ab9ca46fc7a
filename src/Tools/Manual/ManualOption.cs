namespace BlockGraph.Tools.Manual;

/// <summary>An option as the man pages and the completion show it.</summary>
/// <param name="Names">How it is written, hyphens included, the letter first.</param>
/// <param name="Help">What it does.</param>
/// <param name="ValueName">What its value is called; null where it takes none.</param>
/// <param name="Values">The values that there are to choose from; empty where that is open.</param>
internal sealed record ManualOption(IReadOnlyList<string> Names, string Help, string? ValueName, IReadOnlyList<string> Values)
{
    /// <summary>Whether the value is a file's name.</summary>
    public bool TakesFile => ValueName is "FILE" or "CSV" or "DIR" or "SOURCE";
}
