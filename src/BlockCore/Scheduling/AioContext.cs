using System.Runtime.CompilerServices;
using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Scheduling;

/// <summary>
/// The home executor of nodes and backends: a ready queue, timers, and a way in from other threads. One thread at a time
/// runs it. <i>QEMU: AioContext.</i>
/// </summary>
/// <remarks>
/// Invariants:
/// <list type="number">
/// <item>Everything but <see cref="Send"/>, <see cref="Post"/>, <see cref="SwitchTo"/> and the Run family is called at home: on the thread that is running the context now.</item>
/// <item>One turn runs a snapshot of the ready queue; work queued meanwhile runs in the next.</item>
/// <item>The clock is sampled at most once a turn, so that everything in one turn happens at one instant.</item>
/// <item>Only the loop's own frame continues an awaiter inline. Wake-ups go through the ready queue, so no waker is re-entered.</item>
/// </list>
/// </remarks>
public abstract partial class AioContext : IDisposable
{
    [ThreadStatic]
    private static AioContext? t_current;

    private readonly TimerHeap _timers = new();
    private readonly HomeSynchronizationContext _synchronizationContext;
    private AioWork? _readyHead;
    private AioWork? _readyTail;

    // A stack of work sent from other threads, newest first; taken whole by the loop.
    private AioWork? _remote;
    private FreeStack _freeYields = new();
    private DelayOperation? _freeDelays;
    private long _nowNs;
    private bool _isNowValid;
    private bool _isDisposed;

    // The thread that entered the context last: in between it may be elsewhere, but nobody else runs the loop.
    private Thread? _runner;

    /// <summary>A context that calls itself <paramref name="name"/> in errors.</summary>
    protected AioContext(string name)
    {
        Name = name;
        Id = ContextIds.Take();
        _synchronizationContext = new HomeSynchronizationContext(this);
        TimeProvider = new ContextTimeProvider(this);
    }

