using BlockGraph.BlockCore.Graph;

namespace BlockGraph.BlockCore.Transactions;

/// <summary>An edge goes.</summary>
internal sealed class DetachEdit(BlockChild edge) : GraphEdit
{
    /// <inheritdoc/>
    public override string Description => $"detach '{edge.Name}' from {edge.Parent.Description}";

    internal override void Apply(GraphDraft draft)
    {
        FrozenLink.ThrowIfFrozen(draft, edge, draft.NodeOf(edge));
        draft.Detach(edge);
    }
}
