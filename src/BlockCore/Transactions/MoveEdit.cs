using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Transactions;

/// <summary>A node, and everything connected with it, gets another home.</summary>
internal sealed class MoveEdit(BlockNode node, AioContext context, bool isForced, IRootParent? initiator = null) : GraphEdit
{
    /// <inheritdoc/>
    public override string Description => $"move node '{node.Name}' and what is connected with it to context '{context.Name}'";

    internal override Task PrepareAsync(GraphChange change)
    {
        change.Keep(node);
        return Task.CompletedTask;
    }

    internal override void Apply(GraphDraft draft)
    {
        if (!isForced && initiator is null)
        {
            foreach (BlockChild edge in draft.ParentsOf(node))
            {
                if (edge.Parent is IRootParent { StaysAtNode: false })
                {
                    throw new BlockException(
                        BlockErrorKind.NotPermitted,
                        $"Node {node.Name} is associated with a BlockBackend and could be in use (use force=true to override this check)");
                }
            }
        }

        draft.MoveComponent(node, context, initiator);
    }
}
