using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Drain;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.Drivers.Filters.Blkdebug;
using BlockGraph.TestKit;

namespace BlockGraph.Simulation.Tests.Storm;

/// <content>Filters come, go, and are told to do other things; storage fails.</content>
internal sealed partial class StormChanger
{
    private static readonly DebugEvent[] s_events =
        [DebugEvent.Pwritev, DebugEvent.PwritevDone, DebugEvent.PwritevZero, DebugEvent.PwritevRmwHead, DebugEvent.PwritevRmwTail];

    private async Task<StormOutcome> AppendFilterAsync() =>
        AnyNode(AnyDisk()) is { } node ? await ApplyAsync(GraphEdit.Append(NewFilter(), node)) : StormOutcome.Refused;

    private BlockCore.Options.OptionsDictionary NewFilter()
    {
        string options = _chance.Next(5) switch
        {
            0 => "driver=pass-through",
            3 => "driver=copy-on-read",
            1 => "driver=witness",
            2 => "driver=switch-filter",
            _ => $"driver=throttle,{AnyNewThrottle()}",
        };
        return GraphFixture.Options($"{options},discard=unmap,node-name={NewName("f")}");
    }

    // The anchor of a disk is what its user comes back to.
    private bool IsLooseFilter(BlockNode node) => node.FilteredChild is not null && node.Driver.Name != "blkverify" && world.Disks.TrueForAll(d => !ReferenceEquals(d.Anchor, node));

    // One that the graph keeps would stay behind without a child, and another changer may be about to put something over it.
    private async Task<StormOutcome> DropFilterAsync() =>
        AnyNode(n => IsLooseFilter(n) && !n.IsMonitorOwned) is { } filter ? await ApplyAsync(GraphEdit.DropFilter(filter)) : StormOutcome.Refused;

    // A second filter over the same child, then one in the other's place; the graph itself keeps it for a while.
    private async Task<StormOutcome> ReplaceFilterAsync()
    {
        if (AnyNode(IsLooseFilter) is not { FilteredChild: { } below } filter)
        {
            return StormOutcome.Refused;
        }

        BlockNode sibling = await AddFilterOverAsync(below.Node);
        return await ApplyAsync(GraphEdit.Replace(filter, sibling));
    }

    private async Task<BlockNode> AddFilterOverAsync(BlockNode below)
    {
        string name = NewName("s");
        BlockNode filter = await world.Graph.AddNodeAsync(GraphFixture.Options($"driver=pass-through,discard=unmap,node-name={name},file={below.Name}"));
        _nodesToRemove.Add(name);
        return filter;
    }

    private async Task<StormOutcome> SuspendAsync()
    {
        if (AnyNode(n => n.Instance is BlkdebugInstance)?.Instance is not BlkdebugInstance debug)
        {
            return StormOutcome.Refused;
        }

        string tag = NewName("t");
        debug.SetBreakpoint(s_events[_chance.Next(s_events.Length)], tag);
        await PauseAsync(400_000);
        debug.RemoveBreakpoint(tag);
        return StormOutcome.Done;
    }

    private Task<StormOutcome> SwitchFilterAsync()
    {
        if (AnyNode(n => n.Instance is SwitchFilter)?.Instance is not SwitchFilter filter)
        {
            return Task.FromResult(StormOutcome.Refused);
        }

        filter.SwitchTo(!filter.IsBusy);
        return Task.FromResult(StormOutcome.Done);
    }

    private async Task<StormOutcome> SwitchCopyOnReadAsync()
    {
        BlockBackend backend = AnyDisk().Backend;
        FailAnyStep();
        await backend.SetCopyOnReadAsync(!backend.CopiesOnRead);
        return StormOutcome.Done;
    }

    private async Task<StormOutcome> FailStorageAsync()
    {
        StormDisk disk = AnyDisk();
        string name = disk.Storages[_chance.Next(disk.Storages.Count)];
        if (world.Graph.Nodes.FirstOrDefault(n => n.Driver.Category == DriverCategory.Protocol && n.Options.GetText("filename") == name) is not { } node)
        {
            return StormOutcome.Refused;
        }

        world.ExpectFaults(name);
        await WhileQuietAsync(node, () => BeginFailing(node, name));
        await PauseAsync(200_000);
        await WhileQuietAsync(node, () =>
        {
            world.Memory.Storage(name).FailWith(RequestKind.Read, null);
            world.Faulty.Disk(name).Heal();
        });
        return StormOutcome.Done;
    }

    private void BeginFailing(BlockNode node, string name)
    {
        BlockErrorKind error = _chance.OneIn(2) ? BlockErrorKind.InputOutput : BlockErrorKind.NoSpace;
        if (node.Driver.Name == "memory")
        {
            world.Memory.Storage(name).FailWith(_chance.Next(3) switch { 0 => RequestKind.Read, 1 => RequestKind.Write, _ => RequestKind.Flush }, error);
            return;
        }

        FaultyDisk disk = world.Faulty.Disk(name);
        disk.TearsWrites = _chance.OneIn(2);
        disk.DelayNsMax = _chance.OneIn(2) ? 100_000 : 0;
        if (_chance.OneIn(2))
        {
            disk.FailOneIn(2 + _chance.Next(4), error: error);
        }
        else
        {
            disk.FailNth(1 + _chance.Next(6), error: error);
        }
    }

    // Storage belongs to the thread of its node: on real threads it is touched while nobody else does.
    private async Task WhileQuietAsync(BlockNode node, Action action)
    {
        if (world.HasVirtualTime)
        {
            action();
            return;
        }

        await using (await DrainScope.BeginAsync(node))
        {
            action();
        }
    }
}
