using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;

namespace BlockGraph.BlockCore.Transactions;

/// <summary>An edge goes.</summary>
internal sealed class DetachEdit(BlockChild edge) : GraphEdit
{
    /// <inheritdoc/>
    public override string Description => $"detach '{edge.Name}' from {edge.Parent.Description}";

    internal override void Apply(GraphDraft draft)
    {
        BlockNode node = draft.NodeOf(edge);
        if (Array.IndexOf(draft.ParentsOf(node).ToArray(), edge) < 0)
        {
            throw new BlockException(BlockErrorKind.NotFound, $"{edge.Parent.Description} no longer uses node '{node.Name}' as '{edge.Name}' child");
        }

        FrozenLink.ThrowIfFrozen(draft, edge, node);
        draft.Detach(edge);
    }
}
