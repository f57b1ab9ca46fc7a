namespace BlockGraph.BlockCore.Accounting;

/// <summary>The latencies of one stretch of time.</summary>
internal struct LatencyWindow(long startNs, long endNs)
{
    private long _count;
    private long _sumNs;
    private long _minNs;
    private long _maxNs;

    /// <summary>When it ends, in nanoseconds.</summary>
    public long EndNs { get; private set; } = endNs;

    /// <summary>Adds one latency, in nanoseconds.</summary>
    public void Add(long latencyNs)
    {
        _minNs = _count == 0 ? latencyNs : Math.Min(_minNs, latencyNs);
        _maxNs = Math.Max(_maxNs, latencyNs);
        _sumNs += latencyNs;
        _count++;
    }

    /// <summary>Begins anew where the window has ended by <paramref name="nowNs"/>, in step with the windows that were.</summary>
    public void Advance(long nowNs, long lengthNs)
    {
        if (nowNs >= EndNs)
        {
            long start = nowNs - ((nowNs - EndNs) % lengthNs);
            this = new LatencyWindow(start, start + lengthNs);
        }
    }

    /// <summary>What it has seen by <paramref name="nowNs"/>. Time in flight over time passed is how many were in flight.</summary>
    public readonly LatencySummary Sum(long nowNs, long lengthNs) => new(
        lengthNs, _count, _minNs, _maxNs, _count == 0 ? 0 : _sumNs / _count, nowNs > startNs ? (double)_sumNs / (nowNs - startNs) : 0);
}
