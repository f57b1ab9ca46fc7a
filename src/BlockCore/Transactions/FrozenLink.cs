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

    public static BlockException Failure(BlockChild edge, BlockNode node) => edge.Parent.AsNode is { } parent
        ? new BlockException(BlockErrorKind.NotPermitted, $"Cannot change '{edge.Name}' link from '{parent.Name}' to '{node.Name}'")
        : new BlockException(BlockErrorKind.NotPermitted, $"Cannot change '{edge.Name}' link to '{node.Name}'");
}
