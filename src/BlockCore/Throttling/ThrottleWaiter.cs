using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Throttling;

/// <summary>One suspended request of a member. It is rented, queued, resumed or cancelled, and recycled on one context. <i>QEMU: a coroutine in throttled_reqs.</i></summary>
internal sealed class ThrottleWaiter : AioOperation
{
    /// <summary>The queue's links. Protected by the group's lock.</summary>
    internal ThrottleWaiter? Next;

    /// <inheritdoc cref="Next"/>
    internal ThrottleWaiter? Previous;

    /// <summary>True while it is in its member's queue. Protected by the group's lock.</summary>
    internal bool IsQueued;

    private readonly ThrottleWaiterPool _pool;
    private readonly CancellationHook _cancellation;

    private ThrottleWaiter(ThrottleWaiterPool pool)
        : base(pool.Context)
    {
        _pool = pool;
        _cancellation = new CancellationHook(pool.Context, OnCancelled);
    }

    /// <summary>Which queue it is in.</summary>
    internal ThrottleDirection Direction { get; private set; }

    /// <summary>The size of the request, in bytes.</summary>
    internal long Bytes { get; private set; }

    private long SinceNs { get; set; }

    /// <summary>A waiter for one request, out of <paramref name="pool"/>. At home.</summary>
    internal static ThrottleWaiter Rent(ThrottleWaiterPool pool, ThrottleDirection direction, long bytes)
    {
        ThrottleWaiter? waiter = pool.FirstFree;
        if (waiter is null)
        {
            waiter = new ThrottleWaiter(pool);
        }
        else
        {
            pool.FirstFree = waiter.Next;
            waiter.Next = null;
        }

        waiter.Direction = direction;
        waiter.Bytes = bytes;
        waiter.SinceNs = pool.Context.NowNs;
        return waiter;
    }

    /// <summary>Lets <paramref name="cancel"/> end the wait. At home, after it was queued.</summary>
    internal void Watch(CancellationToken cancel) => _cancellation.Register(cancel);

    /// <summary>The request was charged: continues it, inline. From the loop's own frame, without the group's lock.</summary>
    internal void Finish()
    {
        _cancellation.Unregister();
        _pool.Member.Waited?.Invoke(Direction, Context.NowNs - SinceNs);
        Complete();
    }

    /// <inheritdoc/>
    protected internal override void Run() => Finish();

    /// <inheritdoc/>
    protected override void Recycle()
    {
        Next = _pool.FirstFree;
        _pool.FirstFree = this;
    }

    private void OnCancelled(CancellationToken cancel)
    {
        // Woken already: the wake-up wins, because the request was or is about to be charged.
        if (_pool.Member.Group.TryCancel(_pool.Member, this))
        {
            _cancellation.Unregister();
            Fail(new OperationCanceledException(cancel));
        }
    }
}
