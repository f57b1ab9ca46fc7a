using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Transactions;

namespace BlockGraph.BlockCore.Backend;

/// <summary>One more context submits to a backend directly, and the nodes below are shared from then on; or one less does.</summary>
internal sealed class SubmitterEdit(BlockBackend backend, AioContext context, bool isRemoved) : GraphEdit
{
    /// <inheritdoc/>
    public override string Description => $"let context '{context.Name}' {(isRemoved ? "no longer " : "")}submit to {backend.Description}";

    internal override void Apply(GraphDraft draft)
    {
        draft.WantQuiet(backend);
        if (!isRemoved && backend.Root is { } root)
        {
            draft.WantShared(root);
        }
    }

    internal override void OnCommitted(GraphChange change)
    {
        if (isRemoved)
        {
            backend.RemoveLane(context);
        }
        else
        {
            backend.AddLane(context);
        }
    }
}
