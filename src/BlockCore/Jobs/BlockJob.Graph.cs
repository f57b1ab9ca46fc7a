using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Transactions;

namespace BlockGraph.BlockCore.Jobs;

/// <content>The job as a part of the graph: its nodes, and what drains and moves make of it.</content>
public abstract partial class BlockJob
{
    private static readonly Task<bool> s_notBusy = Task.FromResult(false);
    private static readonly HashSet<BlockOperation> s_noExceptions = [];
    private readonly Dictionary<BlockChild, PermissionSet> _permissions = [];
    private BlockChild[] _edges = [];
    private IReadOnlyList<JobNode> _wantedNodes = [];

    /// <summary>The edges to its nodes, in order of asking: send requests through them. None is left once the job is over.</summary>
    public IReadOnlyList<BlockChild> Edges => Volatile.Read(ref _edges);

    /// <inheritdoc/>
    BlockNode? IChildParent.AsNode => null;

    /// <summary>A job's id is no name of a node.</summary>
    string? IRootParent.Name => null;

    /// <inheritdoc/>
    BlockChild? IRootParent.RootEdge => null;

    /// <inheritdoc/>
    bool IRootParent.StaysAtNode => true;

    /// <summary>Only the poll can tell: the author may know of more.</summary>
    bool IRootParent.IsKnownQuiet => false;

    /// <summary>
    /// Makes the job: it gets its id, its nodes with the permissions it asks for, and keeps every operation off them. Where that fails nothing is left. Any thread.
    /// </summary>
    /// <param name="nodes">The nodes; they come to one context. The first is the one that gives the job its id where the user did not.</param>
    /// <exception cref="BlockException">The id, the speed, the permissions or the contexts refuse.</exception>
    protected Task CreateAsync(params IReadOnlyList<JobNode> nodes)
    {
        ArgumentNullException.ThrowIfNull(nodes);
        return Graph.MainContext.RunAsync(() => CreateCoreAsync(nodes));
    }

    /// <summary>The edge called <paramref name="name"/>, or null.</summary>
    protected BlockChild? FindEdge(string name) => Array.Find(Volatile.Read(ref _edges), e => e.Name == name);

    /// <summary>Asks for other permissions on one of its nodes. Main context.</summary>
    /// <exception cref="BlockException">They conflict with those of the node's other users; the old ones hold on.</exception>
    protected async Task SetPermissionsAsync(BlockChild edge, PermissionSet permissions)
    {
        await ChangeGraphAsync(GraphEdit.SetPermissions(edge, permissions));
        _permissions[edge] = permissions;
    }

    /// <summary>Lets the nodes go before the job is over: for changes of the graph that they would be in the way of. Main context.</summary>
    protected async Task ReleaseNodesAsync()
    {
        if (_edges.Length > 0)
        {
            await ChangeGraphAsync([.. _edges.Select(GraphEdit.Detach)]);
        }
    }

    private async Task CreateCoreAsync(IReadOnlyList<JobNode> nodes)
    {
        Graph.ThrowIfDisposed();
        Invariant.Check(State == JobState.Undefined);
        Id = JobRegistry.ChooseId(Graph, Options.Id, nodes);
        _group.Add(this);
        Graph.Register(this);
        MoveTo(JobState.Created);
        try
        {
            ThrowIfNegative(Options.SpeedBytesPerSecond);
            _rateLimit.SpeedBytesPerSecond = Options.SpeedBytesPerSecond;
            _wantedNodes = nodes;
            await GraphChange.RunAsync(Graph, [.. nodes.Select(n => new AttachEdit(this, n.Node, n.Name, ChildRole.None))], CancellationToken.None);
        }
        catch
        {
            if (State == JobState.Created)
            {
                _group.Remove(this);
                Forget();
            }

            throw;
        }

        if (State != JobState.Created)
        {
            // The graph is being closed: the job came to its end while its nodes were drained.
            await ReleaseNodesAsync();
            throw Cancelled();
        }
    }

    /// <inheritdoc/>
    PermissionSet IRootParent.PermissionsOf(BlockChild edge)
    {
        if (_permissions.TryGetValue(edge, out PermissionSet permissions))
        {
            return permissions;
        }

        foreach (JobNode wanted in _wantedNodes)
        {
            if (ReferenceEquals(wanted.Node, edge.Node) && wanted.Name == edge.Name)
            {
                return wanted.Permissions;
            }
        }

        return PermissionSet.Unused;
    }

    /// <inheritdoc/>
    void IRootParent.OnAttached(BlockChild edge)
    {
        _permissions[edge] = ((IRootParent)this).PermissionsOf(edge);
        Volatile.Write(ref _edges, [.. _edges, edge]);
        edge.Node.AddBlocker(edge, new OperationBlocker($"block device is in use by block job: {TypeName}", s_noExceptions));
        Context = edge.Node.Context;
    }

    /// <inheritdoc/>
    void IRootParent.OnDetached(BlockChild edge)
    {
        edge.Node.RemoveBlocker(edge);
        _permissions.Remove(edge);
        Volatile.Write(ref _edges, Array.FindAll(_edges, e => !ReferenceEquals(e, edge)));
    }

    /// <inheritdoc/>
    void IRootParent.DrainedBegin()
    {
        _drainCount++;
        OnDrainCountChanged();
    }

    /// <inheritdoc/>
    async Task<bool> IRootParent.DrainedPollAsync()
    {
        bool wasBusy = false;
        while (IsBusy)
        {
            wasBusy = true;
            await _rested.WaitAsync();
        }

        while (!_work.IsZero)
        {
            wasBusy = true;
            await Graph.WorkDone.WaitAsync();
        }

        return wasBusy | (_isStarted && !_hasBodyEnded && await DrainedPollAsync());
    }

    /// <inheritdoc/>
    void IRootParent.DrainedEnd()
    {
        Invariant.Check(_drainCount > 0);
        _drainCount--;
        OnDrainCountChanged();
    }

    /// <summary>It follows its nodes.</summary>
    string? IRootParent.RefusalToMove(AioContext context) => null;

    /// <inheritdoc/>
    void IRootParent.OnMoved(AioContext context) => Context = context;

    // Called from the middle of a walk of the graph: whoever listens to events is told afterwards.
    private void OnDrainCountChanged()
    {
        _isWithinWalk = true;
        OnPauseCountChanged();
        _isWithinWalk = false;
        if (_untold.Count > 0)
        {
            Graph.MainContext.Post(static job => ((BlockJob)job!).TellAll(), this);
        }
    }

    private static void ThrowIfNegative(long speedBytesPerSecond)
    {
        if (speedBytesPerSecond < 0)
        {
            throw new BlockException("Parameter 'speed' expects a non-negative value");
        }
    }
}
