using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Transactions;

/// <content>Homes: a connected component has one.</content>
internal sealed partial class GraphDraft
{
    private readonly Dictionary<IRootParent, AioContext> _movedUsers = [];

    /// <summary>The users that move, with where to.</summary>
    public IEnumerable<KeyValuePair<IRootParent, AioContext>> MovedUsers => _movedUsers;

    /// <summary>Moves everything connected with <paramref name="node"/> to <paramref name="context"/>.</summary>
    /// <param name="node">Any node of the component.</param>
    /// <param name="context">Its home to be.</param>
    /// <param name="initiator">Who asks for it, and is not asked whether it can move; null for none.</param>
    /// <exception cref="BlockException">Somebody cannot follow.</exception>
    public void MoveComponent(BlockNode node, AioContext context, IChildParent? initiator)
    {
        if (TryMoveComponent(node, context, initiator) is { } refusal)
        {
            throw refusal;
        }
    }

    /// <summary>The two ends of a new edge come together: the child's component where the parent is, else the other way round.</summary>
    private void AlignContexts(BlockChild edge, BlockNode child)
    {
        IChildParent parent = edge.Parent;
        BlockNode? beside = parent.AsNode ?? NodeBeside(edge);
        AioContext? wanted = beside is not null ? ContextOf(beside) : (parent as IContextual)?.HomeContext;
        AioContext present = ContextOf(child);
        if (wanted is null || ReferenceEquals(wanted, present))
        {
            return;
        }

        // Both ends are linked already, so that a walk from one would move the other: it stops at what is there.
        if (TryMoveComponent(child, wanted, parent) is not { } refusal)
        {
            return;
        }

        bool canParentFollow = beside is not null
            ? TryMoveComponent(beside, present, null) is null
            : parent is IRootParent user && user.RefusalToMove(present) is null && Move(user, present);
        if (!canParentFollow)
        {
            throw refusal;
        }
    }

    /// <summary>A child without the parent that brought it here goes back to the main context, if all that is left can.</summary>
    private void TryMoveHome(BlockNode child)
    {
        if (!ReferenceEquals(ContextOf(child), graph.MainContext) && child.HasInstance)
        {
            _ = TryMoveComponent(child, graph.MainContext, null);
        }
    }

    private BlockException? TryMoveComponent(BlockNode start, AioContext context, IChildParent? initiator)
    {
        List<BlockNode> nodes = [];
        List<IRootParent> users = [];
        HashSet<object> seen = [start];
        Stack<BlockNode> open = new([start]);
        while (open.TryPop(out BlockNode? node))
        {
            if (ReferenceEquals(ContextOf(node), context))
            {
                continue;
            }

            nodes.Add(node);
            foreach (BlockChild edge in ChildrenOf(node))
            {
                Visit(NodeOf(edge));
            }

            foreach (BlockChild edge in ParentsOf(node))
            {
                if (edge.Parent.AsNode is { } parent)
                {
                    Visit(parent);
                }
                else if (edge.Parent is IRootParent user && seen.Add(user))
                {
                    if (!ReferenceEquals(user, initiator) && user.RefusalToMove(context) is { } refusal)
                    {
                        return new BlockException(BlockErrorKind.NotPermitted, refusal);
                    }

                    users.Add(user);
                    foreach (BlockChild other in EdgesOf(user))
                    {
                        Visit(NodeOf(other));
                    }
                }
            }
        }

        nodes.ForEach(node => Move(node, context));
        users.ForEach(user => Move(user, context));
        return null;

        void Visit(BlockNode node)
        {
            if (seen.Add(node))
            {
                open.Push(node);
            }
        }
    }

    /// <summary>The edges of a user, with those that come and without those that go.</summary>
    private IEnumerable<BlockChild> EdgesOf(IRootParent user) =>
        user.Edges.Where(e => !_detached.Contains(e)).Concat(_attached.Where(e => ReferenceEquals(e.Parent, user)));

    /// <summary>A node that a root parent uses beside that of <paramref name="edge"/>, such as a job's source beside its target; null where there is none.</summary>
    private BlockNode? NodeBeside(BlockChild edge) =>
        edge.Parent is IRootParent user && EdgesOf(user).FirstOrDefault(e => !ReferenceEquals(e, edge)) is { } other ? NodeOf(other) : null;

    private void Move(BlockNode node, AioContext context)
    {
        Edit(node).Context = context;
        WantQuiet(node);
    }

    private bool Move(IRootParent user, AioContext context)
    {
        _movedUsers[user] = context;
        return true;
    }
}
