using BlockGraph.BlockCore.Accounting;
using BlockGraph.BlockCore.Drain;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Requests;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Transactions;

namespace BlockGraph.BlockCore.Backend;

/// <content>The backend as a part of the graph: its medium, its permissions, its home, drains.</content>
public sealed partial class BlockBackend
{
    private static readonly Task<bool> s_notBusy = Task.FromResult(false);
    private readonly RequestCounters[] _retiredCounters = new RequestCounters[RequestKinds.Count];
    private BlockChild[] _edges = [];

    // How many drains reach the backend; the gate is the same number where it queues. The main context writes, lanes read.
    private int _quiesceCount;
    private int _gateCount;

    /// <summary>How many drains reach the backend now.</summary>
    public int QuiesceCount => Volatile.Read(ref _quiesceCount);

    /// <inheritdoc/>
    IReadOnlyList<BlockChild> IRootParent.Edges => _edges;

    /// <inheritdoc/>
    bool IRootParent.IsKnownQuiet
    {
        get
        {
            RequestLane[] lanes = _lanes;
            return _gateCount > 0 && lanes.Length == 1 && lanes[0].Context.IsHome && lanes[0].InFlightCount == 0 && _device is null;
        }
    }

    /// <summary>Puts <paramref name="node"/> into the backend, which must be empty. Any thread. <i>QEMU: blockdev-insert-medium.</i></summary>
    /// <exception cref="BlockException">There is a medium, or the permissions or contexts do not go together.</exception>
    public Task InsertAsync(BlockNode node)
    {
        ArgumentNullException.ThrowIfNull(node);
        return Graph.MainContext.RunAsync(async () =>
        {
            if (RootEdge is not null)
            {
                throw new BlockException(BlockErrorKind.Busy, $"There already is a medium in device '{Name}'");
            }

            await Graph.AttachAsync(this, node, "root", ChildRole.Filtered | ChildRole.Primary);
            OnMediumChanged(isLoaded: true);
        });
    }

    /// <summary>Takes the medium out, when its requests are finished; the backend remembers how it was used. Any thread. <i>QEMU: blockdev-remove-medium.</i></summary>
    /// <exception cref="BlockException">There is no medium.</exception>
    public Task RemoveAsync() => Graph.MainContext.RunAsync(async () =>
    {
        BlockChild root = RootOrThrow();
        root.Node.ThrowIfBlocked(BlockOperation.Eject);
        Remembered = new RememberedRoot(root.Node.IsReadOnly, root.Node.Settings.DetectZeroes, root.Node.Settings.CacheDirect, root.Node.Settings.CacheNoFlush);
        await using (await DrainScope.BeginAsync(root.Node))
        {
            await GraphChange.RunLettingGoAsync(Graph, [GraphEdit.Detach(root)]);
        }

        OnMediumChanged(isLoaded: false);
    });

    /// <summary>How the last medium was used; null where there was none.</summary>
    public RememberedRoot? Remembered { get; private set; }

    /// <summary>Asks for other permissions, on this medium and those to come. Writes under way are finished before the right to write is given up. Any thread.</summary>
    /// <exception cref="BlockException">They conflict with those of the node's other users; the old ones hold on.</exception>
    public Task SetPermissionsAsync(PermissionSet permissions) => Graph.MainContext.RunAsync(async () =>
    {
        if (RootEdge is { } root && !root.Node.IsInactive)
        {
            await GraphChange.RunAsync(Graph, [GraphEdit.SetPermissions(root, permissions)], CancellationToken.None);
        }

        Permissions = permissions;
    });

    /// <summary>Moves the backend, and everything connected with its root node, to another context. Any thread.</summary>
    /// <exception cref="BlockException">Another user of the nodes cannot follow; nothing has moved.</exception>
    public Task MoveAsync(AioContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return Graph.MainContext.RunAsync(async () =>
        {
            if (RootEdge is { } root)
            {
                await GraphChange.RunAsync(Graph, [new MoveEdit(root.Node, context, isForced: true, this)], CancellationToken.None);
            }
            else
            {
                await using (await DrainScope.BeginUserAsync(Graph, this))
                {
                    ((IRootParent)this).OnMoved(context);
                }
            }
        });
    }

