using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Graph;

/// <content>What drains, closing and blockers make of a node.</content>
public sealed partial class BlockNode
{
    private readonly List<(object Owner, OperationBlocker Blocker)> _blockers = [];
    private int _quiesceCount;
    private int _releaseCount;
    private HookWork? _hookWork;

    // What the driver is to hear; the main context decides. What it has heard; its home knows.
    private bool _isDrainDue;
    private bool _isDriverDrained;
    private volatile bool _isClosed;

    /// <summary>How many drains reach the node now.</summary>
    public int QuiesceCount => Volatile.Read(ref _quiesceCount);

    /// <summary>The last walk of the graph that came by. Main context.</summary>
    internal int VisitMark { get; set; }

    /// <summary>The last walk downward that came by. Main context.</summary>
    internal int BelowMark { get; set; }

    /// <summary>The last walk that let go of what waits here. Main context.</summary>
    internal int ReleaseMark { get; set; }

    /// <summary>How many users keep some operation off the node. Main context.</summary>
    internal int BlockerCount => _blockers.Count;

    /// <summary>One drain more reaches the node. Main context.</summary>
    internal void QuiesceBegin()
    {
        Volatile.Write(ref _quiesceCount, _quiesceCount + 1);
        SyncDrainHook();
    }

    /// <summary>One drain less reaches the node. Main context.</summary>
    internal void QuiesceEnd()
    {
        Invariant.Check(_quiesceCount > 0);
        Volatile.Write(ref _quiesceCount, _quiesceCount - 1);
        SyncDrainHook();
    }

    /// <summary>What waits here for anything but the child goes on, though the node is not drained: one of its users leaves. Main context.</summary>
    internal void ReleaseBegin()
    {
        Volatile.Write(ref _releaseCount, _releaseCount + 1);
        SyncDrainHook();
    }

    /// <summary>Undoes one <see cref="ReleaseBegin"/>. Main context.</summary>
    internal void ReleaseEnd()
    {
        Invariant.Check(_releaseCount > 0);
        Volatile.Write(ref _releaseCount, _releaseCount - 1);
        SyncDrainHook();
    }

    /// <summary>Closes the instance, if there is one. From now on the driver hears of nothing, not even of the end of a drain.</summary>
    internal ValueTask CloseInstanceAsync()
    {
        _isClosed = true;
        return HasInstance ? Instance.CloseAsync() : default;
    }

    /// <summary>Refuses <paramref name="operation"/> where somebody blocks it.</summary>
    /// <exception cref="BlockException">The node is busy; the message says why.</exception>
    internal void ThrowIfBlocked(BlockOperation operation)
    {
        foreach ((_, OperationBlocker blocker) in _blockers)
        {
            if (blocker.Blocks(operation))
            {
                throw new BlockException(BlockErrorKind.Busy, $"Node '{Name}' is busy: {blocker.Reason}");
            }
        }
    }

    internal void AddBlocker(object owner, OperationBlocker blocker) => _blockers.Add((owner, blocker));

    internal void RemoveBlocker(object owner)
    {
        int index = _blockers.FindIndex(b => ReferenceEquals(b.Owner, owner));
        Invariant.Check(index >= 0);
        _blockers.RemoveAt(index);
    }

    /// <summary>True where the driver is yet to hear of the beginning or the end of a drain. Main context.</summary>
    internal bool IsHookQueued => _hookWork?.IsQueued == true;

    /// <summary>Tells the driver of the first drain and of the end of the last, at the node's home.</summary>
    private void SyncDrainHook()
    {
        bool isDue = _quiesceCount > 0 || _releaseCount > 0;
        if (!HasInstance || isDue == _isDrainDue)
        {
            return;
        }

        // While the node moves from context to context it is drained: nothing is sent then.
        Volatile.Write(ref _isDrainDue, isDue);
        if (Context.IsHome)
        {
            TellDriver();
        }
        else
        {
            (_hookWork ??= new HookWork(this)).Send(Context);
        }
    }

    // What counts is the state now, not the order in which calls arrive.
    private void TellDriver()
    {
        bool isDue = Volatile.Read(ref _isDrainDue);
        if (_isClosed || isDue == _isDriverDrained)
        {
            return;
        }

        _isDriverDrained = isDue;
        if (isDue)
        {
            Instance.DrainBegin();
        }
        else
        {
            Instance.DrainEnd();
        }
    }

    /// <summary>Goes to the node's home and brings the driver up to date; it is queued there at most once.</summary>
    private sealed class HookWork(BlockNode node) : AioWork
    {
        private int _isQueued;

        public bool IsQueued => Volatile.Read(ref _isQueued) != 0;

        public void Send(AioContext context)
        {
            if (Interlocked.Exchange(ref _isQueued, 1) == 0)
            {
                context.Send(this);
            }
        }

        protected internal override void Run()
        {
            Interlocked.Exchange(ref _isQueued, 0);
            node.TellDriver();
        }
    }
}
