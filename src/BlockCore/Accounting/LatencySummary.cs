namespace BlockGraph.BlockCore.Accounting;

/// <summary>How long requests of one kind took lately. <i>QEMU: BlockDeviceTimedStats.</i></summary>
/// <param name="IntervalNs">Over how long, in nanoseconds: at least half of it, once it has passed, and at most all of it.</param>
/// <param name="Count">How many requests.</param>
/// <param name="MinNs">The shortest, in nanoseconds; 0 where there is none, as in what follows.</param>
/// <param name="MaxNs">The longest, in nanoseconds.</param>
/// <param name="AverageNs">The average, in nanoseconds.</param>
/// <param name="AverageQueueDepth">How many were under way at a time, on average.</param>
public readonly record struct LatencySummary(long IntervalNs, long Count, long MinNs, long MaxNs, long AverageNs, double AverageQueueDepth);
