namespace BlockGraph.Tools.Tests.Differential;

/// <summary>A case that differs for no known reason, and in what.</summary>
internal sealed record UnknownDifference(DifferentialCase Made, IReadOnlyList<LineDifference> Differences)
{
    public override string ToString() => $"{Made.Key} {Made.Verb} {Made.Format}\n{string.Concat(Made.Lines.Select(line => $"  {line}\n"))}{string.Concat(Differences)}";
}
