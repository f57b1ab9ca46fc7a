using BlockGraph.BlockCore.Graph;

namespace BlockGraph.BlockCore.Transactions;

/// <summary>
/// A node, and everything below it, is taken back into hand: users get their permissions back, locks are taken, drivers read anew what may have
/// changed. Where that fails, all of it is inactive again.
/// </summary>
internal sealed class ActivateEdit(BlockNode top) : GraphEdit
{
    // Parents first.
    private List<BlockNode> _nodes = [];

    /// <inheritdoc/>
    public override string Description => $"make node '{top.Name}' active";

    internal override Task PrepareAsync(GraphChange change)
    {
        change.Keep(top);
        return Task.CompletedTask;
    }

    internal override void Apply(GraphDraft draft)
    {
        _nodes = [.. TopologicalOrder.Below([top], draft).Where(node => draft.AccessOf(node).IsInactive)];
        foreach (BlockNode node in _nodes)
        {
            draft.WantQuiet(node);
            draft.SetAccess(node, draft.AccessOf(node) with { IsInactive = false });
            foreach (BlockChild edge in draft.ParentsOf(node))
            {
                if (edge.Parent is IRootParent user)
                {
                    draft.Request(edge, user.PermissionsOf(edge));
                }
            }
        }
    }

    // Another change may take one away while the drivers read.
    internal override void OnCommitted(GraphChange change) => _nodes.ForEach(node => change.TryKeep(node));

    // From below: an image is read through children that are active already.
    internal override async Task FinishAsync(GraphChange change)
    {
        for (int i = _nodes.Count - 1; i >= 0; i--)
        {
            try
            {
                change.Graph.Step("activate", _nodes[i].Driver.Name);
                await DriverWork.RunAsync(_nodes[i], static instance => instance.ActivateAsync());
                GraphRefresh.Above([_nodes[i]]);
            }
            catch (Exception)
            {
                GoBack(change.Graph);
                throw;
            }
        }
    }

    // Giving up permissions is never refused. What the drivers have read meanwhile they will read again.
    private void GoBack(NodeGraph graph)
    {
        GraphDraft draft = new(graph);
        foreach (BlockNode node in _nodes)
        {
            draft.SetAccess(node, draft.AccessOf(node) with { IsInactive = true });
            foreach (BlockChild edge in draft.ParentsOf(node))
            {
                if (edge.Parent is IRootParent)
                {
                    draft.Request(edge, Permissions.PermissionSet.Unused);
                }
            }
        }

        GraphChange.CommitHeld(draft);
    }
}
