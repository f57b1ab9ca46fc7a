using System.Runtime.CompilerServices;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Throttling;

/// <summary>
/// One node's or device's place in a group: its two queues of suspended requests. It belongs to one group for life and lives in
/// one context at a time. <i>QEMU: ThrottleGroupMember.</i>
/// </summary>
/// <remarks>
/// Requests are admitted in two steps, so that the usual one costs no more than a lock: <see cref="TryAdmit"/>, and only where
/// it says no, <see cref="WaitAsync"/>. Both are called at home, the second right after the first; then no request overtakes
/// another of the same member and direction.
/// </remarks>
public sealed class ThrottleGroupMember : ThrottleClaimant
{
    internal const long NsPerMs = 1_000_000;

    /// <summary>The queues by direction. Protected by the tree's lock.</summary>
    internal PerDirection<ThrottleWaiterQueue> Queues;

    /// <summary>The restarts by direction.</summary>
    internal readonly ThrottleRestart[] Restarts;

    // Protected by the tree's lock. The context is null between Detach and Attach.
    private PerDirection<ThrottleCount> _counts;
    private AioContext? _context;
    private int _drainCount;

    // Written under the tree's lock, read at home: a request that nothing limits takes no lock.
    private volatile bool _isLimited;

    // Touched at home only; null until a request waits that may not wait for ever.
    private ThrottleDeadline?[]? _deadlines;

    internal ThrottleGroupMember(ThrottleGroup group, AioContext context)
    {
        Group = group;
        _context = context;
        Restarts = [new ThrottleRestart(this, ThrottleDirection.Read), new ThrottleRestart(this, ThrottleDirection.Write)];
    }

    /// <summary>The group whose limits count.</summary>
    public ThrottleGroup Group { get; }

    /// <summary>Where its requests come from; null while it is between two contexts.</summary>
    public AioContext? Context => Volatile.Read(ref _context);

    /// <summary>
    /// True where a request would be admitted whatever it is, and none is queued that it could overtake: a plan may leave the
    /// member out until <see cref="ActivityChanged"/> is called. At home.
    /// </summary>
    public bool IsIdle => !_isLimited && Queues[0].PendingCount == 0 && Queues[1].PendingCount == 0;

    /// <summary>What it may have of what the group admits.</summary>
    public ThrottleShare Share
    {
        get
        {
            lock (Group.SyncRoot)
            {
                return ShareUnsynchronized;
            }
        }
    }

