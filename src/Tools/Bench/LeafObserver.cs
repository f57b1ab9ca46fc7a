using BlockGraph.BlockCore.Accounting;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Requests;

namespace BlockGraph.Tools.Bench;

/// <summary>
/// Watches the storage at the bottom of the graph: how long requests take there, and at what rate they complete once the burst
/// is used up.
/// </summary>
/// <remarks>
/// The steady state begins with the second request that has waited and left the binding bucket full: the one that filled it
/// had less to wait for. Counted is what reaches the storage from then on: of n completions, the units of the last n-1 over the
/// time from the first to the last.
/// </remarks>
internal sealed class LeafObserver(BindingLimit? limit) : INodeObserver
{
    private bool _isFull;
    private long _steadySinceNs = long.MaxValue;
    private long _firstNs = long.MaxValue;
    private long _lastNs;
    private double _units;

    /// <summary>How long requests took in the storage, in nanoseconds.</summary>
    public LatencyHistogram DeviceTimes { get; } = new();

    /// <summary>How long they took there together, in nanoseconds.</summary>
    public long DeviceNs { get; private set; }

    /// <summary>True once the steady state has begun.</summary>
    public bool IsSteady => _steadySinceNs != long.MaxValue;

    /// <summary>Units per second in the steady state, or null where it was too short to tell.</summary>
    public double? SteadyRate => _lastNs > _firstNs ? _units * 1e9 / (_lastNs - _firstNs) : null;

    /// <summary>At <paramref name="nowNs"/> a request has waited and left the binding bucket full.</summary>
    public void OnBurstUsedUp(long nowNs)
    {
        _steadySinceNs = _isFull ? nowNs : _steadySinceNs;
        _isFull = true;
    }

    /// <inheritdoc/>
    public void OnRequestDone(RequestKind kind, long lengthBytes, long startNs, long endNs, bool isSuccess)
    {
        if (!isSuccess)
        {
            return;
        }

        DeviceTimes.Record(endNs - startNs);
        DeviceNs += endNs - startNs;
        if (startNs < _steadySinceNs || limit is null || !limit.Counts(kind))
        {
            return;
        }

        if (_firstNs == long.MaxValue)
        {
            _firstNs = endNs;
            return;
        }

        _units += lengthBytes * limit.UnitsPerByte;
        _lastNs = endNs;
    }
}
