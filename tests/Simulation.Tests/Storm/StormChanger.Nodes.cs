using BlockGraph.BlockCore.Drain;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.TestKit;

namespace BlockGraph.Simulation.Tests.Storm;

/// <content>Nodes come, go, move, are connected, and get other options.</content>
internal sealed partial class StormChanger
{
    private async Task<StormOutcome> MoveAsync()
    {
        StormDisk disk = AnyDisk();
        AioContext context = AnyContext();
        if (_chance.OneIn(3))
        {
            await disk.Backend.MoveAsync(context);
            return StormOutcome.Done;
        }

        return AnyNode(disk) is { } node ? await ApplyAsync(GraphEdit.Move(node, context, isForced: true)) : StormOutcome.Refused;
    }

    private AioContext AnyContext() => world.Contexts[_chance.Next(world.Contexts.Count)];

    // What a child must hold is copied while nobody can change it; once storage has failed, children may differ.
    private async Task<StormOutcome> AddChildAsync()
    {
        if (AnyNode(n => n.Driver.Name == "quorum") is not { } quorum || quorum.Children.Count > 4)
        {
            return StormOutcome.Refused;
        }

        StormDisk disk = DiskOf(quorum);

        string name = NewName("q");
        world.Memory.Storage(name, (int)quorum.LengthBytes);
        disk.Storages.Add(name);
        BlockNode child = await world.Graph.AddNodeAsync(GraphFixture.Options($"driver=memory,filename={name},node-name={name},latency-ns-max={(_chance.OneIn(2) ? 0 : 100_000)}"));
        _nodesToRemove.Add(name);
        await using (await DrainScope.BeginAsync(quorum))
        {
            BlockNode source = StormReach.Below(quorum.Children[0].Node).Last();
            if (disk.HasFaults || quorum.Children.Count == 0 || source.Options.GetText("filename") is not { } file)
            {
                return StormOutcome.Refused;
            }

            world.Memory.Storage(file).Bytes.CopyTo(world.Memory.Storage(name).Bytes, 0);
            return await ApplyAsync(GraphEdit.AddChild(quorum, child));
        }
    }

    private async Task<StormOutcome> RemoveChildAsync()
    {
        if (AnyNode(n => n.Driver.Name == "quorum") is not { } quorum)
        {
            return StormOutcome.Refused;
        }

        return await ApplyAsync(GraphEdit.RemoveChild(quorum, quorum.Children[_chance.Next(quorum.Children.Count)].Name));
    }

    // Two components become one for a while.
    private async Task<StormOutcome> AttachAsync()
    {
        StormDisk disk = AnyDisk();
        if (AnyNode(disk) is not { } node || world.Graph.FindNode("holder") is not { } holder)
        {
            return StormOutcome.Refused;
        }

        string name = NewName("a");
        await ApplyAsync(GraphEdit.Attach(holder, node, name, ChildRole.None));
        await PauseAsync(300_000);
        await RestoreAsync("a child cannot be detached again", disk, () => holder.FindChild(name) is { } edge ? world.Graph.ApplyAsync(GraphEdit.Detach(edge)) : Task.CompletedTask);
        return StormOutcome.Done;
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
        string options = under is null || _chance.OneIn(2) ? $"driver=memory,filename={name},node-name={name}" : $"driver=witness,node-name={name},file={under.Name}";
        FailAnyStep();
        await world.Graph.AddNodeAsync(GraphFixture.Options(options));
        _nodesToRemove.Add(name);
        await PauseAsync(100_000);
        await world.Graph.RemoveNodeAsync(name);
        return StormOutcome.Done;
    }

    private void FailAnyStep()
    {
        if (_chance.OneIn(4))
        {
            world.Faults.FailStep(1 + _chance.Next(8));
        }
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
        string changes = _chance.Next(5) switch
        {
            0 => "read-only=on",
            1 => "detect-zeroes=on",
            2 => "detect-zeroes=off",
            3 when node.Driver.Name == "cow" => $"lazy-table={(_chance.OneIn(2) ? "on" : "off")}",
            _ => "cache.no-flush=off",
        };
        return GraphEdit.Reopen(node, GraphFixture.Options(changes));
    }

    private async Task<StormOutcome> ChangeSeveralAsync()
    {
        StormDisk disk = AnyDisk();
        if (AnyNode(disk) is not { } one || AnyNode(disk) is not { } two || AnyNode(AnyDisk()) is not { } three)
        {
            return StormOutcome.Refused;
        }

        List<GraphEdit> edits = [GraphEdit.Append(NewFilter(), one), Reopen(two)];
        if (_chance.OneIn(2))
        {
            edits.Add(GraphEdit.Move(three, AnyContext(), isForced: true));
        }

        return await ApplyAsync([.. edits]);
    }

    private async Task<StormOutcome> GoInactiveAsync()
    {
        StormDisk disk = AnyDisk();
        if ((_chance.OneIn(3) ? AnyNode(disk) : disk.Backend.Root) is not { } node)
        {
            return StormOutcome.Refused;
        }

        StormOutcome outcome = await ApplyAsync(GraphEdit.Deactivate(node));
        await PauseAsync(200_000);
        if (node.ReferenceCount > 0)
        {
            await RestoreAsync("it cannot be activated again", disk, async () =>
            {
                if (node.IsInactive && node.ReferenceCount > 0)
                {
                    await world.Graph.ApplyAsync(GraphEdit.Activate(node));
                }
            });
        }

        return outcome;
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
            1 => GraphEdit.Append(GraphFixture.Options($"driver=witness,node-name={NewName("p")}"), one),
            _ => GraphEdit.Reopen(one, GraphFixture.Options("read-only=on")),
        });
        return plan.IsPossible ? StormOutcome.Done : StormOutcome.Refused;
    }
}
