using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Permissions;

namespace BlockGraph.BlockCore.Transactions;

/// <summary>
/// A node, and what is below it and used by nobody else, is given out of hand: drivers write down what is only in memory, users lose their
/// permissions, locks are let go. Another process may then have the image.
/// </summary>
internal sealed class DeactivateEdit(BlockNode top) : GraphEdit
{
    private readonly List<BlockNode> _told = [];

    /// <inheritdoc/>
    public override string Description => $"make node '{top.Name}' inactive";

    internal override Task PrepareAsync(GraphChange change)
    {
        change.Keep(top);
        return Task.CompletedTask;
    }

    internal override void Apply(GraphDraft draft)
    {
        foreach (BlockNode node in NodesToChange(draft))
        {
            foreach (BlockChild edge in draft.ParentsOf(node))
            {
                Release(draft, node, edge);
            }

            draft.WantQuiet(node);
            draft.SetAccess(node, draft.AccessOf(node) with { IsInactive = true });
        }
    }

    // From above: what an overlay writes down may go through its children, which must still be active.
    internal override async Task<bool> PrepareQuietAsync(GraphChange change)
    {
        bool hasWaited = false;
        foreach (BlockNode node in NodesToChange(new GraphDraft(change.Graph)))
        {
            if (_told.Contains(node))
            {
                continue;
            }

            // One that another change has taken away meanwhile the next draft leaves out.
            hasWaited = true;
            change.Graph.Step("deactivate", node.Driver.Name);
            if (change.TryKeep(node))
            {
                await DriverWork.RunAsync(node, static instance => instance.DeactivateAsync());
                _told.Add(node);
            }
        }

        return hasWaited;
    }

    internal override async Task UndoAsync(GraphChange change)
    {
        for (int i = _told.Count - 1; i >= 0; i--)
        {
            try
            {
                await DriverWork.RunAsync(_told[i], static instance => instance.ActivateAsync());
            }
            catch (Exception error)
            {
                change.Graph.Events.Publish(new Events.BlockWarning($"Node '{_told[i].Name}' stays active, and could not be read again: {error.Message}"));
            }
        }
    }

    // Parents first; a child that an active node uses as well stays active.
    private List<BlockNode> NodesToChange(GraphDraft draft)
    {
        List<BlockNode> nodes = [];
        HashSet<BlockNode> inactive = [];
        foreach (BlockNode node in TopologicalOrder.Below([top], draft))
        {
            if (draft.AccessOf(node).IsInactive)
            {
                inactive.Add(node);
                continue;
            }

            bool isFree = ReferenceEquals(node, top);
            if (!isFree)
            {
                isFree = true;
                foreach (BlockChild edge in draft.ParentsOf(node))
                {
                    isFree &= edge.Parent.AsNode is { } parent ? inactive.Contains(parent) : edge.Parent is IRootParent user && user.RefusalToInactivate() is null;
                }
            }

            if (isFree)
            {
                inactive.Add(node);
                nodes.Add(node);
            }
        }

        return nodes;
    }

    private void Release(GraphDraft draft, BlockNode node, BlockChild edge)
    {
        if (edge.Parent.AsNode is { } parent)
        {
            if (ReferenceEquals(node, top) && !draft.AccessOf(parent).IsInactive)
            {
                throw new BlockException(BlockErrorKind.Busy, $"Node '{node.Name}' has active parent node '{parent.Name}'");
            }
        }
        else if (edge.Parent is IRootParent user)
        {
            if (user.RefusalToInactivate() is { } refusal)
            {
                throw new BlockException(BlockErrorKind.NotPermitted, $"Node '{node.Name}' cannot be made inactive: {refusal}");
            }

            draft.Request(edge, PermissionSet.Unused);
        }
    }
}
