using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Drain;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.TestKit;

namespace BlockGraph.Simulation.Tests.Storm;

/// <content>The changes, by kind.</content>
internal sealed partial class StormChanger
{
    // Latencies are a tenth of a millisecond, and what a throttle holds back it lets go at once.
    private const long DrainNsMax = 30_000_000;

    private static readonly (string Kind, Func<StormChanger, Task<StormOutcome>> Change)[] s_changes =
    [
        ("append filter", c => c.AppendFilterAsync()),
        ("drop filter", c => c.DropFilterAsync()),
        ("replace filter", c => c.ReplaceFilterAsync()),
        ("move", c => c.MoveAsync()),
        ("drain node", c => c.DrainAsync(node => DrainScope.BeginAsync(node))),
        ("drain subtree", c => c.DrainAsync(node => DrainScope.BeginAsync(node, DrainReach.Subtree))),
        ("drain all", c => c.DrainAsync(_ => c.AllAsync())),
        ("use by another", c => c.UseAsync()),
        ("set permissions", c => c.SetPermissionsAsync()),
        ("change medium", c => c.ChangeMediumAsync()),
        ("deactivate and activate", c => c.GoInactiveAsync()),
        ("freeze and thaw", c => c.FreezeAsync()),
        ("reopen", c => c.ReopenAsync()),
        ("reopen two", c => c.ReopenTwoAsync()),
        ("add and remove node", c => c.AddAndRemoveNodeAsync()),
        ("add submitter", c => c.AddSubmitterAsync()),
        ("plan", c => c.PlanAsync()),
        ("fail storage", c => c.FailStorageAsync()),
        ("switch filter", c => c.SwitchFilterAsync()),
    ];

    private async Task<StormOutcome> AppendFilterAsync()
    {
        if (AnyNode(AnyDisk()) is not { } node)
        {
            return StormOutcome.Refused;
        }

        string options = _chance.Next(3) switch
        {
            0 => "driver=pass-through",
            1 => "driver=switch-filter",
            _ => $"driver=throttle,limits.iops-total={(_chance.OneIn(2) ? 80 : 50_000)}",
        };
        return await ApplyAsync(GraphEdit.Append(GraphFixture.Options($"{options},discard=unmap,node-name={NewName("f")}"), node));
    }

    private async Task<StormOutcome> DropFilterAsync()
    {
        BlockNode? filter = AnyDisk().Chain.FirstOrDefault(n => n.Driver.Category == DriverCategory.Filter);
        return filter is null ? StormOutcome.Refused : await ApplyAsync(GraphEdit.DropFilter(filter));
    }

    // A second filter over the same child, then one in the other's place; the graph itself keeps it for a while.
    private async Task<StormOutcome> ReplaceFilterAsync()
    {
        if (AnyDisk().Chain.FirstOrDefault(n => n.Driver.Category == DriverCategory.Filter) is not { FilteredChild: { } below } filter)
        {
            return StormOutcome.Refused;
        }

        string name = NewName("s");
        BlockNode sibling = await world.Graph.AddNodeAsync(GraphFixture.Options($"driver=pass-through,discard=unmap,node-name={name},file={below.Node.Name}"));
        try
        {
            return await ApplyAsync(GraphEdit.Replace(filter, sibling));
        }
        finally
        {
            _nodesToRemove.Add(name);
        }
    }

    private async Task<StormOutcome> MoveAsync()
    {
        StormDisk disk = AnyDisk();
        BlockCore.Scheduling.AioContext context = world.Contexts[_chance.Next(world.Contexts.Count)];
        if (disk.Backend.Root is not { } root)
        {
            return StormOutcome.Refused;
        }

        if (_chance.OneIn(2))
        {
            await disk.Backend.MoveAsync(context);
            return StormOutcome.Done;
        }

        return await ApplyAsync(GraphEdit.Move(root, context, isForced: true));
    }

    private ValueTask<DrainScope> AllAsync() => world.Graph.DrainAllAsync();

    private async Task<StormOutcome> DrainAsync(Func<BlockNode, ValueTask<DrainScope>> begin)
    {
        if (AnyNode(AnyDisk()) is not { } node)
        {
            return StormOutcome.Refused;
        }

        long startNs = world.Graph.MainContext.NowNs;
        await using (await begin(node))
        {
            long tookNs = world.Graph.MainContext.NowNs - startNs;
            world.Expect(tookNs <= DrainNsMax || !world.HasVirtualTime ? null : $"a drain of node '{node.Name}' took {tookNs / 1_000_000} ms");
            BlockBackend[] quiet = [.. world.Graph.Backends.Where(b => b.QuiesceCount > 0 && IsAbove(b, node))];
            long[] before = [.. quiet.Select(Completed)];
            await PauseAsync(300_000);
            for (int i = 0; i < quiet.Length; i++)
            {
                // It may have been taken off the node meanwhile; then it is nobody's business.
                if (IsAbove(quiet[i], node))
                {
                    world.Expect(quiet[i].InFlightCount == 0 ? null : $"{quiet[i].Description} has {quiet[i].InFlightCount} requests in flight over drained node '{node.Name}'");
                    world.Expect(Completed(quiet[i]) == before[i] ? null : $"{quiet[i].Description} has completed requests over drained node '{node.Name}'");
                }
            }
        }

        return StormOutcome.Done;
    }

