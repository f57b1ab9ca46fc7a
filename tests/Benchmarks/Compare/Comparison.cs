namespace BlockGraph.Benchmarks.Compare;

/// <summary>Everything that a run has measured.</summary>
internal sealed class Comparison
{
    /// <summary>What it was measured on.</summary>
    public required IReadOnlyList<(string Name, string Value)> Machine { get; init; }

    /// <summary>How many rounds each row had.</summary>
    public required long Rounds { get; init; }

    /// <summary>By how much the numbers of requests were multiplied.</summary>
    public required double CountScale { get; init; }

    /// <summary>The rows of the table.</summary>
    public List<RowResult> Rows { get; } = [];

    /// <summary>The figures of our own.</summary>
    public List<FigureResult> Figures { get; } = [];

    /// <summary>The curves.</summary>
    public List<CostCurve> Curves { get; } = [];

    /// <summary>What was skipped and why, and what was strange.</summary>
    public List<string> Notes { get; } = [];

    /// <summary>Whether anything that must be was not.</summary>
    public bool HasMissed => Rows.Exists(row => row.Misses.Any()) || Figures.Exists(figure => figure.HasMissed);
}
