using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;

namespace BlockGraph.BlockCore.Transactions;

/// <summary>The refusal of a link that somebody relies on.</summary>
internal static class FrozenLink
{
    /// <summary>Refuses to change <paramref name="edge"/>, which leads to <paramref name="node"/>, where it is frozen.</summary>
    public static void ThrowIfFrozen(GraphDraft draft, BlockChild edge, BlockNode node)
    {
        if (draft.IsFrozen(edge))
        {
            throw Failure(edge, node);
        }
    }

    /// <summary>What a change of <paramref name="edge"/> fails with.</summary>
    public static BlockException Failure(BlockChild edge, BlockNode node)
    {
        string from = edge.Parent.AsNode is { } parent ? $" from '{parent.Name}'" : "";
        return new BlockException(BlockErrorKind.NotPermitted, $"Cannot change '{edge.Name}' link{from} to '{node.Name}'") { Hint = "The link is frozen." };
    }
}
