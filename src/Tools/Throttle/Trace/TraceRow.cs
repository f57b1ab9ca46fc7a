namespace BlockGraph.Tools.Throttle.Trace;

/// <summary>The waits of some requests of a trace. Those that did not wait have waited for no time.</summary>
internal sealed class TraceRow
{
    private const double NsPerSecond = 1e9;
    private readonly long[] _sortedWaitsNs;

    /// <summary>The waits of the requests with these <paramref name="indexes"/>, of which there is at least one.</summary>
    public TraceRow(string name, TraceReplay replay, IReadOnlyList<int> indexes)
    {
        Name = name;
        _sortedWaitsNs = [.. indexes.Select(index => replay.AdmittedAtNs[index] - replay.Trace.Requests[index].SubmitNs).Order()];
        LengthBytes = indexes.Sum(index => (double)replay.Trace.Requests[index].LengthBytes);
        DelayedCount = _sortedWaitsNs.Count(wait => wait > 0);
        TotalNs = _sortedWaitsNs.Sum(wait => (double)wait);
    }

    /// <summary>What the requests are called.</summary>
    public string Name { get; }

    /// <summary>How many there are.</summary>
    public int Count => _sortedWaitsNs.Length;

    /// <summary>How long they are together, in bytes.</summary>
    public double LengthBytes { get; }

    /// <summary>How many had to wait.</summary>
    public int DelayedCount { get; }

    /// <summary>The share of them that had to wait, from 0 to 1.</summary>
    public double DelayedShare => (double)DelayedCount / Count;

    /// <summary>All waits together, in nanoseconds.</summary>
    public double TotalNs { get; }

    /// <summary>All waits together, in seconds.</summary>
    public double TotalSeconds => TotalNs / NsPerSecond;

    /// <summary>The mean wait, in nanoseconds.</summary>
    public double MeanNs => TotalNs / Count;

    /// <summary>The longest wait, in nanoseconds.</summary>
    public long MaxNs => _sortedWaitsNs[^1];

    /// <summary>The shortest wait that <paramref name="fraction"/> of the requests do not exceed, in nanoseconds.</summary>
    public long ValueAt(double fraction) => _sortedWaitsNs[Math.Clamp((int)Math.Ceiling(fraction * Count) - 1, 0, Count - 1)];
}
