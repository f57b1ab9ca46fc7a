namespace BlockGraph.Benchmarks.Compare;

/// <summary>What a row has come to.</summary>
/// <param name="Row">The row.</param>
/// <param name="Ours">Our runs.</param>
/// <param name="Qemu">QEMU's runs, in the way that cost it the least CPU.</param>
/// <param name="FioCpuNs">What fio's io_uring engine takes for a request of the same load, in nanoseconds of CPU; null where it was not asked.</param>
/// <param name="AreBytesRight">Whether everything that was read and written was what it had to be.</param>
internal sealed record RowResult(CompareRow Row, Contender Ours, Contender Qemu, double? FioCpuNs, bool AreBytesRight)
{
    private const double WallRatioMax = 1.1;

    // Of a shorter run starting and ending the program is too much.
    private const double WallNsMin = 0.3e9;

    /// <summary>Our CPU a request against QEMU's in the same round.</summary>
    public Spread CpuRatio { get; } = Spread.Of([.. Ours.CpuNs.Zip(Qemu.CpuNs, (ours, qemu) => ours / qemu)]);

    /// <summary>The same for wall time.</summary>
    public Spread WallRatio { get; } = Spread.Of([.. Ours.WallNs.Zip(Qemu.WallNs, (ours, qemu) => ours / qemu)]);

    /// <summary>What was missed; empty where nothing was.</summary>
    public IEnumerable<string> Misses
    {
        get
        {
            if (!AreBytesRight)
            {
                yield return "bytes";
            }

            if (CpuRatio.Median > Row.Must)
            {
                yield return "cpu";
            }

            if (WallRatio.Median > WallRatioMax && Math.Min(Ours.RunNs, Qemu.RunNs) > WallNsMin)
            {
                yield return "wall";
            }
        }
    }

    /// <summary>In a word or two, for the table.</summary>
    public string Verdict => Misses.Any() ? $"MISSED ({string.Join(", ", Misses)})" : CpuRatio.Median <= Row.Aim ? "ok, aim reached" : "ok";
}
