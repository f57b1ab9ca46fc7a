using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;

namespace BlockGraph.BlockCore.Transactions;

/// <summary>An edge goes; a frozen one only with its parent, which nobody uses any more.</summary>
internal sealed class DetachEdit(BlockChild edge, bool isParentClosing = false) : GraphEdit
{
    /// <inheritdoc/>
    public override string Description => $"detach '{edge.Name}' from {edge.Parent.Description}";

    internal override void Apply(GraphDraft draft)
    {
        BlockNode node = draft.NodeOf(edge);
        if (!draft.ParentsOf(node).Contains(edge, null))
        {
            throw new BlockException(BlockErrorKind.NotFound, $"{edge.Parent.Description} no longer uses node '{node.Name}' as '{edge.Name}' child");
        }

        if (!isParentClosing)
        {
            FrozenLink.ThrowIfFrozen(draft, edge, node);
        }

        draft.Detach(edge);
    }
}
