using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Transactions;

/// <summary>The nodes that one change reopens, with what their drivers have prepared. Main context.</summary>
internal sealed class ReopenSet
{
    private readonly List<ReopenContext> _contexts = [];
    private readonly Dictionary<ReopenContext, object> _owners = [];
    private CoMutex? _turn;

    /// <summary>The nodes to be, in the order in which they are prepared.</summary>
    public IReadOnlyList<ReopenContext> Contexts => _contexts;

    /// <summary>The reopening of <paramref name="node"/>, or null.</summary>
    public ReopenContext? Find(BlockNode node) => _contexts.Find(c => ReferenceEquals(c.Node, node));

    /// <summary>
    /// Says what <paramref name="owner"/>, an edit, wants now. What a driver has prepared stays as it is for the same options of the same state of
    /// its node; anything else is taken back.
    /// </summary>
    /// <exception cref="BlockException">Another edit of the same change reopens one of the nodes.</exception>
    public void Want(object owner, IReadOnlyList<ReopenContext> wanted)
    {
        foreach (ReopenContext old in _contexts.FindAll(c => ReferenceEquals(_owners[c], owner) && !wanted.Any(w => IsSame(c, w))))
        {
            _contexts.Remove(old);
            _owners.Remove(old);
            DriverFailure failures = new();
            Abort(old, failures);
            failures.Throw();
        }

        foreach (ReopenContext context in wanted)
        {
            if (Find(context.Node) is not { } present)
            {
                _contexts.Add(context);
                _owners.Add(context, owner);
            }
            else if (!ReferenceEquals(_owners[present], owner))
            {
                throw new BlockException($"Node '{context.Node.Name}' is listed twice");
            }
        }
    }

    /// <summary>Lets every driver prepare that has not yet: flushes its node first. True where anything was waited for.</summary>
    public async Task<bool> PrepareDriversAsync(GraphChange change)
    {
        if (_turn is null && _contexts.Exists(c => !c.IsPrepared))
        {
            // One change at a time has drivers prepare; what it finds when its turn comes may be another graph.
            CoMutex turn = change.Graph.ReopenTurn;
            await turn.EnterAsync();
            _turn = turn;
            return true;
        }

        bool hasWaited = false;
        foreach (ReopenContext context in _contexts.ToArray())
        {
            if (context.IsPrepared)
            {
                continue;
            }

            hasWaited = true;

            // Another change may take the node away meanwhile; what is prepared is taken back before it closes. One that is gone the next draft leaves out.
            if (change.TryKeep(context.Node))
            {
                context.Operation = change;
                await PrepareAsync(context, change.Cancel);
            }
        }

        return hasWaited;
    }

    /// <summary>Takes back whatever is prepared, and lets the next change have its turn. What is still wanted is prepared again in another turn.</summary>
    public void StandBack()
    {
        DriverFailure failures = new();
        for (int i = _contexts.Count - 1; i >= 0; i--)
        {
            Abort(_contexts[i], failures);
        }

        EndTurn();
        failures.Throw();
    }

    /// <summary>Nothing is pending any more: the next change may have drivers prepare.</summary>
    public void EndTurn()
    {
        _turn?.Exit();
        _turn = null;
    }

    private static bool IsSame(ReopenContext a, ReopenContext b) =>
        ReferenceEquals(a.Node, b.Node) && a.Generation == b.Generation && a.NewSettings == b.NewSettings
        && a.NewOptions.HasSameTexts(b.NewOptions) && a.AskedOptions.HasSameTexts(b.AskedOptions);

    private static async Task PrepareAsync(ReopenContext context, CancellationToken cancel)
    {
        BlockNode node = context.Node;

        // Other drains wait for what the driver does here; this change's own has nothing left to wait for.
        node.Work.Begin();
        try
        {
            context.Step($"flush {node.Driver.Name}");
            if (await node.Graph.TryFlushAsync(node) is { } error)
            {
                throw error.Prefixed("Error flushing drive: ");
            }

            context.Step($"reopen {node.Driver.Name}");
            try
            {
                await node.Instance.PrepareReopenAsync(context, cancel);
            }
            catch (Exception failure) when (failure is not (BlockException or OperationCanceledException))
            {
                throw new BlockException(BlockErrorKind.InvalidArgument, $"failed while preparing to reopen image '{node.FileName ?? node.Name}'", failure);
            }

            context.IsPrepared = true;
            context.Step($"reopened {node.Driver.Name}");
        }
        finally
        {
            node.Work.End();
        }
    }

    private static void Abort(ReopenContext context, DriverFailure failures)
    {
        if (context.IsPrepared)
        {
            context.IsPrepared = false;
            failures.Run(context.Node, "aborting a reopen", static (n, c) => n.Instance.AbortReopen(c), context);
        }
    }
}
