using BlockGraph.BlockCore.Accounting;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Requests;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Backend;

/// <content>
/// What requests have added up to, over all lanes and those that were. Any thread: whatever was completed before, as the caller knows,
/// is in it.
/// </content>
public sealed partial class BlockBackend
{
    private readonly RequestTiming _timing;

    // Protects what follows, and the lanes as a whole: nobody counts one twice, or misses one, that retires just now.
    private readonly Lock _accounting = new();
    private readonly RequestCounters[] _retiredCounters = new RequestCounters[RequestKinds.Count];
    private readonly LatencyBins?[] _retiredBins = new LatencyBins?[RequestKinds.Count];

    /// <summary>How long ago the last request was over that counts in times, in nanoseconds; null where there was none.</summary>
    public long? IdleTimeNs
    {
        get
        {
            RequestCounters sum = default;
            for (int kind = 0; kind < RequestKinds.Count; kind++)
            {
                sum = sum.Plus(GetCounters((RequestKind)kind));
            }

            long count = sum.OperationCount - (_timing.IncludesFailed ? 0 : sum.FailedCount) + (_timing.IncludesInvalid ? sum.InvalidCount : 0);
            return count == 0 ? null : Math.Max(0, Context.ReadNowNs() - sum.LastDoneNs);
        }
    }

    /// <summary>What requests of <paramref name="kind"/> have added up to.</summary>
    public RequestCounters GetCounters(RequestKind kind)
    {
        lock (_accounting)
        {
            RequestCounters sum = _retiredCounters[(int)kind];
            foreach (RequestLane lane in _lanes)
            {
                sum = sum.Plus(lane.CountersOf(kind));
            }

            return sum;
        }
    }

    /// <summary>How long requests of <paramref name="kind"/> took lately: one summary for each of <see cref="BackendOptions.IntervalLengthsNs"/>, in their order.</summary>
    public IReadOnlyList<LatencySummary> GetLatencySummaries(RequestKind kind) => _timing.Intervals?.Read((int)kind, Context.ReadNowNs()) ?? [];

    /// <summary>Counts how long requests of <paramref name="kind"/> take from now on, in bins between <paramref name="boundariesNs"/>; earlier counts are gone. <i>QEMU: block-latency-histogram-set.</i></summary>
    /// <param name="kind">Which requests.</param>
    /// <param name="boundariesNs">The boundaries, in nanoseconds; none to count no longer.</param>
    /// <exception cref="BlockException">They are not positive, or do not rise; the bins are as they were.</exception>
    public void SetLatencyBoundaries(RequestKind kind, params IReadOnlyList<long> boundariesNs)
    {
        ArgumentNullException.ThrowIfNull(boundariesNs);
        LatencyBins? bins = boundariesNs.Count == 0 ? null : new LatencyBins(boundariesNs);
        lock (_accounting)
        {
            _retiredBins[(int)kind] = bins;
            foreach (RequestLane lane in _lanes)
            {
                lane.SetBins(kind, bins?.CloneEmpty());
            }
        }
    }

    /// <summary>How long requests of <paramref name="kind"/> took, in the bins that were asked for; null where none were. The result is the caller's.</summary>
    public LatencyBins? GetLatencyBins(RequestKind kind)
    {
        lock (_accounting)
        {
            if (_retiredBins[(int)kind] is not { } retired)
            {
                return null;
            }

            LatencyBins sum = retired.CloneEmpty();
            sum.Add(retired);
            foreach (RequestLane lane in _lanes)
            {
                sum.Add(lane.BinsOf(kind)!);
            }

            return sum;
        }
    }

    /// <summary>Counts a request of <paramref name="kind"/> that a device has refused before it came here. The caller runs on one of the backend's contexts. <i>QEMU: block_acct_invalid().</i></summary>
    public void CountInvalid(RequestKind kind) => (FindLane() ?? _homeLane).Refuse(kind);

    private static RequestTiming CreateTiming(BackendOptions options, long nowNs) => new(
        options.AccountsFailed,
        options.AccountsInvalid,
        options.IntervalLengthsNs.Count == 0 ? null : new LatencyIntervals(RequestKinds.Count, options.IntervalLengthsNs, nowNs));

    private RequestLane NewLane(AioContext context) => new(context, _timing);

    // The backend is drained: nothing is counted in a lane that retires, and nothing yet in one that is new.
    private void SetLanes(RequestLane[] lanes, RequestLane? retiring)
    {
        lock (_accounting)
        {
            for (int kind = 0; kind < RequestKinds.Count; kind++)
            {
                if (retiring is not null)
                {
                    _retiredCounters[kind] = _retiredCounters[kind].Plus(retiring.CountersOf((RequestKind)kind));
                }

                if (_retiredBins[kind] is { } bins)
                {
                    Retire(bins, retiring?.BinsOf((RequestKind)kind), lanes, (RequestKind)kind);
                }
            }

            Volatile.Write(ref _lanes, lanes);
        }
    }

    private static void Retire(LatencyBins bins, LatencyBins? retiring, RequestLane[] lanes, RequestKind kind)
    {
        if (retiring is not null)
        {
            bins.Add(retiring);
        }

        foreach (RequestLane lane in lanes)
        {
            if (lane.BinsOf(kind) is null)
            {
                lane.SetBins(kind, bins.CloneEmpty());
            }
        }
    }
}
