namespace BlockGraph.BlockCore.Graph;

/// <summary>
/// Walks a chain: from a node through filters and backing nodes down to the base.
/// <code>overlay -> filter -> middle -> base      Next(overlay) = middle, FindOverlay(overlay, base) = middle</code>
/// </summary>
public static class BackingChain
{
    /// <summary>The link from <paramref name="node"/> to the next node of its chain: a filter's child, or the backing child; null at the end.</summary>
    public static BlockChild? LinkOf(BlockNode node)
    {
        ArgumentNullException.ThrowIfNull(node);
        return node.FindChild(ChildRole.Filtered | ChildRole.Cow);
    }

    /// <summary><paramref name="node"/>, or the first node below it that is no filter.</summary>
    public static BlockNode SkipFilters(BlockNode node)
    {
        ArgumentNullException.ThrowIfNull(node);
        while (IsFilter(node) && node.FilteredChild is { } below)
        {
            node = below.Node;
        }

        return node;
    }

    /// <summary><paramref name="node"/>, or the first node below it that is no filter of an operation's own.</summary>
    public static BlockNode SkipImplicitFilters(BlockNode node)
    {
        ArgumentNullException.ThrowIfNull(node);
        while (node.IsImplicit && node.FilteredChild is { } below)
        {
            node = below.Node;
        }

        return node;
    }

    /// <summary>The node, filters aside, that supplies what <paramref name="node"/>, filters aside, has not; null where there is none.</summary>
    public static BlockNode? Next(BlockNode node) => SkipFilters(node).CowChild is { } backing ? SkipFilters(backing.Node) : null;

    /// <summary>The last node above <paramref name="below"/> in the chain from <paramref name="top"/> that is no filter; null where <paramref name="below"/> is not in it.</summary>
    public static BlockNode? FindOverlay(BlockNode top, BlockNode below)
    {
        BlockNode target = SkipFilters(below);
        BlockNode? overlay = SkipFilters(top);
        while (overlay is not null && !ReferenceEquals(Next(overlay), target))
        {
            overlay = Next(overlay);
        }

        return overlay;
    }

    /// <summary>The last node of the chain from <paramref name="top"/>, filters aside.</summary>
    public static BlockNode FindBase(BlockNode top)
    {
        BlockNode node = SkipFilters(top);
        while (Next(node) is { } next)
        {
            node = next;
        }

        return node;
    }

    /// <summary>True where <paramref name="node"/> is in the chain from <paramref name="top"/>.</summary>
    public static bool Contains(BlockNode top, BlockNode node)
    {
        ArgumentNullException.ThrowIfNull(top);
        for (BlockNode? at = top; at is not null; at = LinkOf(at)?.Node)
        {
            if (ReferenceEquals(at, node))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The links from <paramref name="top"/> down to <paramref name="bottom"/>, or null where that is not below it in its chain.</summary>
    internal static List<BlockChild>? Links(BlockNode top, BlockNode bottom)
    {
        List<BlockChild> links = [];
        for (BlockNode at = top; !ReferenceEquals(at, bottom);)
        {
            if (LinkOf(at) is not { } link)
            {
                return null;
            }

            links.Add(link);
            at = link.Node;
        }

        return links;
    }

    internal static bool IsFilter(BlockNode node) => node.Driver.Category == DriverModel.DriverCategory.Filter;
}
