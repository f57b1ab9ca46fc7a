using BlockGraph.BlockCore.Graph;

namespace BlockGraph.BlockCore.Transactions;

/// <content>Nodes that several contexts send requests to at once.</content>
internal sealed partial class GraphDraft
{
    private readonly HashSet<BlockNode> _shared = [];

    /// <summary>The nodes that become shared.</summary>
    public IEnumerable<BlockNode> Shared => _shared;

    /// <summary>Requests may come to <paramref name="root"/>, and hence to everything below it, from several contexts.</summary>
    public void WantShared(BlockNode root)
    {
        foreach (BlockNode node in TopologicalOrder.Below([root], this))
        {
            if (!node.Tracker.IsShared && _shared.Add(node))
            {
                WantQuiet(node);
            }
        }
    }

    /// <summary>What is linked below a shared node is shared with it.</summary>
    public void SpreadSharing()
    {
        foreach (BlockChild edge in _attached)
        {
            Spread(edge);
        }

        foreach (BlockChild edge in _targets.Keys)
        {
            Spread(edge);
        }
    }

    private void Spread(BlockChild edge)
    {
        if (edge.Parent.AsNode?.Tracker.IsShared == true || edge.Parent is ISharingParent { HasManySubmitters: true })
        {
            WantShared(NodeOf(edge));
        }
    }
}