    /// <summary>Lets <paramref name="context"/> submit directly: its requests no longer go by the backend's home, where the drivers can do with that. Any thread.</summary>
    public Task AddSubmitterAsync(AioContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return Graph.MainContext.RunAsync(() => GraphChange.RunAsync(Graph, [new SubmitterEdit(this, context)], CancellationToken.None));
    }

    /// <summary>Looks through the image's metadata for what contradicts itself, and mends it where asked to. Nothing else happens to the image meanwhile. Any thread.</summary>
    /// <exception cref="BlockException">The format has nothing to check, or the check itself failed.</exception>
    public Task<ImageCheck> CheckAsync(ImageRepairs repairs = ImageRepairs.None, CancellationToken cancel = default) => Graph.MainContext.RunAsync(async () =>
    {
        BlockNode node = RootOrThrow().Node;
        await using (await DrainScope.BeginAsync(node, DrainReach.Subtree))
        {
            node.Work.Begin();
            try
            {
                return await node.Context.RunAsync(() => node.Instance.CheckAsync(repairs, cancel));
            }
            finally
            {
                node.Work.End();
            }
        }
    });

    /// <summary>Gives the image another length. Any thread. <i>QEMU: block_resize.</i></summary>
    /// <param name="lengthBytes">The length that it gets, in bytes.</param>
    /// <param name="isExact">False where more is as good.</param>
    /// <param name="cancel">Cancels it before it has an effect.</param>
    /// <exception cref="BlockException">There is no medium, the image is read-only or its format cannot do it, or another user relies on its length.</exception>
    public Task TruncateAsync(long lengthBytes, bool isExact = true, CancellationToken cancel = default) => Graph.MainContext.RunAsync(async () =>
    {
        BlockChild root = RootEdge ?? throw new BlockException(BlockErrorKind.NoMedium, "No medium inserted");
        root.Node.ThrowIfBlocked(BlockOperation.Resize);
        PermissionSet own = Permissions;
        bool takesPermission = (own.Required & BlockPermissions.Resize) == 0 && !root.Node.IsReadOnly;
        if (takesPermission)
        {
            await SetPermissionsAsync(own with { Required = own.Required | BlockPermissions.Resize });
        }

        try
        {
            await Context.RunAsync(() => RunTruncateAsync(lengthBytes, isExact, cancel));
        }
        finally
        {
            if (takesPermission)
            {
                await SetPermissionsAsync(own);
            }
        }
    });

    private async Task RunTruncateAsync(long lengthBytes, bool isExact, CancellationToken cancel)
    {
        RequestLane lane = await EnterAsync(cancel);
        cancel.ThrowIfCancellationRequested();
        BlockChild root = RootOrThrow();
        lane.InFlightCount++;
        try
        {
            await root.WriteLengthAsync(lengthBytes, isExact, cancel);
        }
        finally
        {
            lane.Release();
        }
    }

    private async Task CloseAsync()
    {
        BlockException? flushError = null;
        if (RootEdge is { } root)
        {
            await using (await DrainScope.BeginUserAsync(Graph, this))
            {
                flushError = await Graph.TryFlushAsync(root.Node);
                if (RootEdge is { } last)
                {
                    await GraphChange.RunLettingGoAsync(Graph, [GraphEdit.Detach(last)]);
                }
            }

            await Graph.CloseScheduledAsync();
        }

        Graph.Unregister(this);
        if (flushError is not null)
        {
            throw flushError;
        }
    }

    /// <inheritdoc/>
    PermissionSet IRootParent.PermissionsOf(BlockChild edge) => Permissions;

    /// <inheritdoc/>
    void IRootParent.OnAttached(BlockChild edge) => SetRoot(edge);

    /// <inheritdoc/>
    void IRootParent.OnDetached(BlockChild edge) => SetRoot(null);

    /// <inheritdoc/>
    void IRootParent.OnResized(BlockChild edge) => OnResized();

