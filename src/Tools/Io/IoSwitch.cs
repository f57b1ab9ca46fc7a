namespace BlockGraph.Tools.Io;

/// <summary>One switch of an io command.</summary>
/// <param name="Letter">The letter behind the hyphen.</param>
/// <param name="Meaning">What it does, for a person.</param>
/// <param name="ValueName">What follows it, in capitals; null for nothing.</param>
internal sealed record IoSwitch(char Letter, string Meaning, string? ValueName = null);
