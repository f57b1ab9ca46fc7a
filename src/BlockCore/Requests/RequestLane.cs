using System.Runtime.CompilerServices;
using BlockGraph.BlockCore.Accounting;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Requests;

/// <summary>
/// What one context keeps of one user of the graph: the count of requests in flight, the queue of those held back, and
/// the counters. Only that context's thread changes it, so its fields are plain; counters and bins may be read anywhere.
/// </summary>
internal sealed class RequestLane(AioContext context, RequestTiming timing)
{
    private readonly RequestCounters[] _counters = new RequestCounters[RequestKinds.Count];
    private readonly LatencyBins?[] _bins = new LatencyBins?[RequestKinds.Count];
    private readonly LatencyIntervals? _intervals = timing.Intervals;

    /// <summary>The context that submits through this lane.</summary>
    public AioContext Context { get; } = context;

    /// <summary>How many requests are between submission and completion.</summary>
    public int InFlightCount { get; set; }

    /// <summary>Requests that wait for the end of a drain.</summary>
    public CoQueue Held { get; } = new();

    /// <summary>Drains that wait for the last request in flight.</summary>
    public CoQueue Idle { get; } = new();

    /// <summary>What requests of <paramref name="kind"/> have added up to. Any thread.</summary>
    public RequestCounters CountersOf(RequestKind kind) => RequestCounters.ReadFrom(ref _counters[(int)kind]);

    /// <summary>How long requests of <paramref name="kind"/> took, by bins that a user chose; null for none. Any thread.</summary>
    public LatencyBins? BinsOf(RequestKind kind) => Volatile.Read(ref _bins[(int)kind]);

    /// <summary>Sets the bins of <paramref name="kind"/>, empty, or none. Any thread: who is recording at the moment does so in the old ones.</summary>
    public void SetBins(RequestKind kind, LatencyBins? bins) => Volatile.Write(ref _bins[(int)kind], bins);

    /// <summary>A drain is over: requests held back go on, and a drain that still waits looks whether it has to.</summary>
    public void WakeAll()
    {
        Held.WakeAll();
        Idle.WakeAll();
    }

    /// <summary>A request was refused at the door.</summary>
    public void Refuse(RequestKind kind) => _counters[(int)kind].AddInvalid(Context.NowNs, timing.IncludesInvalid);

    /// <summary>A request is over.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Finish(RequestKind kind, long bytes, long elapsedNs, bool isSuccess)
    {
        long nowNs = Context.NowNs;
        if (isSuccess)
        {
            _counters[(int)kind].AddDone(bytes, elapsedNs, nowNs);
        }
        else
        {
            _counters[(int)kind].AddFailed(elapsedNs, nowNs, timing.IncludesFailed);
        }

        _bins[(int)kind]?.Record(elapsedNs);
        if (_intervals is not null && (isSuccess || timing.IncludesFailed))
        {
            _intervals.Record((int)kind, elapsedNs, nowNs);
        }

        Release();
    }

    /// <summary>What was in flight is over; it is counted elsewhere or nowhere.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Release()
    {
        if (--InFlightCount == 0 && Idle.Count != 0)
        {
            // Through the ready queue: a drain must not go on inside the last request's completion.
            Idle.WakeAll();
        }
    }
}
