using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Transactions;

namespace BlockGraph.BlockCore.Backend;

/// <summary>One more context submits to a backend directly: the nodes below are shared from then on.</summary>
internal sealed class SubmitterEdit(BlockBackend backend, AioContext context) : GraphEdit
{
    /// <inheritdoc/>
    public override string Description => $"let context '{context.Name}' submit to {backend.Description}";

    internal override void Apply(GraphDraft draft)
    {
        draft.WantQuiet(backend);
        if (backend.Root is { } root)
        {
            draft.WantShared(root);
        }
    }

    internal override void OnCommitted(GraphChange change) => backend.AddLane(context);
}
