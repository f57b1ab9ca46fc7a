using BlockGraph.BlockCore.Accounting;

namespace BlockGraph.Tools.Bench;

/// <summary>What a load has achieved.</summary>
/// <param name="RequestCount">How many requests completed.</param>
/// <param name="ByteCount">How many bytes they moved.</param>
/// <param name="ElapsedNs">From the first submission to the last completion, in nanoseconds.</param>
/// <param name="Limit">The limit that the load meets first, or null.</param>
/// <param name="SteadyRate">Units of the limit per second in the steady state, or null where it was not reached.</param>
/// <param name="Latencies">From submission to completion.</param>
/// <param name="ThrottleWaits">The part of it spent waiting for a limit.</param>
/// <param name="DeviceTimes">The part of it spent in the storage.</param>
internal sealed record BenchResult(
    long RequestCount,
    long ByteCount,
    long ElapsedNs,
    BindingLimit? Limit,
    double? SteadyRate,
    LatencyHistogram Latencies,
    LatencyHistogram ThrottleWaits,
    LatencyHistogram DeviceTimes)
{
    private const double NsPerSecond = 1e9;

    /// <summary>How long it took, in seconds.</summary>
    public double Seconds => ElapsedNs / NsPerSecond;

    /// <summary>Requests per second; 0 where no time has passed.</summary>
    public double RequestsPerSecond => ElapsedNs == 0 ? 0 : RequestCount / Seconds;

    /// <summary>Bytes per second; 0 where no time has passed.</summary>
    public double BytesPerSecond => ElapsedNs == 0 ? 0 : ByteCount / Seconds;

    /// <summary>By how many per cent the steady state is above the limit (below it where negative), or null.</summary>
    public double? ErrorPercent => Limit is null || SteadyRate is null ? null : ((SteadyRate.Value / Limit.Rate) - 1) * 100;
}
