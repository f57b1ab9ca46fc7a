using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Permissions;

namespace BlockGraph.BlockCore.Transactions;

/// <summary>A root parent asks for other permissions.</summary>
internal sealed class PermissionEdit : GraphEdit
{
    private readonly BlockChild _edge;
    private readonly PermissionSet _permissions;

    public PermissionEdit(BlockChild edge, PermissionSet permissions)
    {
        if (edge.Parent is not IRootParent)
        {
            throw new ArgumentException($"{edge.Parent.Description} asks for what its own users need", nameof(edge));
        }

        _edge = edge;
        _permissions = permissions;
    }

    /// <inheritdoc/>
    public override string Description => $"let {_edge.Parent.Description} ask for '{_permissions.Required.ToText()}' and share '{_permissions.Shared.ToText()}'";

    internal override void Apply(GraphDraft draft)
    {
        if (Array.IndexOf(draft.ParentsOf(_edge.Node).ToArray(), _edge) < 0)
        {
            throw new BlockException(BlockErrorKind.NoMedium, $"{_edge.Parent.Description} no longer uses node '{_edge.Node.Name}'");
        }

        draft.Request(_edge, _permissions);
    }
}
