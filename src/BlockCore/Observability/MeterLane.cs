using BlockGraph.BlockCore.Accounting;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.BlockCore.Observability;

/// <summary>What one context has had carried out at one node, or by way of one edge. Its thread counts; any may read: it misses nothing that it may know of.</summary>
internal sealed class MeterLane
{
    private readonly RequestCounters[] _counters = new RequestCounters[RequestKinds.Count];

    // Made by the first of a kind: each takes fifteen kilobytes.
    private readonly LatencyHistogram?[] _latencies = new LatencyHistogram?[RequestKinds.Count];
    private int _inFlightCount;

    /// <summary>How many calls are under way.</summary>
    public int InFlightCount => Volatile.Read(ref _inFlightCount);

    /// <summary>What calls of <paramref name="kind"/> have added up to.</summary>
    public RequestCounters CountersOf(RequestKind kind) => RequestCounters.ReadFrom(ref _counters[(int)kind]);

    /// <summary>How long calls of <paramref name="kind"/> took; null where there was none.</summary>
    public LatencyHistogram? LatenciesOf(RequestKind kind) => Volatile.Read(ref _latencies[(int)kind]);

    /// <summary>A call begins.</summary>
    public void Begin() => _inFlightCount++;

    /// <summary>A call is over that did nothing, or was cancelled: it does not count.</summary>
    public void Forget() => _inFlightCount--;

    /// <summary>A call is over.</summary>
    public void Finish(RequestKind kind, long bytes, long elapsedNs, long nowNs, bool isSuccess)
    {
        _inFlightCount--;
        if (isSuccess)
        {
            _counters[(int)kind].AddDone(bytes, elapsedNs, nowNs);
        }
        else
        {
            _counters[(int)kind].AddFailed(elapsedNs, nowNs, isTimed: true);
        }

        (_latencies[(int)kind] ??= new LatencyHistogram()).Record(elapsedNs);
    }
}
