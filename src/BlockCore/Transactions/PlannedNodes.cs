using BlockGraph.BlockCore.Graph;

namespace BlockGraph.BlockCore.Transactions;

/// <summary>What a change does with whole nodes, beside what it does with their edges.</summary>
/// <param name="Opened">The nodes that it opens.</param>
/// <param name="Closed">The nodes that it leaves without anybody who uses or keeps them.</param>
/// <param name="Drained">The nodes that it drains, without those above others of them.</param>
/// <param name="DrainedUsers">The users that it waits for and that are above none of them.</param>
internal sealed record PlannedNodes(
    IReadOnlyCollection<BlockNode> Opened, IReadOnlyCollection<BlockNode> Closed, IReadOnlyCollection<BlockNode> Drained, IReadOnlyCollection<IRootParent> DrainedUsers)
{
    /// <summary>What becomes of nodes when <paramref name="draft"/> comes true.</summary>
    /// <param name="draft">The graph as it would be.</param>
    /// <param name="kept">The references that the change itself holds meanwhile.</param>
    /// <param name="opened">The nodes that it has opened; their inline children are found from here.</param>
    public static PlannedNodes Of(GraphDraft draft, IReadOnlyList<BlockNode> kept, IReadOnlyList<BlockNode> opened)
    {
        HashSet<BlockNode> withChildren = [.. opened];
        foreach (BlockNode node in TopologicalOrder.Below(opened, draft))
        {
            if (node.InheritsFrom is { } parent && withChildren.Contains(parent))
            {
                withChildren.Add(node);
            }
        }

        BlockNode[] lowest = [.. draft.QuietNodes.Where(node => !IsAboveAny(node.Children, draft.QuietNodes))];
        return new PlannedNodes(withChildren, ClosedOf(draft, kept), lowest, [.. draft.QuietUsers.Where(user => !IsAboveAny(user.Edges, lowest))]);
    }

    // A drain walks the graph as it is.
    private static bool IsAboveAny(IEnumerable<BlockChild> edges, IReadOnlyCollection<BlockNode> nodes) =>
        TopologicalOrder.Below(edges.Select(edge => edge.Node)).Any(nodes.Contains);

    // A node is closed with its last reference, and takes back its own references to its children.
    private static HashSet<BlockNode> ClosedOf(GraphDraft draft, IReadOnlyList<BlockNode> kept)
    {
        Dictionary<BlockNode, int> left = [];
        Queue<BlockNode> losers = new();
        foreach (BlockNode node in kept)
        {
            Lose(node);
        }

        foreach (BlockChild edge in draft.Attached)
        {
            left[draft.NodeOf(edge)] = LeftOf(draft.NodeOf(edge)) + 1;
        }

        foreach ((BlockChild edge, BlockNode node) in draft.Redirected)
        {
            left[node] = LeftOf(node) + 1;
            Lose(edge.Node);
        }

        foreach (BlockChild edge in draft.Detached)
        {
            Lose(edge.Node);
        }

        HashSet<BlockNode> closed = [];
        while (losers.TryDequeue(out BlockNode? node))
        {
            if (left[node] == 0 && closed.Add(node))
            {
                foreach (BlockChild edge in draft.ChildrenOf(node))
                {
                    Lose(draft.NodeOf(edge));
                }
            }
        }

        return closed;

        int LeftOf(BlockNode node) => left.TryGetValue(node, out int count) ? count : node.ReferenceCount;

        void Lose(BlockNode node)
        {
            left[node] = LeftOf(node) - 1;
            losers.Enqueue(node);
        }
    }
}
