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

/// <content>The backend as a part of the graph: its permissions, its home, drains.</content>
public sealed partial class BlockBackend
{
    private static readonly Task<bool> s_notBusy = Task.FromResult(false);
    private BlockChild[] _edges = [];

    // How many drains reach the backend; the gate is the same number where it queues. The main context writes, lanes read.
    private int _quiesceCount;
    private int _gateCount;

    /// <summary>How many truncations under way need the permission to resize, which the backend does not ask for otherwise. Main context.</summary>
    internal int ResizeGrantCount { get; private set; }

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

    /// <summary>Asks for other permissions, on this medium and those to come. Writes under way are finished before the right to write is given up. Any thread.</summary>
    /// <exception cref="BlockException">They conflict with those of the node's other users; the old ones hold on.</exception>
    public Task SetPermissionsAsync(PermissionSet permissions) =>
        Graph.MainContext.RunAsync(() => GraphChange.RunAsync(Graph, [new BackendPermissionEdit(this, permissions, 0)], CancellationToken.None));

    /// <summary>Moves the backend, and everything connected with its root node, to another context. Any thread.</summary>
    /// <exception cref="BlockException">Another user of the nodes cannot follow; nothing has moved.</exception>
    public Task MoveAsync(AioContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return ChangeMediumAsync(() => RootEdge is { } root
            ? GraphChange.RunAsync(Graph, [new MoveEdit(root.Node, context, isForced: true, this)], CancellationToken.None)
            : ChangeEmptyAsync(() => ((IRootParent)this).OnMoved(context)));
    }

    /// <summary>Lets <paramref name="context"/> submit directly: its requests no longer go by the backend's home, where the drivers can do with that. Any thread.</summary>
    public Task AddSubmitterAsync(AioContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return ChangeMediumAsync(() => GraphChange.RunAsync(Graph, [new SubmitterEdit(this, context, isRemoved: false)], CancellationToken.None));
    }

    /// <summary>Undoes <see cref="AddSubmitterAsync"/>: the context's requests go by the home again. To be called before the context ends, or drains wait for it. Any thread.</summary>
    /// <exception cref="BlockException">The context is the backend's home, which stays.</exception>
    public Task RemoveSubmitterAsync(AioContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return ChangeMediumAsync(() => ReferenceEquals(Context, context)
            ? throw new BlockException(BlockErrorKind.NotPermitted, $"Context '{context.Name}' is the home of {Description}")
            : RootEdge is null
                ? ChangeEmptyAsync(() => RemoveLane(context))
                : GraphChange.RunAsync(Graph, [new SubmitterEdit(this, context, isRemoved: true)], CancellationToken.None));
    }

    /// <summary>Looks through the image's metadata for what contradicts itself, and mends it where asked to. Nothing else happens to the image meanwhile. Any thread.</summary>
    /// <exception cref="BlockException">The format has nothing to check, or the check itself failed.</exception>
    public Task<ImageCheck> CheckAsync(ImageRepairs repairs = ImageRepairs.None, CancellationToken cancel = default) =>
        CheckAsync(new ImageCheckRequest { Repairs = repairs }, cancel);

    /// <summary>Looks through the image's metadata for what contradicts itself, and mends it where asked to. Nothing else happens to the image meanwhile. Any thread.</summary>
    /// <param name="request">What to do, and who is told of findings.</param>
    /// <param name="cancel">Ends it between two steps.</param>
    /// <exception cref="BlockException">The format has nothing to check, or the check itself failed.</exception>
    public async Task<ImageCheck> CheckAsync(ImageCheckRequest request, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        ImageCheck? result = null;
        await HoldMediumAsync(async () => result = await AloneAsync((RootEdge ?? throw NoMedium()).Node, instance => instance.CheckAsync(request, cancel)));
        return result!;
    }

    /// <summary>Gives the image another length. Any thread. <i>QEMU: block_resize.</i></summary>
    /// <param name="lengthBytes">The length that it gets, in bytes.</param>
    /// <param name="isExact">False where more is as good.</param>
    /// <param name="preallocation">What becomes of the space that it grows by.</param>
    /// <param name="cancel">Cancels it before it has an effect.</param>
    /// <exception cref="BlockException">There is no medium, the image is read-only or its format cannot do it, or another user relies on its length.</exception>
    public Task TruncateAsync(long lengthBytes, bool isExact = true, PreallocationMode preallocation = PreallocationMode.Off, CancellationToken cancel = default) =>
        Graph.MainContext.RunAsync(() => TruncateOnMainAsync(lengthBytes, isExact, preallocation, cancel));

    private async Task TruncateOnMainAsync(long lengthBytes, bool isExact, PreallocationMode preallocation, CancellationToken cancel)
    {
        BlockChild root = Reachable ?? throw new BlockException(BlockErrorKind.NoMedium, "No medium inserted");
        root.Node.ThrowIfBlocked(BlockOperation.Resize);
        await WithResizeAsync(root, async () => await RunUncounted(
            async edge =>
            {
                // Held back meanwhile, perhaps, while the image was handed to somebody else.
                if ((edge.Permissions.Required & BlockPermissions.Resize) == 0)
                {
                    throw new BlockException(BlockErrorKind.NotPermitted, $"Block node is read-only: no resize through '{edge.Node.Name}'");
                }

                await edge.WriteLengthAsync(lengthBytes, isExact, preallocation, RequestFlags.None, cancel);
                return true;
            },
            cancel), cancel);
    }

