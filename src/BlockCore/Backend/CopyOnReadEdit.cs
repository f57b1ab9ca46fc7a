using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Transactions;

namespace BlockGraph.BlockCore.Backend;

/// <summary>A backend wants what is read from its root node copied into it from now on, or no longer.</summary>
internal sealed class CopyOnReadEdit(BlockBackend backend, bool isOn) : GraphEdit
{
    /// <inheritdoc/>
    public override string Description => $"let {backend.Description} {(isOn ? "copy on read" : "no longer copy on read")}";

    /// <summary>Refuses a node that cannot be written.</summary>
    /// <exception cref="BlockException">It is read-only.</exception>
    public static void ThrowIfReadOnly(GraphDraft draft, BlockNode node)
    {
        if (draft.AccessOf(node).IsReadOnly)
        {
            throw new BlockException("Can't use copy-on-read on read-only device");
        }
    }

    internal override void Apply(GraphDraft draft)
    {
        if (backend.RootEdge is not { } edge)
        {
            return;
        }

        BlockNode node = draft.NodeOf(edge);
        if (isOn)
        {
            ThrowIfReadOnly(draft, node);
        }

        // A barrier: reads that are under way would still copy, or not yet.
        draft.WantQuiet(node);
        if (!draft.AccessOf(node).IsInactive)
        {
            draft.Request(edge, BackendPermissionEdit.InEffect(backend.Permissions, backend.ResizeGrantCount, isOn));
        }
    }

    internal override void OnCommitted(GraphChange change)
    {
        backend.SetCopiesOnRead(isOn);
        change.Graph.BumpEpoch();
    }
}
