namespace BlockGraph.Tools.Tests.Differential;

/// <summary>Command lines that run one after the other in one folder; most cases have one.</summary>
internal sealed record DifferentialCase(string Verb, IReadOnlyList<CommandLine> Lines)
{
    public override string ToString() => string.Join("; ", Lines);
}
