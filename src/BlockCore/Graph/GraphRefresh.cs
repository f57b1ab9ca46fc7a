using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Events;

namespace BlockGraph.BlockCore.Graph;

/// <summary>Limits and lengths come from below: whatever stands above a change asks again.</summary>
internal static class GraphRefresh
{
    /// <summary>Asks <paramref name="changed"/> and everything above them, children first.</summary>
    public static void Above(IEnumerable<BlockNode> changed)
    {
        HashSet<BlockNode> above = [];
        Stack<BlockNode> open = new(changed.Where(n => n.HasInstance));
        while (open.TryPop(out BlockNode? node))
        {
            if (!above.Add(node))
            {
                continue;
            }

            foreach (BlockChild edge in node.ParentSpan)
            {
                if (edge.Parent.AsNode is { HasInstance: true } parent)
                {
                    open.Push(parent);
                }
            }
        }

        if (above.Count == 0)
        {
            return;
        }

        foreach (BlockNode node in TopologicalOrder.Below(above).Reverse())
        {
            if (above.Contains(node) && node.ReferenceCount > 0)
            {
                Refresh(node);
            }
        }
    }

    private static void Refresh(BlockNode node)
    {
        try
        {
            node.RefreshLimits();
            node.RefreshLengthAndTell();
        }
        catch (BlockException error)
        {
            // The edges are what they are now; the length stays what was known.
            node.Graph.Events.Publish(new BlockWarning($"Node '{node.Name}': {error.Message}"));
        }
    }
}