    /// <inheritdoc/>
    void IRootParent.DrainedBegin()
    {
        Volatile.Write(ref _quiesceCount, _quiesceCount + 1);
        if (_options.QueuesWhileDrained)
        {
            Volatile.Write(ref _gateCount, _quiesceCount);
        }

        if (_quiesceCount == 1)
        {
            _device?.OnDrainedBegin();
        }
    }

    /// <inheritdoc/>
    Task<bool> IRootParent.DrainedPollAsync() => ((IRootParent)this).IsKnownQuiet ? s_notBusy : PollLanesAsync();

    /// <inheritdoc/>
    void IRootParent.DrainedEnd()
    {
        Invariant.Check(_quiesceCount > 0);
        Volatile.Write(ref _quiesceCount, _quiesceCount - 1);
        if (_options.QueuesWhileDrained)
        {
            Volatile.Write(ref _gateCount, _quiesceCount);
        }

        if (_quiesceCount == 0)
        {
            _device?.OnDrainedEnd();
            WakeHeld(_lanes);
        }
    }

    /// <inheritdoc/>
    string? IRootParent.RefusalToMove(AioContext context)
    {
        // One with a name and nobody attached to it was made by hand, for whoever will come.
        bool isFree = _options.AllowsContextChange || (Name is not null && _device is null);
        return isFree ? null : "Cannot change iothread of active block backend";
    }

    /// <inheritdoc/>
    void IRootParent.OnMoved(AioContext context)
    {
        RequestLane[] old = _lanes;
        RequestLane home = Array.Find(old, lane => ReferenceEquals(lane.Context, context)) ?? NewLane(context);
        Retire(old[0]);
        Volatile.Write(ref _homeLane, home);
        Volatile.Write(ref _lanes, [home, .. old.Where(lane => !ReferenceEquals(lane, home) && !ReferenceEquals(lane, old[0]))]);

        // What is held in the old home looks for the new one.
        WakeHeld([old[0]]);
    }

    /// <inheritdoc/>
    string? IRootParent.RefusalToInactivate() => null;

    /// <summary>A lane is added. The backend is drained.</summary>
    internal void AddLane(AioContext context)
    {
        if (Array.TrueForAll(_lanes, lane => !ReferenceEquals(lane.Context, context)))
        {
            Volatile.Write(ref _lanes, [.. _lanes, NewLane(context)]);
        }
    }

    // On the lane's own thread: what it sees there is what it has left, and no request slips by afterwards.
    private async Task<bool> PollLanesAsync()
    {
        bool wasBusy = false;
        foreach (RequestLane lane in _lanes)
        {
            await lane.Context.SwitchTo();
            while (lane.InFlightCount != 0)
            {
                wasBusy = true;
                await lane.Idle.WaitAsync();
            }
        }

        await Graph.MainContext.SwitchTo();
        return wasBusy | (_device is { } device && await device.DrainedPollAsync());
    }

    private static void WakeHeld(RequestLane[] lanes)
    {
        foreach (RequestLane lane in lanes)
        {
            if (lane.Context.IsHome)
            {
                lane.Held.WakeAll();
            }
            else
            {
                lane.Context.Post(static state => ((RequestLane)state!).Held.WakeAll(), lane);
            }
        }
    }

    private void SetRoot(BlockChild? root)
    {
        _edges = root is null ? [] : [root];
        Volatile.Write(ref _root, root);
    }

    private RequestLane NewLane(AioContext context)
    {
        RequestLane lane = new(context);
        for (int kind = 0; kind < RequestKinds.Count; kind++)
        {
            lane.SetBins((RequestKind)kind, _homeLane.BinsOf((RequestKind)kind)?.CloneEmpty());
        }

        return lane;
    }

    // Nothing is in flight in it any more; what it has counted stays.
    private void Retire(RequestLane lane)
    {
        for (int kind = 0; kind < RequestKinds.Count; kind++)
        {
            _retiredCounters[kind] = _retiredCounters[kind].Plus(lane.CountersOf((RequestKind)kind));
            if (lane.BinsOf((RequestKind)kind) is { } bins)
            {
                (_retiredBins[kind] ??= bins.CloneEmpty()).Add(bins);
            }
        }
    }
}
