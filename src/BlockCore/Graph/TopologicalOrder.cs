namespace BlockGraph.BlockCore.Graph;

/// <summary>Orders nodes so that parents come before their children.</summary>
internal static class TopologicalOrder
{
    /// <summary>Every node at and below <paramref name="roots"/>, each once, parents first.</summary>
    public static IReadOnlyList<BlockNode> Below(IEnumerable<BlockNode> roots)
    {
        List<BlockNode> childrenFirst = [];
        HashSet<BlockNode> seen = [];
        foreach (BlockNode root in roots)
        {
            Visit(root, seen, childrenFirst);
        }

        childrenFirst.Reverse();
        return childrenFirst;
    }

    private static void Visit(BlockNode node, HashSet<BlockNode> seen, List<BlockNode> childrenFirst)
    {
        if (!seen.Add(node))
        {
            return;
        }

        foreach (BlockChild child in node.Children)
        {
            Visit(child.Node, seen, childrenFirst);
        }

        childrenFirst.Add(node);
    }
}
