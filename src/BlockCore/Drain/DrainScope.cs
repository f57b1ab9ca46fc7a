using BlockGraph.BlockCore.Backend;
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
    private readonly List<BlockBackend> _backends = [];
    private readonly HashSet<BlockNode> _seen = [];
    private bool _isEnded;

    private DrainScope(NodeGraph graph) => _graph = graph;

    /// <summary>Drains <paramref name="node"/>; any thread.</summary>
    public static Task<DrainScope> BeginAsync(BlockNode node, DrainReach reach = DrainReach.Node)
    {
        ArgumentNullException.ThrowIfNull(node);
        return node.Graph.MainContext.RunAsync(() => BeginCoreAsync(node, reach));
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

    private static async Task<DrainScope> BeginCoreAsync(BlockNode node, DrainReach reach)
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

        foreach (BlockNode quiesced in scope._nodes)
        {
            quiesced.QuiesceBegin();
        }

        // From here on users may come, at the ends of both lists; their gates are closed already.
        node.Graph.AddDrain(scope);
        int backendCount = scope._backends.Count;
        for (int i = 0; i < backendCount; i++)
        {
            await scope._backends[i].CloseGateAsync();
        }

        for (int i = 0; i < backendCount; i++)
        {
            await scope._backends[i].WaitUntilIdleAsync();
        }

        return scope;
    }

    /// <summary>An edge was linked: where its child is drained, its parent starts out so.</summary>
    internal void OnAttached(BlockChild edge)
    {
        if (!_seen.Contains(edge.Node))
        {
            return;
        }

        int nodeCount = _nodes.Count;
        int backendCount = _backends.Count;
        CollectParent(edge);
        for (int i = nodeCount; i < _nodes.Count; i++)
        {
            _nodes[i].QuiesceBegin();
        }

        for (int i = backendCount; i < _backends.Count; i++)
        {
            _backends[i].CloseNewGate();
        }
    }

    private async Task EndCoreAsync()
    {
        _graph.RemoveDrain(this);
        foreach (BlockNode node in _nodes)
        {
            node.QuiesceEnd();
        }

        foreach (BlockBackend backend in _backends)
        {
            await backend.OpenGateAsync();
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
        else if (edge.Parent.AsBackend is { } backend && !_backends.Contains(backend))
        {
            _backends.Add(backend);
        }
    }
}
