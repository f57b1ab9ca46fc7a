using System.Runtime.CompilerServices;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Throttling;

/// <summary>One suspended request of a member. It is rented, queued, resumed or cancelled, and recycled on one context. <i>QEMU: a coroutine in throttled_reqs.</i></summary>
internal sealed class ThrottleWaiter : AioOperation
{
    /// <summary>The queue's links. Protected by the tree's lock.</summary>
    internal ThrottleWaiter? Next;

    /// <inheritdoc cref="Next"/>
    internal ThrottleWaiter? Previous;

    /// <summary>True while it is in its member's queue. Protected by the tree's lock.</summary>
    internal bool IsQueued;

    private readonly CancellationHook _cancellation;
    private ThrottleGroupMember? _member;

    private ThrottleWaiter(AioContext context)
        : base(context) => _cancellation = new CancellationHook(context, OnCancelled);

    /// <summary>Which queue it is in.</summary>
    internal ThrottleDirection Direction { get; private set; }

    /// <summary>The size of the request, in bytes.</summary>
    internal long Bytes { get; private set; }

    /// <summary>Since when it has waited.</summary>
    internal long SinceNs { get; private set; }

    /// <summary>When it has waited for too long; <see cref="long.MaxValue"/> where there is no such instant.</summary>
    internal long DeadlineNs { get; private set; }

    /// <summary>A waiter for one request of <paramref name="member"/>, out of the pool of <paramref name="context"/>. At home there.</summary>
    internal static ThrottleWaiter Rent(ThrottleGroupMember member, AioContext context, ThrottleDirection direction, long bytes, long maxWaitNs)
    {
        ThrottleWaiter waiter = Unsafe.As<ThrottleWaiter?>(context.FreeThrottleWaiters.TryTake()) ?? new ThrottleWaiter(context);
        waiter._member = member;
        waiter.Direction = direction;
        waiter.Bytes = bytes;
        waiter.SinceNs = context.NowNs;
        waiter.DeadlineNs = maxWaitNs == 0 ? long.MaxValue : waiter.SinceNs + maxWaitNs;
        return waiter;
    }

    /// <summary>Lets <paramref name="cancel"/> end the wait. At home, after it was queued.</summary>
    internal void Watch(CancellationToken cancel) => _cancellation.Register(cancel);

    /// <summary>The request was charged: continues it, inline. From the loop's own frame, without the tree's lock.</summary>
    internal void Finish()
    {
        _cancellation.Unregister();
        _member!.OnWaited(Direction, Context.NowNs - SinceNs);
        Complete();
    }

    /// <summary>It has waited for too long and was taken out of its queue: fails it. From the loop's own frame.</summary>
    internal void Expire()
    {
        _cancellation.Unregister();
        long maxWaitMs = (DeadlineNs - SinceNs) / ThrottleGroupMember.NsPerMs;
        Fail(new BlockException(BlockErrorKind.ThrottleTimeout, $"Throttled for longer than {maxWaitMs} ms in group '{_member!.Group.Name}'"));
    }

    /// <inheritdoc/>
    protected internal override void Run() => Finish();

    /// <inheritdoc/>
    protected override void Recycle()
    {
        _member = null;
        Context.FreeThrottleWaiters.Return(this);
    }

    private void OnCancelled(CancellationToken cancel)
    {
        // Woken already: the wake-up wins, because the request was charged.
        if (_member!.Group.TryRemove(_member, this, isExpired: false))
        {
            _cancellation.Unregister();
            Fail(new OperationCanceledException(cancel));
        }
    }
}
