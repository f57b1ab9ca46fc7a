using BlockGraph.BlockCore.Graph;

namespace BlockGraph.BlockCore.Transactions;

/// <summary>An edge goes; a frozen one only with its parent, which nobody uses any more.</summary>
internal sealed class DetachEdit(BlockChild edge, bool isParentClosing = false) : GraphEdit
{
    /// <inheritdoc/>
    public override string Description => $"detach '{edge.Name}' from {edge.Parent.Description}";

    internal override void Apply(GraphDraft draft)
    {
        if (!isParentClosing)
        {
            FrozenLink.ThrowIfFrozen(draft, edge, draft.NodeOf(edge));
        }

        draft.Detach(edge);
    }
}
