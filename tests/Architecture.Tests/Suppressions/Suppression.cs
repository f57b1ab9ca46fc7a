namespace BlockGraph.Architecture.Tests.Suppressions;

/// <summary>One place where a rule of the compiler or of an analyzer is switched off.</summary>
internal readonly record struct Suppression(string Path, string Rule)
{
    public override string ToString() => $"{Path} | {Rule}";
}
