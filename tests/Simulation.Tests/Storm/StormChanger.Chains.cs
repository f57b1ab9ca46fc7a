using BlockGraph.BlockCore.Drain;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.TestKit;

namespace BlockGraph.Simulation.Tests.Storm;

/// <content>
/// Chains of overlays. An overlay on top gets the writes from then on, and stays. One put in below another overlay stays empty, since nobody writes
/// to it, and its name begins with <c>e</c>: it can be taken out again without anybody noticing.
/// </content>
internal sealed partial class StormChanger
{
    private const int DepthMax = 16;

    private async Task<StormOutcome> AppendOverlayAsync()
    {
        StormDisk disk = AnyDisk();
        await disk.Medium.EnterAsync();
        try
        {
            if (disk.Nodes.Count is 0 or > DepthMax)
            {
                return StormOutcome.Refused;
            }

            string name = NewName("o");
            BlockNode overlay = await world.Graph.AddNodeAsync(GraphFixture.Options(StormBuilder.Overlay(world, disk, name, 512 << _chance.Next(3))));
            _nodesToRemove.Add(name);
            await ApplyAsync(GraphEdit.Overlay(overlay, disk.Anchor));
            _nodesToRemove.Remove(name);
            disk.Anchor = overlay;
            return StormOutcome.Done;
        }
        finally
        {
            disk.Medium.Exit();
        }
    }

    private async Task<StormOutcome> InsertOverlayAsync()
    {
        if (AnyNode(n => n.CowChild is not null) is not { CowChild: { } link } overlay || DiskOf(overlay) is not { } disk || disk.Nodes.Count > DepthMax)
        {
            return StormOutcome.Refused;
        }

        string name = NewName("e");
        string options = StormBuilder.Overlay(world, disk, name, 512 << _chance.Next(3));
        BlockNode empty = await world.Graph.AddNodeAsync(GraphFixture.Options($"{options},backing={link.Node.Name}"));
        _nodesToRemove.Add(name);
        return await ApplyAsync(GraphEdit.SetBacking(overlay, empty));
    }

    private async Task<StormOutcome> DropIntermediateAsync()
    {
        if (AnyNode(n => n.Name[0] == 'e' && n.CowChild is not null) is not { CowChild: { } link } empty)
        {
            return StormOutcome.Refused;
        }

        return await ApplyAsync(GraphEdit.DropIntermediate(empty, link.Node, "below"));
    }

    // The same bytes by another way: over a filter, or straight again.
    private async Task<StormOutcome> SetBackingAsync()
    {
        if (AnyNode(n => n.CowChild is not null) is not { CowChild: { } link } overlay)
        {
            return StormOutcome.Refused;
        }

        BlockNode backing = link.Node.FilteredChild is { } below && _chance.OneIn(2) ? below.Node : await AddFilterOverAsync(link.Node);
        return await ApplyAsync(_chance.OneIn(2)
            ? GraphEdit.SetBacking(overlay, backing)
            : GraphEdit.Reopen(overlay, GraphFixture.Options($"backing={backing.Name}")));
    }

    // Nobody sees it: everything above is drained meanwhile.
    private async Task<StormOutcome> SetBackingToNoneAsync()
    {
        if (AnyNode(n => n.CowChild?.Node is { IsMonitorOwned: true } below && below.Name.StartsWith("base", StringComparison.Ordinal)) is not { CowChild: { } link } overlay)
        {
            return StormOutcome.Refused;
        }

        BlockNode backing = link.Node;
        StormDisk disk = DiskOf(overlay);
        await using (await DrainScope.BeginAsync(overlay))
        {
            if (!ReferenceEquals(overlay.CowChild?.Node, backing))
            {
                return StormOutcome.Refused;
            }

            await ApplyAsync(GraphEdit.SetBacking(overlay, null));
            await RestoreAsync("the backing node cannot be set again", disk, () => world.Graph.ApplyAsync(GraphEdit.SetBacking(overlay, backing)));
        }

        return StormOutcome.Done;
    }

    private async Task<StormOutcome> FreezeAsync()
    {
        StormDisk disk = AnyDisk();
        if (disk.Backend.Root is not { } top)
        {
            return StormOutcome.Refused;
        }

        List<BlockNode> below = [];
        for (BlockChild? link = BackingChain.LinkOf(top); link is not null; link = BackingChain.LinkOf(link.Node))
        {
            below.Add(link.Node);
        }

        if (Any(below) is not { } bottom)
        {
            return StormOutcome.Refused;
        }

        await ApplyAsync(GraphEdit.Freeze(top, bottom));
        List<(BlockChild Edge, BlockNode Node)> frozen = [.. BackingChain.Links(top, bottom)!.Select(e => (e, e.Node))];
        await PauseAsync(300_000);
        foreach ((BlockChild edge, BlockNode node) in frozen)
        {
            world.Expect(edge.IsFrozen && ReferenceEquals(edge.Node, node) ? null : $"frozen link '{edge.Name}' of {edge.Parent.Description} has changed");
        }

        await world.Graph.ApplyAsync(GraphEdit.Thaw(top, bottom));
        return StormOutcome.Done;
    }

    private async Task<StormOutcome> ReopenChildAsync()
    {
        if (AnyNode(n => n.FileChild is not null && n.Driver.Name is "raw" or "pass-through" or "witness" or "cow") is not { FileChild: { } link } node)
        {
            return StormOutcome.Refused;
        }

        BlockNode filter = await AddFilterOverAsync(link.Node);
        return await ApplyAsync(GraphEdit.Reopen(node, GraphFixture.Options($"file={filter.Name}")));
    }
}
