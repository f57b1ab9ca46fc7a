using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;

namespace BlockGraph.BlockCore.Transactions;

/// <summary>One node gets another's users.</summary>
internal sealed class ReplaceEdit(BlockNode from, BlockNode to, bool isStrict) : GraphEdit
{
    /// <inheritdoc/>
    public override string Description => $"replace node '{from.Name}' by '{to.Name}'";

    internal override Task PrepareAsync(GraphChange change)
    {
        change.Keep(from);
        change.Keep(to);
        return Task.CompletedTask;
    }

    internal override void Apply(GraphDraft draft) => Replace(draft, from, to, isStrict);

    /// <summary>Redirects every edge to <paramref name="from"/>, but for those that must stay.</summary>
    /// <returns>The edges redirected.</returns>
    /// <exception cref="BlockException">An edge is frozen, or one must stay and <paramref name="isStrict"/> says that none may.</exception>
    internal static IReadOnlyList<BlockChild> Replace(GraphDraft draft, BlockNode from, BlockNode to, bool isStrict)
    {
        List<BlockChild> redirected = [];
        foreach (BlockChild edge in draft.ParentsOf(from).ToArray())
        {
            if (MustStay(draft, edge, to))
            {
                if (isStrict)
                {
                    throw new BlockException(BlockErrorKind.NotPermitted, $"Should not change '{edge.Name}' link to '{from.Name}'");
                }

                continue;
            }

            if (draft.IsFrozen(edge))
            {
                throw new BlockException(BlockErrorKind.NotPermitted, $"Cannot change '{edge.Name}' link to '{from.Name}'") { Hint = "The link is frozen." };
            }

            draft.Redirect(edge, to);
            redirected.Add(edge);
        }

        return redirected;
    }

    // A job's edge stays at its node; so does an edge from the new node's own subtree, which would become a loop.
    private static bool MustStay(GraphDraft draft, BlockChild edge, BlockNode to) =>
        edge.Parent is IRootParent { StaysAtNode: true } || (edge.Parent.AsNode is { } parent && draft.IsAtOrBelow(to, parent));
}