    /// <summary>
    /// For how long a request may wait, in milliseconds; then it fails as <see cref="BlockErrorKind.ThrottleTimeout"/>, uncharged. 0
    /// for ever. A change counts for requests that come later.
    /// </summary>
    public int MaxWaitMs
    {
        get;
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            field = value;
        }
    }

    /// <summary>Called when <see cref="IsIdle"/> may have changed, on the thread that changed it. Set it before the first request.</summary>
    public Action? ActivityChanged { get; set; }

    /// <summary>Called at home for each request that had to wait, with the nanoseconds it waited. Set it before the first request.</summary>
    public Action<ThrottleDirection, long>? Waited { get; set; }

    /// <inheritdoc/>
    internal override ThrottleGroup Upper => Group;

    /// <summary>The context it lives in. Protected by the tree's lock.</summary>
    internal AioContext HomeUnsynchronized
    {
        get
        {
            if (_context is null)
            {
                Invariant.Fail($"a member of throttle group '{Group.Name}' has no context");
            }

            return _context;
        }
    }

    /// <summary>True while the limits do not count for it. Protected by the tree's lock.</summary>
    internal bool IsDrainingUnsynchronized => _drainCount > 0;

    /// <summary>True where its own limit, its group's or an ancestor's may make it wait. Written under the tree's lock.</summary>
    internal bool IsLimited
    {
        get => _isLimited;
        set => _isLimited = value;
    }

    /// <summary>How many of its requests of <paramref name="direction"/> wait now. Any thread.</summary>
    public int PendingCount(ThrottleDirection direction)
    {
        lock (Group.SyncRoot)
        {
            return Queues[(int)direction].PendingCount;
        }
    }

    /// <summary>What it has counted, and what waits now. Any thread.</summary>
    public ThrottleMemberReport Query()
    {
        lock (Group.SyncRoot)
        {
            return ReportUnsynchronized();
        }
    }

    /// <summary>Gives it another share of what the group admits. What it has had counts on; everybody who waits is weighed again. Any thread.</summary>
    /// <exception cref="BlockException">The share is not valid; nothing has changed (<see cref="BlockErrorKind.InvalidArgument"/>).</exception>
    public void SetShare(ThrottleShare share)
    {
        ArgumentNullException.ThrowIfNull(share);
        share.Validate();
        Group.SetShare(this, share);
    }

    /// <summary>
    /// Admits and charges a request over <paramref name="bytes"/> bytes, if it may start at once. False where it must wait;
    /// nothing has happened then. Allocates nothing. At home.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryAdmit(ThrottleDirection direction, long bytes)
    {
        // The count is changed at home only, so that reading it here needs no lock.
        if (!_isLimited && Queues[(int)direction].PendingCount == 0)
        {
            return true;
        }

        return Group.TryAdmit(this, direction, bytes, HomeNowNs());
    }

    /// <summary>
    /// Completes at home when a request over <paramref name="bytes"/> bytes was admitted and charged: at once, or in turn. One
    /// that is cancelled while it waits, or waits for too long, is never charged. At home.
    /// </summary>
    /// <exception cref="OperationCanceledException">It was cancelled before its turn came.</exception>
    /// <exception cref="BlockException">It has waited for <see cref="MaxWaitMs"/> (<see cref="BlockErrorKind.ThrottleTimeout"/>).</exception>
    public ValueTask WaitAsync(ThrottleDirection direction, long bytes, CancellationToken cancel = default)
    {
        if (cancel.IsCancellationRequested)
        {
            return ValueTask.FromCanceled(cancel);
        }

        long maxWaitNs = MaxWaitMs * NsPerMs;
        ThrottleWaiter? waiter = Group.AdmitOrQueue(this, direction, bytes, maxWaitNs, HomeNowNs());
        if (waiter is null)
        {
            return default;
        }

        // Only this thread's loop resumes or cancels it, so it cannot be over before the task is taken.
        ValueTask task = waiter.Task;
        waiter.Watch(cancel);
        if (maxWaitNs != 0)
        {
            DeadlineOf(direction, waiter.Context).Watch(waiter.DeadlineNs);
        }

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
            _context = null;
        }
    }

    /// <summary>Requests come from <paramref name="context"/> from now on. Control plane.</summary>
    public void Attach(AioContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        lock (Group.SyncRoot)
        {
            Invariant.Check(_context is null);
            _context = context;
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

    /// <inheritdoc/>
    internal override int PendingUnsynchronized(ThrottleDirection direction) => Queues[(int)direction].PendingCount;

    /// <summary>Counts a request that asked, and whether it had to wait.</summary>
    internal void CountUnsynchronized(ThrottleDirection direction, bool isThrottled)
    {
        _counts[(int)direction].SubmittedCount++;
        _counts[(int)direction].ThrottledCount += isThrottled ? 1 : 0;
    }

    /// <summary>A request that waited starts. At home.</summary>
    internal void OnWaited(ThrottleDirection direction, long waitedNs)
    {
        Waited?.Invoke(direction, waitedNs);
        Group.Registry?.OnRequestWaited(Group, direction, waitedNs);
    }

    /// <inheritdoc cref="Query"/>
    internal ThrottleMemberReport ReportUnsynchronized() => new(
        _context?.Name,
        ShareUnsynchronized,
        _drainCount > 0,
        Counted(ThrottleDirection.Read),
        Counted(ThrottleDirection.Write));

    private ThrottleMemberCounters Counted(ThrottleDirection direction)
    {
        ThrottleCount count = _counts[(int)direction];
        return new ThrottleMemberCounters(count.SubmittedCount, count.ThrottledCount, Queues[(int)direction].PendingCount);
    }

    private ThrottleDeadline DeadlineOf(ThrottleDirection direction, AioContext context)
    {
        _deadlines ??= new ThrottleDeadline?[2];
        ThrottleDeadline? deadline = _deadlines[(int)direction];
        if (deadline is null || deadline.Context != context)
        {
            // One that was left behind on another context rings there for nothing.
            deadline = new ThrottleDeadline(this, direction, context);
            _deadlines[(int)direction] = deadline;
        }

        return deadline;
    }

    private long HomeNowNs()
    {
        AioContext? context = AioContext.Current;
        if (context is null || context != _context)
        {
            Invariant.Fail($"a request of throttle group '{Group.Name}' came from a foreign thread");
        }

        return context.NowNs;
    }

    /// <summary>What a member counts of one direction.</summary>
    private struct ThrottleCount
    {
        public long SubmittedCount;
        public long ThrottledCount;
    }
}
