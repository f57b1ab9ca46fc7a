using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;

namespace BlockGraph.BlockCore.Transactions;

/// <summary>A node with any number of children loses one.</summary>
internal sealed class RemoveChildEdit(BlockNode parent, string childName) : GraphEdit
{
    /// <inheritdoc/>
    public override string Description => $"remove child '{childName}' of '{parent.Name}'";

    internal override Task PrepareAsync(GraphChange change)
    {
        change.Keep(parent);
        return Task.CompletedTask;
    }

    internal override void Apply(GraphDraft draft)
    {
        BlockChild edge = draft.ChildOf(parent, childName)
            ?? throw new BlockException(BlockErrorKind.NotFound, $"Node '{parent.Name}' does not have child '{childName}'");
        if (!parent.Driver.HasVariableChildren)
        {
            throw new BlockException(BlockErrorKind.NotSupported, $"The node {parent.Name} does not support removing a child");
        }

        FrozenLink.ThrowIfFrozen(draft, edge, draft.NodeOf(edge));
        parent.Instance.CheckChildRemoval(edge, draft.ChildrenOf(parent).Length - 1);
        draft.Detach(edge);
    }
}
