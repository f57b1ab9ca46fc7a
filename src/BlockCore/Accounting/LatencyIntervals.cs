using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Accounting;

/// <summary>
/// The latencies of the last few seconds, minutes or hours, as many intervals at once as a user asked for. Each has two windows of its
/// length, half of it apart; the older one answers, and so knows at least half an interval:
/// <code>
///        |---- answers -----|
///                 |------ later answers ----|
///   ───────────────────^now─────────────────────►
/// </code>
/// <i>QEMU: TimedAverage.</i>
/// </summary>
/// <remarks>Any thread: several contexts record into one, under a lock that nobody takes who asked for no intervals.</remarks>
internal sealed class LatencyIntervals
{
    private readonly Lock _lock = new();
    private readonly long[] _lengthsNs;

    // By kind and interval, two for each; protected by _lock.
    private readonly LatencyWindow[] _windows;

    /// <summary>Empty intervals of <paramref name="lengthsNs"/>, for <paramref name="kindCount"/> kinds of requests.</summary>
    /// <exception cref="BlockException">A length is not positive.</exception>
    public LatencyIntervals(int kindCount, IReadOnlyList<long> lengthsNs, long nowNs)
    {
        _lengthsNs = [.. lengthsNs];
        _windows = new LatencyWindow[kindCount * _lengthsNs.Length * 2];
        for (int i = 0; i < _windows.Length; i++)
        {
            long lengthNs = _lengthsNs[i / 2 % _lengthsNs.Length];
            if (lengthNs <= 0)
            {
                throw new BlockException($"Invalid interval length: {lengthNs}");
            }

            _windows[i] = new LatencyWindow(nowNs, nowNs + (i % 2 == 0 ? (lengthNs + 1) / 2 : lengthNs));
        }
    }

    /// <summary>Adds the latency of one request that is over.</summary>
    public void Record(int kind, long latencyNs, long nowNs)
    {
        lock (_lock)
        {
            for (int interval = 0; interval < _lengthsNs.Length; interval++)
            {
                foreach (ref LatencyWindow window in WindowsUnsynchronized(kind, interval, nowNs))
                {
                    window.Add(latencyNs);
                }
            }
        }
    }

    /// <summary>How requests of <paramref name="kind"/> have done, interval by interval.</summary>
    public LatencySummary[] Read(int kind, long nowNs)
    {
        LatencySummary[] result = new LatencySummary[_lengthsNs.Length];
        lock (_lock)
        {
            for (int interval = 0; interval < result.Length; interval++)
            {
                Span<LatencyWindow> windows = WindowsUnsynchronized(kind, interval, nowNs);
                result[interval] = windows[windows[0].EndNs <= windows[1].EndNs ? 0 : 1].Sum(nowNs, _lengthsNs[interval]);
            }
        }

        return result;
    }

    private Span<LatencyWindow> WindowsUnsynchronized(int kind, int interval, long nowNs)
    {
        Span<LatencyWindow> windows = _windows.AsSpan(((kind * _lengthsNs.Length) + interval) * 2, 2);
        windows[0].Advance(nowNs, _lengthsNs[interval]);
        windows[1].Advance(nowNs, _lengthsNs[interval]);
        return windows;
    }
}
