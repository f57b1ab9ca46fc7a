namespace BlockGraph.BlockCore.Scheduling;

/// <summary>
/// One entry of a context's ready queue. It carries its own link, so that queueing allocates nothing; it is in at most one
/// queue at a time. <i>QEMU: QEMUBH.</i>
/// </summary>
public abstract class AioWork
{
    internal AioWork? NextWork;

    /// <summary>Runs on the loop of the context that it was queued on. It must not block.</summary>
    protected internal abstract void Run();
}

/// <summary>Work that a delegate does; for paths that may allocate.</summary>
internal sealed class DelegateWork(Action<object?> action, object? state) : AioWork
{
    protected internal override void Run() => action(state);
}
