using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Requests;

namespace BlockGraph.Benchmarks;

/// <summary>
/// Counts the completions of a window. The window opens with the first completion after the warm-up, whose whole turn of the
/// loop it leaves out, and closes with the last turn before its end, which it counts: each turn stands for the time before it.
/// </summary>
internal sealed class SteadyRateObserver(long warmUpNs, long windowNs, Action atEnd) : INodeObserver
{
    private long _firstNs = -1;
    private long _openNs = -1;
    private long _lastNs;
    private bool _isClosed;

    /// <summary>Completions in the window.</summary>
    public long Count { get; private set; }

    /// <summary>How long the window was.</summary>
    public double Seconds => (_lastNs - _openNs) / 1e9;

    /// <summary>Completions a second.</summary>
    public double RatePerSecond => Count / Seconds;

    /// <inheritdoc/>
    public void OnRequestDone(RequestKind kind, long lengthBytes, long startNs, long endNs, bool isSuccess)
    {
        if (_isClosed)
        {
            return;
        }

        _firstNs = _firstNs < 0 ? endNs : _firstNs;
        if (_openNs < 0)
        {
            _openNs = endNs - _firstNs >= warmUpNs ? endNs : -1;
            return;
        }

        if (endNs - _openNs >= windowNs && endNs != _lastNs)
        {
            _isClosed = true;
            atEnd();
        }
        else if (endNs != _openNs)
        {
            _lastNs = endNs;
            Count++;
        }
    }
}
