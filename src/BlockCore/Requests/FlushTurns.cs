using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Requests;

/// <summary>
/// One flush of a node at a time, and which of those that wait another has done the work of. <i>QEMU: active_flush_req, flush_queue and flushed_gen.</i>
/// </summary>
/// <remarks>
/// <para>A flush must make durable what had completed when it came. So one that came before another's disk flush began, and waited for that, has nothing
/// left to do if it succeeded; and none has anything to do where the node was not written to since (<see cref="Graph.BlockNode.HasUnflushedWrites"/>).
/// Together that is what counting generations of writes does, without a count that every write would have to raise.</para>
/// <para>A disk flush counts itself, and takes the mark, before it asks the driver: both are full fences. Whoever sees the older count on coming has come
/// before the driver was asked.</para>
/// </remarks>
internal sealed class FlushTurns
{
    private readonly CoMutex _turn = new();
    private long _begunCount;

    // The number of the last disk flush that succeeded. Whose turn it is reads and writes it.
    private long _succeeded;

    /// <summary>A flush has come: what it is to hand to <see cref="IsDone"/>.</summary>
    public long Arrive() => Interlocked.Read(ref _begunCount);

    /// <summary>Waits for its turn; end it with <see cref="Exit"/>.</summary>
    public ValueTask EnterAsync() => _turn.EnterAsync();

    /// <summary>The turn is over.</summary>
    public void Exit() => _turn.Exit();

    /// <summary>True where a disk flush that began after the arrival has succeeded. In turn.</summary>
    public bool IsDone(long arrival) => _succeeded > arrival;

    /// <summary>A disk flush begins: its number. In turn.</summary>
    public long Begin() => Interlocked.Increment(ref _begunCount);

    /// <summary>The disk flush of that number has succeeded. In turn.</summary>
    public void Succeed(long number) => _succeeded = number;
}
