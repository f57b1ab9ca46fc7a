using BlockGraph.BlockCore.Transactions;

namespace BlockGraph.BlockCore.Graph;

/// <summary>Orders nodes so that parents come before their children. A chain of any length takes no stack.</summary>
internal static class TopologicalOrder
{
    /// <summary>Every node at and below <paramref name="roots"/>, each once, parents first.</summary>
    public static IReadOnlyList<BlockNode> Below(IEnumerable<BlockNode> roots) => Below(roots, null);

    /// <summary>The same in the graph as it will be; as it is where <paramref name="draft"/> is null.</summary>
    public static IReadOnlyList<BlockNode> Below(IEnumerable<BlockNode> roots, GraphDraft? draft)
    {
        List<BlockNode> childrenFirst = [];
        HashSet<BlockNode> seen = [];
        Stack<(BlockNode Node, int NextChild)> path = new();

        // Backwards, as the result is turned round: what is independent comes out in the order in which it was asked for.
        foreach (BlockNode root in roots.Reverse())
        {
            if (seen.Add(root))
            {
                path.Push((root, 0));
                Walk(path, seen, childrenFirst, draft);
            }
        }

        childrenFirst.Reverse();
        return childrenFirst;
    }

    private static void Walk(Stack<(BlockNode Node, int NextChild)> path, HashSet<BlockNode> seen, List<BlockNode> childrenFirst, GraphDraft? draft)
    {
        while (path.TryPop(out (BlockNode Node, int NextChild) step))
        {
            ReadOnlySpan<BlockChild> children = draft is null ? step.Node.ChildSpan : draft.ChildrenOf(step.Node);
            if (step.NextChild == children.Length)
            {
                childrenFirst.Add(step.Node);
                continue;
            }

            path.Push((step.Node, step.NextChild + 1));
            BlockChild edge = children[^(step.NextChild + 1)];
            BlockNode child = draft is null ? edge.Node : draft.NodeOf(edge);
            if (seen.Add(child))
            {
                path.Push((child, 0));
            }
        }
    }
}
