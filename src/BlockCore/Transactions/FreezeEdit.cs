using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;

namespace BlockGraph.BlockCore.Transactions;

/// <summary>The links of a chain are frozen, all or none, or thawed.</summary>
internal sealed class FreezeEdit(BlockNode top, BlockNode bottom, bool isFrozen) : GraphEdit
{
    /// <inheritdoc/>
    public override string Description => $"{(isFrozen ? "freeze" : "thaw")} the chain from '{top.Name}' to '{bottom.Name}'";

    internal override void Apply(GraphDraft draft)
    {
        List<BlockChild> links = BackingChain.Links(top, bottom)
            ?? throw new BlockException(BlockErrorKind.NotFound, $"Node '{bottom.Name}' is not in the chain of '{top.Name}'");
        foreach (BlockChild link in links)
        {
            if (isFrozen)
            {
                FrozenLink.ThrowIfFrozen(draft, link, link.Node);
                if (link.Node.NeverFreezes)
                {
                    throw new BlockException(BlockErrorKind.NotPermitted, $"Cannot freeze '{link.Name}' link to '{link.Node.Name}'");
                }
            }
            else
            {
                Invariant.Check(draft.IsFrozen(link));
            }

            draft.SetFrozen(link, isFrozen);
        }
    }
}
