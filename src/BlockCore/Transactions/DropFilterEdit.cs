using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;

namespace BlockGraph.BlockCore.Transactions;

/// <summary>A filter goes; its users use its child, and it lets go of the child in the same moment.</summary>
internal sealed class DropFilterEdit(BlockNode filter) : GraphEdit
{
    /// <inheritdoc/>
    public override string Description => $"drop filter '{filter.Name}'";

    internal override Task PrepareAsync(GraphChange change)
    {
        change.Keep(filter);
        return Task.CompletedTask;
    }

    internal override void Apply(GraphDraft draft)
    {
        BlockChild? link = BackingChain.IsFilter(filter) ? draft.ChildOf(filter, ChildRole.Filtered) : null;
        if (link is null)
        {
            throw new BlockException($"Node '{filter.Name}' is not a filter");
        }

        if (filter.FrozenDownTo is { } bottom)
        {
            // What it keeps in place for itself goes on without it.
            GraphEdit.Thaw(filter, bottom).Apply(draft);
        }

        BlockNode below = draft.NodeOf(link);
        FrozenLink.ThrowIfFrozen(draft, link, below);

        // Who must stay would be left over a filter without a child.
        ReplaceEdit.Replace(draft, filter, below, isStrict: true);
        draft.Detach(link);
    }

    internal override void OnCommitted(GraphChange change) => filter.FrozenDownTo = null;
}
