namespace BlockGraph.Benchmarks.Compare;

/// <summary>How the cost of a request depends on something.</summary>
/// <param name="Name">On what.</param>
/// <param name="How">How it was measured.</param>
/// <param name="Points">The points, in rising order.</param>
internal sealed record CostCurve(string Name, string How, IReadOnlyList<CostPoint> Points);

/// <summary>One point of a curve.</summary>
/// <param name="At">Of what there was so much.</param>
/// <param name="OursNs">Our CPU a request, in nanoseconds.</param>
/// <param name="QemuNs">QEMU's; null where it was not asked.</param>
internal readonly record struct CostPoint(long At, double OursNs, double? QemuNs);
