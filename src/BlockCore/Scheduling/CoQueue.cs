namespace BlockGraph.BlockCore.Scheduling;

/// <summary>
/// A first-in first-out queue of waiters. Waking queues a waiter on its own context; it never runs inside its waker, so any
/// number of waiters costs no stack. <i>QEMU: CoQueue.</i>
/// </summary>
/// <remarks>
/// Not a lock: all calls come from one context, or are made under the owner's lock. Waiters may be of different contexts.
/// A cancelled waiter leaves the queue on its own context; a queue whose waiters can be cancelled belongs to one context.
/// </remarks>
public sealed class CoQueue
{
    private Waiter? _head;
    private Waiter? _tail;

    /// <summary>How many wait now.</summary>
    public int Count { get; private set; }

    /// <summary>Waits, on the calling context, until woken in turn or cancelled.</summary>
    public ValueTask WaitAsync(CancellationToken cancel = default)
    {
        if (cancel.IsCancellationRequested)
        {
            return ValueTask.FromCanceled(cancel);
        }

        AioContext context = AioContext.Current ?? throw new InvalidOperationException("waiting needs a context");
        Waiter waiter = Waiter.Rent(context, this);
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
        Count++;
        ValueTask task = waiter.Task;
        waiter.IsQueued = true;
        waiter.Cancellation.Register(cancel);
        return task;
    }

    /// <summary>Wakes the one that has waited longest; false where nobody waits.</summary>
    public bool WakeNext()
    {
        Waiter? waiter = _head;
        if (waiter is null)
        {
            return false;
        }

        Unlink(waiter);
        waiter.Context.Send(waiter);
        return true;
    }

    /// <summary>Wakes everyone who waits now.</summary>
    public void WakeAll()
    {
        for (int count = Count; count > 0; count--)
        {
            WakeNext();
        }
    }

    private void Unlink(Waiter waiter)
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
        Count--;
    }

    /// <summary>One who waits. Free waiters belong to their context, so that no lock is needed to return one.</summary>
    internal sealed class Waiter : AioOperation
    {
        internal readonly CancellationHook Cancellation;
        internal Waiter? Next;
        internal Waiter? Previous;
        internal bool IsQueued;
        private CoQueue _queue;

        private Waiter(AioContext context, CoQueue queue)
            : base(context)
        {
            _queue = queue;
            Cancellation = new CancellationHook(context, OnCancelled);
        }

        public static Waiter Rent(AioContext context, CoQueue queue)
        {
            Waiter? waiter = context.FreeWaiters;
            if (waiter is null)
            {
                return new Waiter(context, queue);
            }

            context.FreeWaiters = waiter.Next;
            waiter._queue = queue;
            return waiter;
        }

        protected internal override void Run()
        {
            Cancellation.Unregister();
            Complete();
        }

        protected override void Recycle()
        {
            Next = Context.FreeWaiters;
            Context.FreeWaiters = this;
        }

        private void OnCancelled(CancellationToken cancel)
        {
            // Woken already: the wake-up wins, or it would be lost.
            if (IsQueued)
            {
                _queue.Unlink(this);
                Cancellation.Unregister();
                Fail(new OperationCanceledException(cancel));
            }
        }
    }
}
