namespace BlockGraph.BlockCore.Scheduling;

/// <summary>How an idle loop sleeps and is woken: the part of a context that differs between platforms.</summary>
internal abstract class LoopWaiter : IDisposable
{
    /// <summary>A descriptor that polls readable when the loop should be run; -1 where the platform has none.</summary>
    public abstract int PollDescriptor { get; }

    /// <summary>True where descriptors can be watched.</summary>
    public abstract bool CanWatch { get; }

    /// <summary>How many handlers are watched.</summary>
    public int WatchCount { get; protected set; }

    /// <summary>True where something may have happened that only <see cref="Wait"/> finds: a busy loop, too, calls it once a turn.</summary>
    public virtual bool IsExpecting => WatchCount > 0;

    /// <inheritdoc cref="AioContext.HasRing"/>
    public virtual bool HasRing => false;

    /// <inheritdoc cref="AioContext.IssuedCount"/>
    public virtual int IssuedCount => 0;

    /// <inheritdoc cref="AioContext.TryIssue"/>
    public virtual bool TryIssue(TransferRun run, TransferRoute route) => false;

    /// <inheritdoc cref="AioContext.SubmitIssued"/>
    public virtual void SubmitIssued()
    {
    }

    /// <summary>Wakes a sleeping loop, or makes its next sleep end at once. Any thread.</summary>
    public abstract void Wake();

    /// <summary>
    /// Sleeps until a wake-up, a ready descriptor, or <paramref name="timeoutNs"/> nanoseconds (-1: for ever, 0: not at all);
    /// consumes the wake-up and queues the handlers of ready descriptors on <paramref name="context"/>.
    /// </summary>
    public abstract void Wait(long timeoutNs, AioContext context);

    /// <summary>Starts watching a descriptor.</summary>
    public abstract void Watch(DescriptorHandler handler);

    /// <summary>Stops watching it.</summary>
    public abstract void Unwatch(DescriptorHandler handler);

    /// <inheritdoc/>
    public abstract void Dispose();
}
