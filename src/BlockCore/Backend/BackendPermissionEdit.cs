using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Transactions;

namespace BlockGraph.BlockCore.Backend;

/// <summary>A backend asks for other permissions, of the medium that it has and of those to come, or for the time of a truncation.</summary>
/// <param name="backend">Whose.</param>
/// <param name="permissions">What it asks for from now on; null: what it did.</param>
/// <param name="resizeGrantChange">How many truncations begin, or, below zero, end.</param>
internal sealed class BackendPermissionEdit(BlockBackend backend, PermissionSet? permissions, int resizeGrantChange) : GraphEdit
{
    /// <inheritdoc/>
    public override string Description => permissions is { } wanted
        ? $"let {backend.Description} ask for '{wanted.Required.ToText()}' and share '{wanted.Shared.ToText()}'"
        : $"let {backend.Description} {(resizeGrantChange > 0 ? "resize" : "no longer resize")}";

    /// <summary>What is asked of the root node while <paramref name="resizeGrantCount"/> truncations are under way; reads that copy write what is there already.</summary>
    public static PermissionSet InEffect(PermissionSet permissions, int resizeGrantCount, bool copiesOnRead) => permissions with
    {
        Required = permissions.Required
            | (resizeGrantCount == 0 ? BlockPermissions.None : BlockPermissions.Resize)
            | (copiesOnRead ? BlockPermissions.WriteUnchanged : BlockPermissions.None),
    };

    internal override void Apply(GraphDraft draft)
    {
        if (backend.RootEdge is { } edge && !draft.AccessOf(draft.NodeOf(edge)).IsInactive)
        {
            draft.Request(edge, InEffect(permissions ?? backend.Permissions, backend.ResizeGrantCount + resizeGrantChange, backend.CopiesOnRead));
        }
    }

    // In the moment of the commit: whoever computes permissions next starts from these.
    internal override void OnCommitted(GraphChange change) =>
        backend.SetPermissions(permissions ?? backend.Permissions, backend.ResizeGrantCount + resizeGrantChange);
}