    // While the body runs the backend has the permission to resize, which it does not ask for otherwise.
    private async Task WithResizeAsync(BlockChild root, Func<Task> body, CancellationToken cancel)
    {
        bool isGranted = (Permissions.Required & BlockPermissions.Resize) == 0 && !root.Node.IsReadOnly;
        if (isGranted)
        {
            await GraphChange.RunAsync(Graph, [new BackendPermissionEdit(this, null, 1)], cancel);
        }

        try
        {
            await body();
        }
        finally
        {
            if (isGranted)
            {
                await GraphChange.RunLettingGoAsync(Graph, [new BackendPermissionEdit(this, null, -1)]);
            }
        }
    }

    /// <summary>The permissions are others now, or there is another number of truncations that need to resize.</summary>
    internal void SetPermissions(PermissionSet permissions, int resizeGrantCount)
    {
        Permissions = permissions;
        ResizeGrantCount = resizeGrantCount;
    }

    // Nothing reaches it by an edge, so that it is drained by hand.
    private async Task ChangeEmptyAsync(Action change)
    {
        IRootParent self = this;
        self.DrainedBegin();
        try
        {
            await PollLanesAsync();
            change();
        }
        finally
        {
            self.DrainedEnd();
        }
    }

    // Kept, whatever becomes of the edge meanwhile: somebody else may take it away.
    private async Task<T> AloneAsync<T>(BlockNode node, Func<BlockDriverInstance, Task<T>> work)
    {
        node.AddReference();
        try
        {
            await using (await DrainScope.BeginAsync(node, DrainReach.Subtree))
            {
                node.Work.Begin();
                try
                {
                    return await node.Context.RunAsync(() => work(node.Instance));
                }
                finally
                {
                    node.Work.End();
                }
            }
        }
        finally
        {
            node.DropReference(new GraphWriteToken(Graph));
            await Graph.CloseScheduledAsync();
        }
    }

    /// <inheritdoc/>
    PermissionSet IRootParent.PermissionsOf(BlockChild edge) => BackendPermissionEdit.InEffect(Permissions, ResizeGrantCount, CopiesOnRead);

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
            SetGate(_quiesceCount);
        }

        if (_quiesceCount == 1)
        {
            _member?.BeginDrain();
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
            SetGate(_quiesceCount);
        }

        if (_quiesceCount == 0)
        {
            _member?.EndDrain();
            _device?.OnDrainedEnd();
            Wake(_lanes);
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
        if (ReferenceEquals(old[0].Context, context))
        {
            return;
        }

        RequestLane home = Array.Find(old, lane => ReferenceEquals(lane.Context, context)) ?? NewLane(context);
        Volatile.Write(ref _homeLane, home);
        SetLanes([home, .. old.Where(lane => !ReferenceEquals(lane, home) && !ReferenceEquals(lane, old[0]))], old[0]);
        _member?.Detach(old[0].Context);
        _member?.Attach(context);

        // What is held in the old home looks for the new one.
        Wake([old[0]]);
    }

    /// <inheritdoc/>
    string? IRootParent.RefusalToInactivate() => null;

    /// <summary>A lane is added. The backend is drained.</summary>
    internal void AddLane(AioContext context)
    {
        if (Array.TrueForAll(_lanes, lane => !ReferenceEquals(lane.Context, context)))
        {
            SetLanes([.. _lanes, NewLane(context)], null);
        }
    }

    /// <summary>A lane is taken away. The backend is drained.</summary>
    internal void RemoveLane(AioContext context)
    {
        if (Array.Find(_lanes, lane => ReferenceEquals(lane.Context, context)) is { } lane && !ReferenceEquals(lane, _homeLane))
        {
            SetLanes(Array.FindAll(_lanes, other => !ReferenceEquals(other, lane)), lane);

            // What is held there goes by the home.
            Wake([lane]);
        }
    }

    // On the lane's own thread: what it sees there is what it has left, and no request slips by afterwards.
    private async Task<bool> PollLanesAsync()
    {
        bool wasBusy = false;
        foreach (RequestLane lane in _lanes)
        {
            await lane.Context.SwitchTo();

            // Where the graph has changed and no drain reaches the backend any more, there is nothing to wait for.
            while (lane.InFlightCount != 0 && QuiesceCount != 0)
            {
                wasBusy = true;
                await lane.Idle.WaitAsync();
            }
        }

        await Graph.MainContext.SwitchTo();
        return wasBusy | (_device is { } device && await device.DrainedPollAsync());
    }

    // Those who are held back look again, and those who wait for nothing to be in flight.
    private static void Wake(RequestLane[] lanes)
    {
        foreach (RequestLane lane in lanes)
        {
            if (lane.Context.IsHome)
            {
                lane.WakeAll();
            }
            else
            {
                lane.Context.Post(static state => ((RequestLane)state!).WakeAll(), lane);
            }
        }
    }
}
