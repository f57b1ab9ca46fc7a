namespace BlockGraph.TestKit.Conformance;

/// <summary>What one run of a check is made with.</summary>
/// <param name="Seed">Decides the workload and every interleaving.</param>
/// <param name="AlignmentBytes">What the storage asks of requests.</param>
/// <param name="LatencyNsMax">The longest that the storage takes over a request.</param>
/// <param name="TakesZeroes">Whether the storage takes zero writes.</param>
internal sealed record ConformanceSetting(int Seed, int AlignmentBytes = 1, long LatencyNsMax = 30_000, bool TakesZeroes = true)
{
    /// <summary>The driver's other options, as its suite names them; null for none.</summary>
    public string? OptionText { get; init; }

    /// <summary>What the storage holds; null: what the suite puts there.</summary>
    public byte[]? Storage { get; init; }

    /// <summary>As a failure shows it.</summary>
    public override string ToString() =>
        $"seed {Seed}, alignment {AlignmentBytes}, latency {LatencyNsMax}, zeroes {(TakesZeroes ? "on" : "off")}{(OptionText is null ? "" : $", {OptionText}")}";
}