    /// <summary>The context that the calling thread is running now, or null.</summary>
    public static AioContext? Current
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => t_current;
    }

    /// <summary>A small dense number, recycled when the context is disposed: an index into per-context lanes.</summary>
    public int Id { get; }

    /// <summary>What the context is called in errors and lists.</summary>
    public string Name { get; }

    /// <summary>This context's clock for code that wants a <see cref="System.TimeProvider"/>; its timers fire on the loop.</summary>
    public TimeProvider TimeProvider { get; }

    /// <summary>True on the thread that is running this context now.</summary>
    public bool IsHome
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => ReferenceEquals(t_current, this);
    }

    /// <summary>The instant of this turn, in nanoseconds of a monotonic clock.</summary>
    public long NowNs
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => _isNowValid ? _nowNs : SampleClock();
    }

    /// <summary>When the soonest timer fires, in nanoseconds of the context's clock, or null where none is armed.</summary>
    public long? NextDeadlineNs => _timers.Count == 0 ? null : _timers.First.DueNs;

    /// <summary>The operation whose task was taken last; a layer above may hook it instead of awaiting.</summary>
    internal AioOperation? LastIssued { get; set; }

    /// <summary>Free waiters of queues.</summary>
    internal CoQueue.Waiter? FreeWaiters { get; set; }

    /// <summary>Free pooled requests of the layer above, kept here because a context's pools are touched by its own thread only.</summary>
    internal FreeStack FreeRequests = new();

    /// <summary>Free waiters of throttle groups: of all members that live here, so that an idle member holds none.</summary>
    internal FreeStack FreeThrottleWaiters = new();

    /// <summary>True where work is waiting to run. At home.</summary>
    protected bool HasReadyWork => _readyHead is not null;

    /// <summary>True where another thread has sent work that was not taken yet.</summary>
    protected bool HasRemoteWork => Volatile.Read(ref _remote) is not null;

    /// <summary>Queues <paramref name="work"/> for the next turn. The caller is at home.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Ready(AioWork work)
    {
        work.NextWork = null;
        if (_readyTail is null)
        {
            _readyHead = work;
        }
        else
        {
            _readyTail.NextWork = work;
        }

        _readyTail = work;
    }

    /// <summary>Queues <paramref name="work"/> from any thread, and wakes the loop if it sleeps.</summary>
    public void Send(AioWork work)
    {
        ArgumentNullException.ThrowIfNull(work);
        if (ReferenceEquals(t_current, this))
        {
            Ready(work);
            return;
        }

        AioWork? head;
        do
        {
            head = Volatile.Read(ref _remote);
            work.NextWork = head;
        }
        while (Interlocked.CompareExchange(ref _remote, work, head) != head);

        // The exchange above is a full fence: the push is visible before the loop is asked whether it sleeps.
        OnRemoteWork();
    }

    /// <summary>Queues a call from any thread; allocates one entry.</summary>
    public void Post(Action<object?> action, object? state) => Send(new DelegateWork(action, state));

    /// <summary>Awaiting the result continues on this context's loop.</summary>
    public ContextSwitch SwitchTo() => new(this);

    /// <summary>Completes in the next turn. At home.</summary>
    public ValueTask YieldAsync()
    {
        YieldOperation operation = Unsafe.As<YieldOperation?>(_freeYields.TryTake()) ?? new YieldOperation(this);
        ValueTask task = operation.Task;
        Ready(operation);
        return task;
    }

    /// <summary>Completes <paramref name="delayNs"/> nanoseconds from now, or is cancelled. At home.</summary>
    public ValueTask DelayAsync(long delayNs, CancellationToken cancel = default)
    {
        if (cancel.IsCancellationRequested)
        {
            return ValueTask.FromCanceled(cancel);
        }

        DelayOperation operation = _freeDelays ?? new DelayOperation(this);
        _freeDelays = operation.NextFree;
        return operation.Start(delayNs, cancel);
    }

    /// <summary>Arms <paramref name="timer"/> for <paramref name="dueNs"/> on this context's clock, instead of whatever it was armed for. At home.</summary>
    public virtual void Arm(AioTimer timer, long dueNs)
    {
        ArgumentNullException.ThrowIfNull(timer);
        Disarm(timer);
        _timers.Add(timer, dueNs);
    }

    /// <summary>Disarms <paramref name="timer"/>; nothing happens where it is not armed. At home.</summary>
    public virtual void Disarm(AioTimer timer)
    {
        ArgumentNullException.ThrowIfNull(timer);
        if (timer.HeapIndex >= 0)
        {
            _timers.Remove(timer);
        }
    }

    /// <summary>Runs <paramref name="handler"/> whenever its descriptor is ready. At home.</summary>
    /// <exception cref="BlockException">This kind of context has no descriptors (<see cref="BlockErrorKind.NotSupported"/>).</exception>
    public virtual void Watch(DescriptorHandler handler) =>
        throw new BlockException(BlockErrorKind.NotSupported, $"Context '{Name}' cannot wait for descriptors");

    /// <summary>Stops watching <paramref name="handler"/>; nothing happens where it is not watched. At home.</summary>
    public virtual void Unwatch(DescriptorHandler handler)
    {
    }

    /// <summary>
    /// Runs what is ready: one turn. With <paramref name="mayBlock"/> an idle context sleeps until something happens.
    /// Returns false where there was nothing to do.
    /// </summary>
    public bool Poll(bool mayBlock)
    {
        Entry saved = Enter();
        try
        {
            return Turn(mayBlock);
        }
        finally
        {
            Leave(saved);
        }
    }

    /// <summary>Runs the loop on the calling thread until <paramref name="body"/>, started on it, has completed.</summary>
    public void Run(Func<Task> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        Entry saved = Enter();
        try
        {
            Task task = body();
            if (!task.IsCompleted)
            {
                task.ContinueWith(static (_, context) => ((AioContext)context!).Post(static _ => { }, null), this, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            }

            while (!task.IsCompleted)
            {
                Turn(mayBlock: true);
            }

#pragma warning disable RS0030 // The task is complete: this only unwraps its exception.
            task.GetAwaiter().GetResult();
#pragma warning restore RS0030
        }
        finally
        {
            Leave(saved);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_isDisposed)
        {
            _isDisposed = true;
            Dispose(true);
            ContextIds.Return(Id);
        }

        GC.SuppressFinalize(this);
    }

    internal void Return(YieldOperation operation) => _freeYields.Return(operation);

    internal void Return(DelayOperation operation)
    {
        operation.NextFree = _freeDelays;
        _freeDelays = operation;
    }

    /// <summary>Makes this the context of the calling thread until <see cref="Leave"/>.</summary>
    internal Entry Enter()
    {
        Entry saved = new(t_current, SynchronizationContext.Current);
        t_current = this;
        _runner = Thread.CurrentThread;
        SynchronizationContext.SetSynchronizationContext(_synchronizationContext);
        return saved;
    }

    /// <summary>Leaves every context until <see cref="Leave"/>, as a worker thread has none.</summary>
    internal static Entry EnterNone()
    {
        Entry saved = new(t_current, SynchronizationContext.Current);
        t_current = null;
        SynchronizationContext.SetSynchronizationContext(null);
        return saved;
    }

    /// <summary>Undoes an <see cref="Enter"/>.</summary>
    internal static void Leave(in Entry saved)
    {
        t_current = saved.Context;
        SynchronizationContext.SetSynchronizationContext(saved.Synchronization);
    }

    /// <summary>One turn; the context is entered.</summary>
    internal abstract bool Turn(bool mayBlock);

    /// <summary>Reads the clock behind <see cref="NowNs"/>, in nanoseconds.</summary>
    protected abstract long ReadClockNs();

    /// <summary>Reads the time of day behind <see cref="TimeProvider"/>; a context of virtual time begins at the Unix epoch.</summary>
    internal virtual DateTimeOffset ReadUtcNow() => DateTimeOffset.UnixEpoch.AddTicks(NowNs / 100);

    /// <summary>Work has come from another thread; wake the loop if it sleeps.</summary>
    protected abstract void OnRemoteWork();

    /// <summary>Frees what the context holds.</summary>
    protected virtual void Dispose(bool disposing)
    {
    }

    /// <summary>The next use of <see cref="NowNs"/> reads the clock again.</summary>
    protected void InvalidateNow() => _isNowValid = false;

    /// <summary>Moves what other threads sent to the ready queue, oldest first.</summary>
    protected void TakeRemoteWork()
    {
        if (Volatile.Read(ref _remote) is null)
        {
            return;
        }

        AioWork? work = Interlocked.Exchange(ref _remote, null);
        AioWork? reversed = null;
        while (work is not null)
        {
            AioWork? next = work.NextWork;
            work.NextWork = reversed;
            reversed = work;
            work = next;
        }

        while (reversed is not null)
        {
            AioWork? next = reversed.NextWork;
            Ready(reversed);
            reversed = next;
        }
    }

    /// <summary>Moves the timers that are due to the ready queue.</summary>
    protected void TakeDueTimers()
    {
        if (_timers.Count == 0)
        {
            return;
        }

        long now = NowNs;
        while (_timers.Count > 0 && _timers.First.DueNs <= now)
        {
            AioTimer timer = _timers.First;
            _timers.Remove(timer);
            Ready(timer);
        }
    }

    /// <summary>Takes the whole ready queue as a linked snapshot.</summary>
    private protected AioWork? TakeReadyWork()
    {
        AioWork? work = _readyHead;
        _readyHead = null;
        _readyTail = null;
        return work;
    }

    private long SampleClock()
    {
        _nowNs = ReadClockNs();
        _isNowValid = true;
        return _nowNs;
    }

    /// <summary>What a thread was running before it entered a context.</summary>
    internal readonly record struct Entry(AioContext? Context, SynchronizationContext? Synchronization);

    /// <summary>Brings the continuations of BCL tasks home. Nested and private: a context that were one itself would hide <see cref="Current"/>.</summary>
    private sealed class HomeSynchronizationContext(AioContext home) : SynchronizationContext
    {
        public override void Post(SendOrPostCallback d, object? state) => home.Post(new Action<object?>(d), state);

        public override void Send(SendOrPostCallback d, object? state)
        {
            if (!home.IsHome)
            {
                throw new NotSupportedException("blocking into a loop is not possible");
            }

            d(state);
        }

        public override SynchronizationContext CreateCopy() => this;
    }
}

/// <summary>Completes in the next turn.</summary>
internal sealed class YieldOperation(AioContext context) : AioOperation(context)
{
    protected internal override void Run() => Complete();

    protected override void Recycle() => Context.Return(this);
}
