using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Throttling;

/// <summary>One member's suspended requests of one direction, first in first out. All of it is protected by the tree's lock. <i>QEMU: throttled_reqs.</i></summary>
/// <remarks>
/// Invariants: (1) <see cref="PendingCount"/> is at least <see cref="QueuedCount"/>; the difference are those that were
/// unlinked and have not resumed yet. (2) Whoever is queued will be reached: while a queue of a direction is not empty,
/// the direction's alarm is set, or a restart is under way that asks again when it is through.
/// </remarks>
internal struct ThrottleWaiterQueue
{
    private ThrottleWaiter? _head;
    private ThrottleWaiter? _tail;

    /// <summary>How many are linked here.</summary>
    public int QueuedCount { get; private set; }

    /// <summary>How many are linked here, or were unlinked and have not resumed yet.</summary>
    public int PendingCount { get; private set; }

    /// <summary>Suspends <paramref name="waiter"/> behind the others.</summary>
    public void Add(ThrottleWaiter waiter)
    {
        Invariant.Check(!waiter.IsQueued);
        waiter.IsQueued = true;
        waiter.Previous = _tail;
        waiter.Next = null;
        if (_tail is null)
        {
            _head = waiter;
        }
        else
        {
            _tail.Next = waiter;
        }

        _tail = waiter;
        QueuedCount++;
        PendingCount++;
    }

    /// <summary>Unlinks the one that has waited longest; it still counts as pending. Null where nobody is queued.</summary>
    public ThrottleWaiter? Take()
    {
        ThrottleWaiter? waiter = _head;
        if (waiter is not null)
        {
            Unlink(waiter);
        }

        return waiter;
    }

    /// <summary>One that was taken resumes.</summary>
    public void Resume()
    {
        Invariant.Check(PendingCount > QueuedCount);
        PendingCount--;
    }

    /// <summary>One leaves out of turn.</summary>
    public void Remove(ThrottleWaiter waiter)
    {
        Invariant.Check(waiter.IsQueued);
        Unlink(waiter);
        PendingCount--;
    }

    /// <summary>Of those queued, the one that may wait least long; null where all may wait for ever.</summary>
    public readonly ThrottleWaiter? FindEarliestDeadline()
    {
        ThrottleWaiter? earliest = null;
        for (ThrottleWaiter? waiter = _head; waiter is not null; waiter = waiter.Next)
        {
            if (waiter.DeadlineNs < (earliest?.DeadlineNs ?? long.MaxValue))
            {
                earliest = waiter;
            }
        }

        return earliest;
    }

    private void Unlink(ThrottleWaiter waiter)
    {
        if (waiter.Previous is null)
        {
            _head = waiter.Next;
        }
        else
        {
            waiter.Previous.Next = waiter.Next;
        }

        if (waiter.Next is null)
        {
            _tail = waiter.Previous;
        }
        else
        {
            waiter.Next.Previous = waiter.Previous;
        }

        waiter.Previous = null;
        waiter.Next = null;
        waiter.IsQueued = false;
        QueuedCount--;
    }
}
