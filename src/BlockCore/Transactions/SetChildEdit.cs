using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;

namespace BlockGraph.BlockCore.Transactions;

/// <summary>The <c>file</c> or <c>backing</c> child of a node becomes another node, or none.</summary>
internal sealed class SetChildEdit(BlockNode parent, string childName, BlockNode? child) : GraphEdit
{
    private const string Backing = "backing";

    /// <inheritdoc/>
    public override string Description => child is null ? $"take the {childName} child from '{parent.Name}'" : $"make '{child.Name}' the {childName} child of '{parent.Name}'";

    internal override Task PrepareAsync(GraphChange change)
    {
        change.Keep(parent);
        if (child is not null)
        {
            change.Keep(child);
        }

        return Task.CompletedTask;
    }

    internal override void Apply(GraphDraft draft) => Set(draft, parent, childName, child);

    /// <summary>Sets the child; nothing happens where it is so already, a filter of an operation's own in between aside.</summary>
    /// <exception cref="BlockException">The parent has no such child, or the link must stay.</exception>
    internal static void Set(GraphDraft draft, BlockNode parent, string childName, BlockNode? child)
    {
        if (child is not null && draft.IsAtOrBelow(child, parent))
        {
            throw new BlockException($"Making '{child.Name}' a {childName} child of '{parent.Name}' would create a cycle");
        }

        BlockChild? edge = draft.ChildOf(parent, childName);
        BlockNode? old = edge is null ? null : draft.NodeOf(edge);
        if (ReferenceEquals(old, child) || (old is not null && ReferenceEquals(BackingChain.SkipImplicitFilters(old), child)))
        {
            return;
        }

        if (old is { IsImplicit: true })
        {
            throw new BlockException(BlockErrorKind.NotPermitted, $"Cannot replace implicit {childName} child of {parent.Name}");
        }

        Check(draft, parent, childName, edge, old);
        if (edge is not null && child is not null)
        {
            DropInheritance(draft, parent, edge, old!);
            draft.Redirect(edge, child);
        }
        else if (edge is not null)
        {
            DropInheritance(draft, parent, edge, old!);
            draft.Detach(edge);
        }
        else
        {
            draft.Attach(parent, child!, childName, ChildRole.Cow);
        }

        if (child is not null && InheritsDeeply(draft, child, parent))
        {
            draft.SetInheritsFrom(child, parent);
        }
    }

    /// <summary>What <paramref name="child"/> and the nodes below it have inherited from <paramref name="parent"/> ends with their last link to it.</summary>
    internal static void DropInheritance(GraphDraft draft, BlockNode parent, BlockChild edge, BlockNode child)
    {
        bool isLastLink = true;
        foreach (BlockChild other in draft.ChildrenOf(parent))
        {
            isLastLink &= ReferenceEquals(other, edge) || !ReferenceEquals(draft.NodeOf(other), child);
        }

        if (isLastLink && ReferenceEquals(draft.InheritsFrom(child), parent))
        {
            draft.SetInheritsFrom(child, null);
        }
    }

    private static void Check(GraphDraft draft, BlockNode parent, string childName, BlockChild? edge, BlockNode? old)
    {
        bool isFilter = BackingChain.IsFilter(parent);
        if (isFilter && edge is null)
        {
            throw new BlockException($"'{parent.Name}' is a {parent.Driver.Name} filter node that does not support a {childName} child");
        }

        if (edge is not null && draft.IsFrozen(edge))
        {
            throw new BlockException(BlockErrorKind.NotPermitted, $"Cannot change frozen '{childName}' link from '{parent.Name}' to '{old!.Name}'");
        }

        if (childName == Backing && !isFilter && !parent.Driver.SupportsBacking)
        {
            throw new BlockException(BlockErrorKind.NotSupported, $"Driver '{parent.Driver.Name}' of node '{parent.Name}' does not support backing files");
        }

        if (childName != Backing && edge is null)
        {
            throw new BlockException($"Cannot set {childName} child to format node without {childName} child");
        }
    }

    // Its own inheritance leads, over nodes in between that are going, to the parent.
    private static bool InheritsDeeply(GraphDraft draft, BlockNode child, BlockNode parent)
    {
        for (BlockNode? at = draft.InheritsFrom(child); at is not null; at = draft.InheritsFrom(at))
        {
            if (ReferenceEquals(at, parent))
            {
                return true;
            }
        }

        return false;
    }
}
