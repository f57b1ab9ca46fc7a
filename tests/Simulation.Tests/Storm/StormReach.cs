using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Graph;
using BlockGraph.Drivers.Filters.Throttle;

namespace BlockGraph.Simulation.Tests.Storm;

/// <summary>What lies above and below a node, looked up in another way than the graph itself does it.</summary>
internal static class StormReach
{
    /// <summary>The node and everything above it: what a drain of it reaches.</summary>
    public static HashSet<BlockNode> Above(BlockNode node) => Closure([node], n => n.Parents.Select(e => e.Parent.AsNode).OfType<BlockNode>());

    /// <summary>The node and everything below it.</summary>
    public static HashSet<BlockNode> Below(BlockNode node) => Closure([node], n => n.Children.Select(e => e.Node));

    /// <summary>What a drain of the subtree of <paramref name="node"/> reaches.</summary>
    public static HashSet<BlockNode> Subtree(BlockNode node) => [.. Below(node).SelectMany(Above)];

    /// <summary>True where a request of somebody above <paramref name="reached"/> may wait at a throttle that is not reached.</summary>
    public static bool HasThrottleBelow(HashSet<BlockNode> reached) =>
        reached.SelectMany(Below).Any(n => !reached.Contains(n) && n.HasInstance && n.Instance is ThrottleFilterInstance);

    /// <summary>True where <paramref name="backend"/> sends its requests to <paramref name="node"/>, or to what is above it.</summary>
    public static bool IsAbove(BlockBackend backend, BlockNode node) => backend.Root is { } root && Above(node).Contains(root);

    private static HashSet<BlockNode> Closure(IEnumerable<BlockNode> first, Func<BlockNode, IEnumerable<BlockNode>> next)
    {
        HashSet<BlockNode> seen = [.. first];
        Stack<BlockNode> open = new(seen);
        while (open.TryPop(out BlockNode? node))
        {
            foreach (BlockNode other in next(node))
            {
                if (seen.Add(other))
                {
                    open.Push(other);
                }
            }
        }

        return seen;
    }
}
