using BlockGraph.BlockCore.Drain;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Events;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Permissions;

namespace BlockGraph.BlockCore.Transactions;

/// <summary>
/// Carries edits out, all or none: prepares what must be waited for, drains what the draft wants quiet, and then, without waiting,
/// checks and commits. docs/graph.md draws it.
/// </summary>
/// <remarks>
/// Invariants: (1) between the last look at the graph and the commit nothing is awaited; (2) the hold is extended, never taken anew, and
/// no reopening driver is waited for while it is being extended; (3) until the commit nothing but the references of this object tells that it is there.
/// </remarks>
internal sealed class GraphChange
{
    private readonly IReadOnlyList<GraphEdit> _edits;
    private readonly List<BlockNode> _kept = [];
    private readonly List<NodeOpener> _openers = [];
    private readonly List<BlockNode> _opened = [];
    private readonly HashSet<BlockNode> _finished = [];
    private GraphEdit? _current;
    private bool _isCommitted;
    private bool _isLettingGo;
    private bool _isWithinClose;

    private GraphChange(NodeGraph graph, IReadOnlyList<GraphEdit> edits, CancellationToken cancel)
    {
        Graph = graph;
        _edits = edits;
        Cancel = cancel;
    }

    /// <summary>The graph that is changed.</summary>
    public NodeGraph Graph { get; }

    /// <summary>Cancels the change while nothing is committed.</summary>
    public CancellationToken Cancel { get; }

    /// <summary>The nodes that are reopened in it.</summary>
    public ReopenSet Reopens { get; } = new();

    /// <summary>Makes the change. Main context.</summary>
    /// <exception cref="BlockException">It is refused; nothing has changed.</exception>
    public static Task RunAsync(NodeGraph graph, IReadOnlyList<GraphEdit> edits, CancellationToken cancel) => new GraphChange(graph, edits, cancel).RunAsync();

    /// <summary>Makes a change that lets go of something: it is possible while the graph is being closed, too.</summary>
    public static Task RunLettingGoAsync(NodeGraph graph, IReadOnlyList<GraphEdit> edits) =>
        new GraphChange(graph, edits, CancellationToken.None) { _isLettingGo = true }.RunAsync();

    /// <summary>Makes a change that the closing of nodes needs: what loses its last user by it is closed by the caller.</summary>
    public static Task RunWithinCloseAsync(NodeGraph graph, IReadOnlyList<GraphEdit> edits) =>
        new GraphChange(graph, edits, CancellationToken.None) { _isLettingGo = true, _isWithinClose = true }.RunAsync();

    /// <summary>Makes another change in the course of this one, which stands back meanwhile.</summary>
    public Task RunWithinAsync(GraphEdit edit)
    {
        Reopens.StandBack();
        return RunAsync(Graph, [edit], CancellationToken.None);
    }

    /// <summary>Says what the change would be. Main context.</summary>
    public static Task<GraphPlan> PlanAsync(NodeGraph graph, IReadOnlyList<GraphEdit> edits, CancellationToken cancel) => new GraphChange(graph, edits, cancel).PlanAsync();

    /// <summary>Makes a draft come true whose subjects are quiet already, and which nobody can refuse.</summary>
    public static void CommitHeld(GraphDraft draft)
    {
        PermissionOutcome outcome = PermissionUpdate.Compute(draft);
        Invariant.Check(outcome.Plan is not null);
        Transaction transaction = new();
        PermissionAction.Prepare(transaction, outcome.Plan, new ReopenSet());
        transaction.Add(new TopologyAction(draft));
        transaction.Commit();
        draft.Graph.UpdateDrains();
        draft.Graph.Buffers.Update();
    }

    /// <summary>Keeps <paramref name="node"/> alive until the change is over.</summary>
    /// <exception cref="BlockException">It is closed, or being closed.</exception>
    public void Keep(BlockNode node)
    {
        if (!TryKeep(node))
        {
            throw new BlockException(BlockErrorKind.NotFound, $"Node '{node.Name}' is closed");
        }
    }

    /// <summary>Keeps <paramref name="node"/> alive until the change is over; false where it is closed, or being closed.</summary>
    public bool TryKeep(BlockNode node)
    {
        if (node.ReferenceCount == 0)
        {
            return false;
        }

        node.AddReference();
        _kept.Add(node);
        return true;
    }

    /// <summary>Opens a node for the change; where it is not used by then, it is closed at the end.</summary>
    /// <param name="options">Its options.</param>
    /// <param name="given">A child that is there already and is linked without permissions, which come with the commit.</param>
    public async Task<BlockNode> OpenAsync(OptionsDictionary options, GivenChild? given = null)
    {
        NodeOpener opener = new(Graph, Cancel) { GivenChild = given, Operation = this };
        BlockNode node = await opener.OpenAsync(options);
        _kept.Add(node);
        _openers.Add(opener);
        _opened.Add(node);
        return node;
    }

    private async Task RunAsync()
    {
        DrainScope hold = DrainScope.CreateHold(Graph);
        try
        {
            await PrepareAsync();
            await RunWhenQuietAsync(hold);
            foreach (GraphEdit edit in _edits)
            {
                await edit.FinishAsync(this);
            }
        }
        finally
        {
            await EndAsync(hold);
        }
    }

    // Letting go of something is never failed.
    private void Step(string name)
    {
        if (!_isLettingGo)
        {
            Graph.Step(name);
        }
    }

