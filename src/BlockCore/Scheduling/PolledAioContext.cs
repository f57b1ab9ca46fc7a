using System.Runtime.CompilerServices;

namespace BlockGraph.BlockCore.Scheduling;

/// <summary>
/// The real context: one thread polls it, real time drives it. An embedder that pumps it waits for
/// <see cref="PollDescriptor"/> or <see cref="AioContext.NextDeadlineNs"/>, then calls <see cref="AioContext.Poll"/> until it
/// returns false. <i>QEMU: AioContext with aio_poll().</i>
/// </summary>
public sealed class PolledAioContext : AioContext
{
    // A clock of somebody else's may count from any year; ours counts from its first use, the same for every context on it.
    private static readonly ConditionalWeakTable<TimeProvider, object> s_origins = [];

    private readonly TimeProvider _clock;
    private readonly long _originStamp;
    private readonly LoopWaiter _waiter;
    private ITimer? _foreignAlarm;

    // 1 while the loop sleeps or an embedder waits in its stead: whoever sets it back to 0 owes a wake-up.
    private int _isSleeping;
    private AioWork? _batchHead;
    private AioWork? _batchTail;
    private int _batchCount;

    /// <summary>A context that nobody runs yet.</summary>
    /// <param name="name">What it is called in errors.</param>
    /// <param name="clock">Where its time comes from; the system's monotonic clock where null.</param>
    /// <param name="platform">How it sleeps; <see cref="HostPlatform.Default"/> where null.</param>
    public PolledAioContext(string name, TimeProvider? clock = null, HostPlatform? platform = null)
        : base(name)
    {
        _clock = clock ?? TimeProvider.System;
        _originStamp = ReferenceEquals(_clock, TimeProvider.System) ? 0 : (long)s_origins.GetValue(_clock, static c => c.GetTimestamp());
        _waiter = (platform ?? HostPlatform.Default).CreateLoopWaiter(this);
    }

    /// <summary>A descriptor that polls readable when <see cref="AioContext.Poll"/> has something to do; -1 where the platform has none.</summary>
    public int PollDescriptor => _waiter.PollDescriptor;

    /// <summary>
    /// True where the loop serves one user who waits for its requests anyway, as in a tool with one purpose: transfers of files may then block it, which saves the
    /// hand-over to a worker. <i>QEMU has no such thing: its tools hand over, too.</i>
    /// </summary>
    public bool MayBlock { get; init; }

    /// <summary>True where the same thread runs the context all its life; a ring costs less then.</summary>
    public bool HasOneThread { get; init; }

    /// <summary>How often a sleeping loop was woken by another thread.</summary>
    public long WakeCount { get; private set; }

    /// <inheritdoc/>
    internal override void SendToWorkers(AioWork work)
    {
        work.NextWork = null;
        if (_batchTail is null)
        {
            _batchHead = work;
        }
        else
        {
            _batchTail.NextWork = work;
        }

        _batchTail = work;
        _batchCount++;
    }

    /// <inheritdoc/>
    internal override bool TryIssue(TransferRun run, TransferRoute route) => _waiter.TryIssue(run, route);

    /// <inheritdoc/>
    internal override void SubmitIssued() => _waiter.SubmitIssued();

    /// <inheritdoc/>
    public override void Watch(DescriptorHandler handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        _waiter.Watch(handler);
    }

    /// <inheritdoc/>
    public override void Unwatch(DescriptorHandler handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        _waiter.Unwatch(handler);
    }

    /// <inheritdoc/>
    internal override LoopTransfers LoopTransfers => MayBlock ? LoopTransfers.Any : LoopTransfers.Prompt;

    /// <inheritdoc/>
    internal override bool HasRing => _waiter.HasRing;

    /// <inheritdoc/>
    internal override int IssuedCount => _waiter.IssuedCount;

    /// <inheritdoc/>
    internal override bool Turn(bool mayBlock)
    {
        Volatile.Write(ref _isSleeping, 0);
        InvalidateNow();
        TakeRemoteWork();
        TakeDueTimers();
        if (_waiter.IsExpecting && HasReadyWork)
        {
            // A busy loop must not starve its descriptors and rings.
            _waiter.Wait(0, this);
        }

        AioWork? work = TakeReadyWork();
        if (work is null)
        {
            FlushJobs();
            return Sleep(mayBlock);
        }

        while (work is not null)
        {
            AioWork? next = work.NextWork;
            work.NextWork = null;
            work.Run();
            work = next;
        }

        FlushJobs();
        return true;
    }

    /// <inheritdoc/>
    protected override long ReadClockNs()
    {
        long stamp = _clock.GetTimestamp() - _originStamp;
        long frequency = _clock.TimestampFrequency;
        return frequency == 1_000_000_000 ? stamp : (long)((Int128)stamp * 1_000_000_000 / frequency);
    }

    /// <inheritdoc/>
    internal override DateTimeOffset ReadUtcNow() => _clock.GetUtcNow();

    /// <inheritdoc/>
    protected override void OnRemoteWork()
    {
        if (Volatile.Read(ref _isSleeping) != 0 && Interlocked.Exchange(ref _isSleeping, 0) != 0)
        {
            WakeCount++;
            _waiter.Wake();
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        // A late sender must not write to a descriptor that may be another's by then.
        Volatile.Write(ref _isSleeping, 0);
        _foreignAlarm?.Dispose();
        _waiter.Dispose();
        base.Dispose(disposing);
    }

    private bool Sleep(bool mayBlock)
    {
        // Announce first, look again second: a sender that pushed before the announcement is seen here, one that pushes
        // after it sees the announcement.
        Interlocked.Exchange(ref _isSleeping, 1);
        if (HasRemoteWork)
        {
            Volatile.Write(ref _isSleeping, 0);
            return true;
        }

        long timeoutNs = 0;
        if (mayBlock)
        {
            timeoutNs = NextDeadlineNs is { } deadline ? TimeoutUntil(deadline) : -1;
        }

        _waiter.Wait(timeoutNs, this);
        if (mayBlock || HasReadyWork)
        {
            Volatile.Write(ref _isSleeping, 0);
            return true;
        }

        // Not allowed to sleep: the embedder does it, so the announcement stays.
        return HasRemoteWork;
    }

    private long TimeoutUntil(long deadlineNs)
    {
        long timeoutNs = Math.Max(0, deadlineNs - ReadClockNs());
        if (ReferenceEquals(_clock, TimeProvider.System))
        {
            return timeoutNs;
        }

        // A clock of somebody else's does not pass while we sleep by the system's: let it ring.
        TimeSpan due = TimeSpan.FromTicks((timeoutNs + 99) / 100);
        if (_foreignAlarm is null)
        {
            _foreignAlarm = _clock.CreateTimer(static waiter => ((LoopWaiter)waiter!).Wake(), _waiter, due, Timeout.InfiniteTimeSpan);
        }
        else
        {
            _foreignAlarm.Change(due, Timeout.InfiniteTimeSpan);
        }

        return -1;
    }

    // One hand-over for everything that a turn has submitted.
    private void FlushJobs()
    {
        if (_batchCount == 0)
        {
            return;
        }

        AioWork head = _batchHead!;
        AioWork tail = _batchTail!;
        int count = _batchCount;
        _batchHead = null;
        _batchTail = null;
        _batchCount = 0;
        WorkerPool.Shared.Submit(head, tail, count);
    }
}