    private static long Completed(BlockBackend backend) => Enum.GetValues<RequestKind>().Sum(kind => backend.GetCounters(kind).OperationCount);

    private static bool IsAbove(BlockBackend backend, BlockNode node)
    {
        HashSet<BlockNode> seen = [node];
        Stack<BlockNode> open = new(seen);
        while (open.TryPop(out BlockNode? next))
        {
            foreach (BlockChild edge in next.Parents)
            {
                if (ReferenceEquals(edge.Parent, backend))
                {
                    return true;
                }

                if (edge.Parent.AsNode is { } parent && seen.Add(parent))
                {
                    open.Push(parent);
                }
            }
        }

        return false;
    }

    private async Task<StormOutcome> UseAsync()
    {
        StormDisk disk = AnyDisk();
        if (AnyNode(disk) is not { } node)
        {
            return StormOutcome.Refused;
        }

        BlockBackend other = await world.Graph.AttachBackendAsync(node, new BackendOptions { ReadOnly = true, AllowsContextChange = _chance.OneIn(2) });
        Task[] reads = [.. Enumerable.Range(0, 3).Select(_ => ReadAsync(other, disk))];
        if (_chance.OneIn(2))
        {
            await Task.WhenAll(reads);
        }

        // Otherwise it is closed while they fly, and waits for them.
        try
        {
            await other.DisposeAsync();
        }
        catch (BlockException) when (disk.HasFaults)
        {
        }

        await Task.WhenAll(reads);
        return StormOutcome.Done;
    }

    private async Task ReadAsync(BlockBackend other, StormDisk disk)
    {
        try
        {
            await other.ReadAsync(_chance.Next(1000), new byte[1 + _chance.Next(4000)]);
        }
        catch (BlockException error)
        {
            // It was held back until its backend was gone, or storage failed.
            world.Expect(error.Kind == BlockErrorKind.NoMedium || disk.HasFaults ? null : $"another user's read failed: {error.Message}");
        }
    }

    private async Task<StormOutcome> SetPermissionsAsync()
    {
        BlockBackend backend = AnyDisk().Backend;
        PermissionSet own = backend.Permissions;
        if ((own.Required & BlockPermissions.Write) == 0)
        {
            // Another changer has taken it for a while.
            return StormOutcome.Refused;
        }

        await backend.SetPermissionsAsync(new PermissionSet(BlockPermissions.ConsistentRead, BlockPermissions.All));
        await PauseAsync(200_000);
        await backend.SetPermissionsAsync(own);
        return StormOutcome.Done;
    }

    private async Task<StormOutcome> ChangeMediumAsync()
    {
        StormDisk disk = AnyDisk();
        if (!disk.CanChangeMedium || disk.Backend.Root is not { } root)
        {
            return StormOutcome.Refused;
        }

        // Filters come and go; what the image is stands on the node that the graph keeps.
        await disk.Backend.RemoveAsync();
        await PauseAsync(100_000);
        for (int attempt = 0; disk.Backend.Root is null; attempt++)
        {
            try
            {
                await disk.Backend.InsertAsync(disk.Anchor);
            }
            catch (BlockException) when (attempt < 50)
            {
                await PauseAsync(200_000);
            }
        }

        return StormOutcome.Done;
    }

    private async Task<StormOutcome> GoInactiveAsync()
    {
        if (AnyDisk().Backend.Root is not { } root)
        {
            return StormOutcome.Refused;
        }

        StormOutcome outcome = await ApplyAsync(GraphEdit.Deactivate(root));
        await PauseAsync(200_000);
        for (int attempt = 0; root.IsInactive; attempt++)
        {
            try
            {
                await world.Graph.ApplyAsync(GraphEdit.Activate(root));
            }
            catch (BlockException) when (attempt < 50)
            {
                await PauseAsync(200_000);
            }
        }

        return outcome;
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

        if (below.Count == 0)
        {
            return StormOutcome.Refused;
        }

        BlockNode bottom = below[_chance.Next(below.Count)];
        await world.Graph.ApplyAsync(GraphEdit.Freeze(top, bottom));
        List<(BlockChild Edge, BlockNode Node)> frozen = [.. BackingChain.Links(top, bottom)!.Select(e => (e, e.Node))];
        await PauseAsync(300_000);
        foreach ((BlockChild edge, BlockNode node) in frozen)
        {
            world.Expect(edge.IsFrozen && ReferenceEquals(edge.Node, node) ? null : $"frozen link '{edge.Name}' of {edge.Parent.Description} has changed");
        }

        await world.Graph.ApplyAsync(GraphEdit.Thaw(top, bottom));
        return StormOutcome.Done;
    }

