using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Transactions;

namespace BlockGraph.BlockCore.Backend;

/// <summary>A node becomes the medium of a backend that has none.</summary>
internal sealed class InsertEdit(BlockBackend backend, BlockNode node) : GraphEdit
{
    /// <inheritdoc/>
    public override string Description => $"insert node '{node.Name}' into {backend.Description}";

    internal override Task PrepareAsync(GraphChange change)
    {
        change.Keep(node);
        return Task.CompletedTask;
    }

    internal override void Apply(GraphDraft draft)
    {
        backend.ThrowIfDeviceTakesNoMedium();
        bool isTaken = backend.RootEdge is { } present && !draft.Detached.Contains(present);
        if (isTaken || draft.Attached.Any(edge => ReferenceEquals(edge.Parent, backend)))
        {
            throw new BlockException(BlockErrorKind.Busy, "There already is a medium in the device");
        }

        if (backend.CopiesOnRead)
        {
            CopyOnReadEdit.ThrowIfReadOnly(draft, node);
        }

        BlockChild edge = draft.Attach(backend, node, "root", ChildRole.Filtered | ChildRole.Primary);
        edge.CopiesOnRead = backend.CopiesOnRead;
        draft.WantReadsQuiet(edge, node);
    }

    internal override void OnCommitted(GraphChange change) => backend.TellMediumChanged(isLoaded: true);
}
