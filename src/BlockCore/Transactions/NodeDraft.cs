using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Transactions;

/// <summary>What of one node differs in a draft; at first it is what the node is.</summary>
internal sealed class NodeDraft(BlockNode node)
{
    /// <summary>The edges to the children.</summary>
    public BlockChild[] Children { get; set; } = node.ChildSpan.ToArray();

    /// <summary>The edges from the users.</summary>
    public BlockChild[] Parents { get; set; } = node.ParentSpan.ToArray();

    /// <summary>Whether it can be written.</summary>
    public NodeAccess Access { get; set; } = new(node.IsReadOnly, node.IsInactive, node.ForceShare);

    /// <summary>Its home.</summary>
    public AioContext Context { get; set; } = node.Context;

    /// <summary>True where its children differ, so that its limits and length may.</summary>
    public bool HasNewChildren { get; set; }
}
