using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;

namespace BlockGraph.BlockCore.Transactions;

/// <summary>A node with any number of children gets one more.</summary>
internal sealed class AddChildEdit(BlockNode parent, BlockNode child) : GraphEdit
{
    /// <inheritdoc/>
    public override string Description => $"add node '{child.Name}' to the children of '{parent.Name}'";

    internal override Task PrepareAsync(GraphChange change)
    {
        change.Keep(parent);
        change.Keep(child);
        return Task.CompletedTask;
    }

    internal override void Apply(GraphDraft draft)
    {
        if (!parent.Driver.HasVariableChildren)
        {
            throw new BlockException(BlockErrorKind.NotSupported, $"The node {parent.Name} does not support adding a child");
        }

        if (draft.ParentsOf(child).Length > 0)
        {
            throw new BlockException(BlockErrorKind.Busy, $"The node {child.Name} already has a parent");
        }

        int earlier = draft.Attached.Count(e => ReferenceEquals(e.Parent, parent));
        (string name, ChildRole role) = parent.Instance.DescribeNewChild(child, earlier);
        draft.Attach(parent, child, name, role);
    }
}