    private async Task<StormOutcome> ReopenAsync() => AnyNode(AnyDisk()) is { } node ? await ApplyAsync(Reopen(node)) : StormOutcome.Refused;

    private async Task<StormOutcome> ReopenTwoAsync()
    {
        BlockNode? one = AnyNode(AnyDisk());
        BlockNode? two = AnyNode(AnyDisk());
        return one is null || two is null ? StormOutcome.Refused : await ApplyAsync(Reopen(one), Reopen(two));
    }

    private GraphEdit Reopen(BlockNode node)
    {
        string changes = _chance.Next(4) switch
        {
            0 => "read-only=on",
            1 => "detect-zeroes=on",
            2 => "detect-zeroes=off",
            _ => "cache.no-flush=off",
        };
        return GraphEdit.Reopen(node, GraphFixture.Options(changes));
    }

    private async Task<StormOutcome> AddAndRemoveNodeAsync()
    {
        foreach (string old in _nodesToRemove.ToArray())
        {
            if (world.Graph.FindNode(old) is not { IsMonitorOwned: true })
            {
                _nodesToRemove.Remove(old);
                continue;
            }

            try
            {
                await world.Graph.RemoveNodeAsync(old);
                _nodesToRemove.Remove(old);
            }
            catch (BlockException)
            {
                // In use.
            }
        }

        string name = NewName("n");
        BlockNode? under = AnyNode(AnyDisk());
        string options = under is null || _chance.OneIn(2) ? $"driver=memory,filename={name},node-name={name}" : $"driver=pass-through,node-name={name},file={under.Name}";
        await world.Graph.AddNodeAsync(GraphFixture.Options(options));
        await PauseAsync(100_000);
        _nodesToRemove.Add(name);
        await world.Graph.RemoveNodeAsync(name);
        return StormOutcome.Done;
    }

    private async Task<StormOutcome> AddSubmitterAsync()
    {
        await AnyDisk().Backend.AddSubmitterAsync(world.Contexts[_chance.Next(world.Contexts.Count)]);
        return StormOutcome.Done;
    }

    private async Task<StormOutcome> PlanAsync()
    {
        BlockNode? one = AnyNode(AnyDisk());
        BlockNode? two = AnyNode(AnyDisk());
        if (one is null || two is null)
        {
            return StormOutcome.Refused;
        }

        GraphPlan plan = await world.Graph.PlanAsync(_chance.Next(3) switch
        {
            0 => GraphEdit.Replace(one, two),
            1 => GraphEdit.Append(GraphFixture.Options($"driver=pass-through,node-name={NewName("p")}"), one),
            _ => GraphEdit.Reopen(one, GraphFixture.Options("read-only=on")),
        });
        return plan.IsPossible ? StormOutcome.Done : StormOutcome.Refused;
    }

    private async Task<StormOutcome> FailStorageAsync()
    {
        StormDisk disk = AnyDisk();
        if (disk.Backend.Root is null || disk.Chain[^1].FileName is not { } file)
        {
            return StormOutcome.Refused;
        }

        disk.HasFaults = true;
        MemoryStorage storage = world.Memory.Storage(file);
        RequestKind kind = _chance.Next(3) switch { 0 => RequestKind.Read, 1 => RequestKind.Write, _ => RequestKind.Flush };
        storage.FailWith(kind, _chance.OneIn(2) ? BlockErrorKind.InputOutput : BlockErrorKind.NoSpace);
        await PauseAsync(200_000);
        storage.FailWith(kind, null);
        return StormOutcome.Done;
    }

    private Task<StormOutcome> SwitchFilterAsync()
    {
        BlockNode? node = AnyDisk().Chain.FirstOrDefault(n => n.Instance is SwitchFilter);
        if (node?.Instance is not SwitchFilter filter)
        {
            return Task.FromResult(StormOutcome.Refused);
        }

        filter.SwitchTo(!filter.IsBusy);
        return Task.FromResult(StormOutcome.Done);
    }

    // Nodes that the graph keeps until they can be removed.
    private readonly List<string> _nodesToRemove = [];
}