    private async Task PrepareAsync()
    {
        foreach (GraphEdit edit in _edits)
        {
            Step("prepare edit");
            Cancel.ThrowIfCancellationRequested();
            _current = edit;
            await edit.PrepareAsync(this);
        }
    }

    private async Task RunWhenQuietAsync(DrainScope hold)
    {
        while (true)
        {
            Cancel.ThrowIfCancellationRequested();
            GraphDraft draft = Draft(hold);
            PermissionOutcome outcome = PermissionUpdate.Compute(draft);
            if (outcome.Conflict is { } conflict && !draft.IsLoosening)
            {
                throw conflict.ToException();
            }

            if (!hold.Covers(draft))
            {
                Step("drain");

                // What it waits for may itself wait to reopen something: a job in the middle of a change.
                Reopens.StandBack();
                await hold.ExtendAsync(draft);
            }
            else if (outcome.Plan is { } plan && await DriverWork.FinishBeforeAsync(plan, _finished))
            {
                // Waited for: the graph may be another.
                continue;
            }
            else if (await PrepareQuietAsync() | await Reopens.PrepareDriversAsync(this))
            {
                continue;
            }
            else if (!hold.IsFreeOfWork)
            {
                // Another change has a driver at work where this one has found quiet: a drain does not hold that back.
                await hold.WaitForWorkAsync();
            }
            else
            {
                Commit(draft, outcome.Plan);
                return;
            }
        }
    }

    private GraphDraft Draft(DrainScope? hold)
    {
        if (!_isLettingGo)
        {
            Graph.ThrowIfDisposed();
        }

        GraphDraft draft = new(Graph);
        foreach (GraphEdit edit in _edits)
        {
            _current = edit;
            edit.Apply(draft);
        }

        _current = null;
        draft.SpreadSharing();
        if (hold is not null)
        {
            Graph.WantNewcomersQuiet(draft, hold);
        }

        return draft;
    }

    private async Task<bool> PrepareQuietAsync()
    {
        bool hasWaited = false;
        foreach (GraphEdit edit in _edits)
        {
            hasWaited |= await edit.PrepareQuietAsync(this);
        }

        return hasWaited;
    }

    // Synchronous from here on. Actions are committed in reverse order of their adding: the edges, the options, the permissions.
    private void Commit(GraphDraft draft, PermissionPlan? plan)
    {
        Transaction transaction = new();
        try
        {
            Step("check permissions");
            if (plan is not null)
            {
                PreparePermissions(transaction, draft, plan);
            }

            Step("commit");
            transaction.Add(new ReopenAction(Reopens));
            transaction.Add(new TopologyAction(draft));
        }
        catch
        {
            transaction.Abort();
            throw;
        }

        _isCommitted = true;
        try
        {
            transaction.Commit();
        }
        finally
        {
            AfterCommit(draft);
        }
    }

    private void PreparePermissions(Transaction transaction, GraphDraft draft, PermissionPlan plan)
    {
        try
        {
            PermissionAction.Prepare(transaction, plan, Reopens);
        }
        catch (Exception error) when (draft.IsLoosening)
        {
            if (error is not BlockException)
            {
                Graph.Events.Publish(new BlockWarning($"A driver has a bug: {error.Message}"));
            }

            // Who asks for less is never refused. The edges have it; a driver that holds more than that does so until the next change.
            PermissionAction.PrepareWithoutDrivers(transaction, plan);
        }
    }

    private void AfterCommit(GraphDraft draft)
    {
        List<BlockNode> changed = [];
        foreach ((BlockNode node, NodeDraft wanted) in draft.Nodes)
        {
            if (wanted.HasNewChildren)
            {
                changed.Add(node);
            }
        }

        changed.AddRange(Reopens.Contexts.Select(context => context.Node));
        GraphRefresh.Above(changed);
        _openers.ForEach(opener => opener.Commit());
        foreach (GraphEdit edit in _edits)
        {
            edit.OnCommitted(this);
        }

        Graph.UpdateDrains();
        Graph.Buffers.Update();
    }

    private async Task EndAsync(DrainScope hold)
    {
        try
        {
            if (!_isCommitted)
            {
                Reopens.StandBack();
                for (int i = _edits.Count - 1; i >= 0; i--)
                {
                    await _edits[i].UndoAsync(this);
                }
            }
        }
        finally
        {
            Reopens.EndTurn();
            ReleaseKept();
            await hold.DisposeAsync();
        }

        if (!_isWithinClose)
        {
            await Graph.CloseScheduledAsync();
        }
    }

    private void ReleaseKept()
    {
        foreach (BlockNode node in _kept)
        {
            node.DropReference(new GraphWriteToken(Graph));
        }

        _kept.Clear();
    }

    private async Task<GraphPlan> PlanAsync()
    {
        try
        {
            await PrepareAsync();
            GraphDraft draft = Draft(null);
            return GraphPlan.Of(draft, PermissionUpdate.Compute(draft), PlannedNodes.Of(draft, _kept, _opened), [.. _edits.Select(e => e.Description)]);
        }
        catch (BlockException refusal)
        {
            int? index = _current is null ? null : _edits.TakeWhile(edit => !ReferenceEquals(edit, _current)).Count();
            return GraphPlan.Refused(refusal, index, [.. _edits.Select(e => e.Description)]);
        }
        finally
        {
            ReleaseKept();
            await Graph.CloseScheduledAsync();
        }
    }
}
