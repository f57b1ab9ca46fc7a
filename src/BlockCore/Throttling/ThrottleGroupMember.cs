using System.Runtime.CompilerServices;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Throttling;

/// <summary>
/// One node's place in a group: its two queues of suspended requests. It belongs to one group for life and lives in one context
/// at a time. <i>QEMU: ThrottleGroupMember.</i>
/// </summary>
/// <remarks>
/// Requests are admitted in two steps, so that the usual one costs no more than a lock: <see cref="TryAdmit"/>, and only where
/// it says no, <see cref="WaitAsync"/>. Both are called at home, the second right after the first; then no request overtakes
/// another of the same member and direction.
/// </remarks>
public sealed class ThrottleGroupMember
{
    /// <summary>The queues by direction. Protected by the group's lock.</summary>
    internal readonly ThrottleWaiterQueue[] Queues = new ThrottleWaiterQueue[2];

    /// <summary>The restarts by direction.</summary>
    internal readonly ThrottleRestart[] Restarts;

    /// <summary>The ring's links; null after leaving. Protected by the group's lock.</summary>
    internal ThrottleGroupMember? NextInRing;

    /// <inheritdoc cref="NextInRing"/>
    internal ThrottleGroupMember? PreviousInRing;

    // Protected by the group's lock. The pool is null, and with it the context, between Detach and Attach.
    private ThrottleWaiterPool? _pool;
    private int _drainCount;

    internal ThrottleGroupMember(ThrottleGroup group, AioContext context)
    {
        Group = group;
        _pool = new ThrottleWaiterPool(this, context);
        Restarts = [new ThrottleRestart(this, ThrottleDirection.Read), new ThrottleRestart(this, ThrottleDirection.Write)];
    }

    /// <summary>The group whose limits count.</summary>
    public ThrottleGroup Group { get; }

    /// <summary>Where its requests come from; null while it is between two contexts.</summary>
    public AioContext? Context => Volatile.Read(ref _pool)?.Context;

    /// <summary>
    /// True where a request would be admitted whatever it is, and none is queued that it could overtake: a plan may leave the
    /// member out until <see cref="ActivityChanged"/> is called. At home.
    /// </summary>
    public bool IsIdle => !Group.IsEnabled && Queues[0].PendingCount == 0 && Queues[1].PendingCount == 0;

    /// <summary>Called when <see cref="IsIdle"/> may have changed, on the thread that changed it. Set it before the first request.</summary>
    public Action? ActivityChanged { get; set; }

    /// <summary>Called at home for each request that had to wait, with the nanoseconds it waited. Set it before the first request.</summary>
    public Action<ThrottleDirection, long>? Waited { get; set; }

    /// <summary>The context it lives in. Protected by the group's lock.</summary>
    internal AioContext HomeUnsynchronized => PoolUnsynchronized.Context;

    /// <summary>The free waiters of its context. Protected by the group's lock.</summary>
    internal ThrottleWaiterPool PoolUnsynchronized
    {
        get
        {
            if (_pool is null)
            {
                FailDetached();
            }

            return _pool;
        }
    }

    /// <summary>True while the limits do not count for it. Protected by the group's lock.</summary>
    internal bool IsDrainingUnsynchronized => _drainCount > 0;

    /// <summary>How many of its requests of <paramref name="direction"/> wait now. Any thread.</summary>
    public int PendingCount(ThrottleDirection direction)
    {
        lock (Group.SyncRoot)
        {
            return Queues[(int)direction].PendingCount;
        }
    }

    /// <summary>
    /// Admits and charges a request over <paramref name="bytes"/> bytes, if it may start at once. False where it must wait;
    /// nothing has happened then. Allocates nothing. At home.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryAdmit(ThrottleDirection direction, long bytes)
    {
        // The count is changed at home only, so that reading it here needs no lock.
        if (!Group.IsEnabled && Queues[(int)direction].PendingCount == 0)
        {
            return true;
        }

        return Group.TryAdmit(this, direction, bytes, HomeNowNs());
    }

    /// <summary>
    /// Completes at home when a request over <paramref name="bytes"/> bytes was admitted and charged: at once, or in turn. One
    /// that is cancelled while it waits is never charged. At home.
    /// </summary>
    /// <exception cref="OperationCanceledException">It was cancelled before its turn came.</exception>
    public ValueTask WaitAsync(ThrottleDirection direction, long bytes, CancellationToken cancel = default)
    {
        if (cancel.IsCancellationRequested)
        {
            return ValueTask.FromCanceled(cancel);
        }

        ThrottleWaiter? waiter = Group.AdmitOrQueue(this, direction, bytes, HomeNowNs());
        if (waiter is null)
        {
            return default;
        }

        // Only this thread's loop resumes or cancels it, so it cannot be over before the task is taken.
        ValueTask task = waiter.Task;
        waiter.Watch(cancel);
        return task;
    }

    /// <summary>From now until <see cref="EndDrain"/> its requests start without waiting, those that wait included; they are charged all the same. Nests; any thread.</summary>
    public void BeginDrain()
    {
        lock (Group.SyncRoot)
        {
            _drainCount++;
            if (_drainCount > 1)
            {
                return;
            }
        }

        Group.Kick(this);
    }

    /// <summary>Undoes one <see cref="BeginDrain"/>. Any thread.</summary>
    public void EndDrain()
    {
        lock (Group.SyncRoot)
        {
            Invariant.Check(_drainCount > 0);
            _drainCount--;
        }
    }

    /// <summary>Leaves <paramref name="context"/>. The member is drained: nothing waits. Control plane.</summary>
    public void Detach(AioContext context)
    {
        Invariant.Check(Context == context);
        Group.GiveUpAlarms(this);
        lock (Group.SyncRoot)
        {
            _pool = null;
        }
    }

    /// <summary>Requests come from <paramref name="context"/> from now on. Control plane.</summary>
    public void Attach(AioContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        lock (Group.SyncRoot)
        {
            Invariant.Check(_pool is null);
            _pool = new ThrottleWaiterPool(this, context);
        }
    }

    /// <summary>
    /// Leaves the group for good, and gives back the reference that the member held on it. The member is drained: nothing
    /// waits. Control plane.
    /// </summary>
    public void Leave()
    {
        Invariant.Check(NextInRing is not null);
        Group.Remove(this);
    }

    [System.Diagnostics.CodeAnalysis.DoesNotReturn]
    private void FailDetached() => Invariant.Fail($"a member of throttle group '{Group.Name}' has no context");

    private long HomeNowNs()
    {
        AioContext? context = AioContext.Current;
        if (context is null || context != _pool?.Context)
        {
            Invariant.Fail($"a request of throttle group '{Group.Name}' came from a foreign thread");
        }

        return context.NowNs;
    }
}
