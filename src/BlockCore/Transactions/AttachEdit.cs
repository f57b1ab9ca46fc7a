using BlockGraph.BlockCore.Graph;

namespace BlockGraph.BlockCore.Transactions;

/// <summary>A new edge from a node.</summary>
internal sealed class AttachEdit(IChildParent parent, BlockNode child, string name, ChildRole role) : GraphEdit
{
    /// <summary>The edge, once the change is committed.</summary>
    public BlockChild? Edge { get; private set; }

    /// <summary>True for an edge that gets no permissions until another change settles it.</summary>
    public bool IsProvisional { get; init; }

    /// <inheritdoc/>
    public override string Description => $"attach node '{child.Name}' to {parent.Description} as '{name}'";

    internal override Task PrepareAsync(GraphChange change)
    {
        change.Keep(child);
        return Task.CompletedTask;
    }

    internal override void Apply(GraphDraft draft)
    {
        Edge = draft.Attach(parent, child, name, role);
        Edge.IsProvisional = IsProvisional;
    }
}
