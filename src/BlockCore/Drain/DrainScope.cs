using BlockGraph.BlockCore.Graph;

namespace BlockGraph.BlockCore.Drain;

/// <summary>How far down a drain reaches.</summary>
public enum DrainReach
{
    /// <summary>The node and everything above it.</summary>
    Node,

    /// <summary>The node, everything above it, and everything below it.</summary>
    Subtree,
}

/// <summary>
/// Keeps a node quiet until it is disposed: no request of any user above it is in flight, new ones wait at their backends.
/// Scopes nest; each waits. <i>QEMU: bdrv_drained_begin() and bdrv_drained_end().</i>
/// </summary>
/// <remarks>
/// Begin: every ancestor is told to finish; the gate of every ancestor backend closes; then, once, at the end, their requests in
/// flight are waited for. It never waits in the middle, so what ends while it waits may change the graph.
/// A user that comes to a drained node, meanwhile or later, starts out drained.
/// </remarks>
public sealed class DrainScope : IAsyncDisposable
{
    private readonly NodeGraph _graph;
    private readonly List<BlockNode> _nodes = [];
    private readonly List<IRootParent> _users = [];
    private readonly HashSet<BlockNode> _seen = [];
    private bool _isEnded;

    private DrainScope(NodeGraph graph) => _graph = graph;

    /// <summary>Drains <paramref name="node"/>; any thread.</summary>
    public static Task<DrainScope> BeginAsync(BlockNode node, DrainReach reach = DrainReach.Node)
    {
        ArgumentNullException.ThrowIfNull(node);
        return node.Graph.MainContext.RunAsync(() => BeginCoreAsync(node, reach));
    }

    /// <summary>
    /// Quiets one user for good: its own requests finish, with whatever waits below it let go; other users of the same nodes
    /// are not held up. Main context.
    /// </summary>
    internal static Task<DrainScope> BeginClosingAsync(IRootParent user, BlockNode root)
    {
        DrainScope scope = new(root.Graph);
        scope._nodes.AddRange(TopologicalOrder.Below([root]));
        scope._users.Add(user);
        return scope.WaitUntilQuietAsync();
    }

    /// <summary>Lets requests flow again; any thread.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_isEnded)
        {
            _isEnded = true;
            await _graph.MainContext.RunAsync(EndCoreAsync);
        }
    }

    private static Task<DrainScope> BeginCoreAsync(BlockNode node, DrainReach reach)
    {
        DrainScope scope = new(node.Graph);
        scope.CollectAbove(node);
        if (reach == DrainReach.Subtree)
        {
            foreach (BlockNode below in TopologicalOrder.Below([node]))
            {
                scope.CollectAbove(below);
            }
        }

        return scope.WaitUntilQuietAsync();
    }

    private async Task<DrainScope> WaitUntilQuietAsync()
    {
        foreach (BlockNode node in _nodes)
        {
            node.QuiesceBegin();
        }

        // From here on users may come, at the ends of both lists; they start out drained.
        _graph.AddDrain(this);
        int userCount = _users.Count;
        for (int i = 0; i < userCount; i++)
        {
            await _users[i].DrainedBeginAsync();
        }

        for (int i = 0; i < userCount; i++)
        {
            await _users[i].DrainedPollAsync();
        }

        return this;
    }

    /// <summary>An edge was linked: where its child is drained, its parent starts out so.</summary>
    internal void OnAttached(BlockChild edge)
    {
        if (!_seen.Contains(edge.Node))
        {
            return;
        }

        int nodeCount = _nodes.Count;
        int userCount = _users.Count;
        CollectParent(edge);
        for (int i = nodeCount; i < _nodes.Count; i++)
        {
            _nodes[i].QuiesceBegin();
        }

        for (int i = userCount; i < _users.Count; i++)
        {
            _users[i].StartDrained();
        }
    }

    private async Task EndCoreAsync()
    {
        _graph.RemoveDrain(this);
        foreach (BlockNode node in _nodes)
        {
            node.QuiesceEnd();
        }

        foreach (IRootParent user in _users)
        {
            await user.DrainedEndAsync();
        }
    }

    private void CollectAbove(BlockNode node)
    {
        if (!_seen.Add(node))
        {
            return;
        }

        _nodes.Add(node);
        foreach (BlockChild edge in node.Parents)
        {
            CollectParent(edge);
        }
    }

    private void CollectParent(BlockChild edge)
    {
        if (edge.Parent.AsNode is { } parent)
        {
            CollectAbove(parent);
        }
        else if (edge.Parent is IRootParent user && !_users.Contains(user))
        {
            _users.Add(user);
        }
    }
}
