using BlockGraph.BlockCore.Graph;

namespace BlockGraph.BlockCore.Transactions;

/// <summary>A driver needs other permissions of its children than before, for a reason of its own.</summary>
internal sealed class ReconsiderEdit(BlockNode node) : GraphEdit
{
    /// <inheritdoc/>
    public override string Description => $"compute the permissions below node '{node.Name}' anew";

    internal override void Apply(GraphDraft draft)
    {
        draft.Touch(node);
        draft.Tighten();
    }
}
