using System.Runtime.CompilerServices;
using BlockGraph.BlockCore.Accounting;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Requests;

/// <summary>
/// What one context keeps of one user of the graph: the gate of drains, the count of requests in flight, the queue of those held back, and
/// the counters. Only that context's thread touches it, so its fields are plain.
/// </summary>
internal sealed class RequestLane(AioContext context)
{
    private readonly RequestCounters[] _counters = new RequestCounters[5];

    /// <summary>The context that submits through this lane.</summary>
    public AioContext Context { get; } = context;

    /// <summary>How many drains hold the gate closed.</summary>
    public int GateCount { get; set; }

    /// <summary>How many requests are between submission and completion.</summary>
    public int InFlightCount { get; set; }

    /// <summary>Requests that wait for the gate.</summary>
    public CoQueue Held { get; } = new();

    /// <summary>Drains that wait for the last request in flight.</summary>
    public CoQueue Idle { get; } = new();

    /// <summary>What requests of <paramref name="kind"/> have added up to.</summary>
    public RequestCounters CountersOf(RequestKind kind) => _counters[(int)kind];

    /// <summary>A request is over.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Finish(RequestKind kind, long bytes, long elapsedNs, bool isSuccess)
    {
        _counters[(int)kind].Add(bytes, elapsedNs, isSuccess);
        Release();
    }

    /// <summary>What was in flight is over; it is counted elsewhere or nowhere.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Release()
    {
        if (--InFlightCount == 0 && GateCount != 0)
        {
            // Through the ready queue: a drain must not go on inside the last request's completion.
            Idle.WakeAll();
        }
    }
}
