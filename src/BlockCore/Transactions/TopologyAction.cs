using BlockGraph.BlockCore.Graph;

namespace BlockGraph.BlockCore.Transactions;

/// <summary>Makes the edges, homes and accesses of a draft those of the graph. All of it is done in commit; nothing needs to be taken back.</summary>
internal sealed class TopologyAction(GraphDraft draft) : ITransactionAction
{
    private readonly DriverFailure _failures = new();

    // The nodes that redirected edges led to before, in the order of the edges.
    private readonly List<BlockNode> _left = [];
    private readonly List<BlockNode> _moved = [];

    public void Commit()
    {
        GraphWriteToken token = new(draft.Graph);
        foreach (BlockChild edge in draft.Attached)
        {
            draft.NodeOf(edge).AddReference();
        }

        LeaveContexts();
        Link(token);
        Settle(token);
        EnterContexts();
        TellOfDetached();
        TellOfRedirected();
        TellOfAttached();
        draft.Graph.BumpEpoch();
        DropReferences(token);
        _failures.Throw();
    }

    public void Abort()
    {
    }

    public void Clean()
    {
    }

    private void Link(GraphWriteToken token)
    {
        foreach ((BlockChild edge, BlockNode node) in draft.Redirected)
        {
            node.AddReference();
            _left.Add(edge.Node);
            edge.Redirect(token, node);
        }

        foreach (BlockChild edge in draft.Attached)
        {
            edge.Redirect(token, draft.NodeOf(edge));
        }

        foreach ((BlockNode node, NodeDraft wanted) in draft.Nodes)
        {
            node.SetEdges(token, wanted.Children, wanted.Parents);
            node.SetContext(token, wanted.Context);
            node.IsReadOnly = wanted.Access.IsReadOnly;
            node.IsInactive = wanted.Access.IsInactive;
        }
    }

    // What follows from the edges as they are now, and what else the draft says of edges and nodes.
    private void Settle(GraphWriteToken token)
    {
        foreach (BlockChild edge in draft.Attached)
        {
            edge.Parent.AsNode?.RaiseRank(token);
        }

        foreach ((BlockChild edge, _) in draft.Redirected)
        {
            edge.Parent.AsNode?.RaiseRank(token);
        }

        foreach (BlockNode node in draft.Shared)
        {
            node.Tracker.Share();
        }

        foreach ((BlockNode node, BlockNode? parent) in draft.Inheritances)
        {
            node.InheritsFrom = parent;
        }

        foreach (BlockChild edge in draft.Settled)
        {
            edge.IsProvisional = false;
        }

        foreach ((BlockChild edge, bool isFrozen) in draft.Frozen)
        {
            if (edge.IsFrozen != isFrozen)
            {
                edge.SetFrozen(token, isFrozen);
            }
        }
    }

    private void LeaveContexts()
    {
        foreach ((BlockNode node, NodeDraft wanted) in draft.Nodes)
        {
            if (node.HasInstance && !ReferenceEquals(node.Context, wanted.Context))
            {
                _moved.Add(node);
                _failures.Run(node, "leaving its context", static (n, _) => n.Instance.DetachContext(), 0);
            }
        }
    }

    private void EnterContexts()
    {
        foreach (BlockNode node in _moved)
        {
            _failures.Run(node, "coming to its context", static (n, _) => n.Instance.AttachContext(n.Context), 0);
        }

        foreach ((IRootParent user, Scheduling.AioContext context) in draft.MovedUsers)
        {
            user.OnMoved(context);
        }
    }

    // What the edges mean to those at their ends.
    private void TellOfDetached()
    {
        foreach (BlockChild edge in draft.Detached)
        {
            if (edge.Parent.AsNode is { } parent)
            {
                RemoveBackingBlocker(edge, edge.Node);
                parent.IsHollow |= (edge.Role & ChildRole.Filtered) != 0;
                if (parent.HasInstance && parent.ReferenceCount > 0)
                {
                    _failures.Run(parent, "losing a child", static (n, e) => n.Instance.OnChildDetached(e), edge);
                }
            }
            else if (edge.Parent is IRootParent user)
            {
                user.OnDetached(edge);
            }
        }
    }

    private void TellOfRedirected()
    {
        foreach ((BlockChild edge, int index) in draft.Redirected.Select((r, i) => (r.Edge, i)))
        {
            if (edge.Parent.AsNode is not null)
            {
                RemoveBackingBlocker(edge, _left[index]);
                AddBackingBlocker(edge);
            }
            else if (edge.Parent is IRootParent user)
            {
                user.OnNodeReplaced(edge);
            }
        }
    }

    private void TellOfAttached()
    {
        foreach (BlockChild edge in draft.Attached)
        {
            if (edge.Parent.AsNode is { } parent)
            {
                AddBackingBlocker(edge);
                parent.IsHollow &= (edge.Role & ChildRole.Filtered) == 0;
                if (parent.HasInstance)
                {
                    _failures.Run(parent, "getting a child", static (n, e) => n.Instance.OnChildAttached(e), edge);
                }
            }
            else if (edge.Parent is IRootParent user)
            {
                user.OnAttached(edge);
            }
        }
    }

    private static void AddBackingBlocker(BlockChild edge)
    {
        if ((edge.Role & ChildRole.Cow) != 0)
        {
            edge.Node.AddBlocker(edge, OperationBlocker.ForBacking(edge.Parent.AsNode!));
        }
    }

    private static void RemoveBackingBlocker(BlockChild edge, BlockNode node)
    {
        if ((edge.Role & ChildRole.Cow) != 0)
        {
            node.RemoveBlocker(edge);
        }
    }

    private void DropReferences(GraphWriteToken token)
    {
        foreach (BlockNode node in _left)
        {
            node.DropReference(token);
        }

        foreach (BlockChild edge in draft.Detached)
        {
            edge.Node.DropReference(token);
        }
    }
}
