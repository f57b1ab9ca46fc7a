using BlockGraph.BlockCore.Drain;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.TestKit;

namespace BlockGraph.Simulation.Tests.Storm;

/// <summary>One who changes the graph at random moments, one change after the other, and looks through all of it after each.</summary>
internal sealed partial class StormChanger(StormWorld world, int number, int seed)
{
    private const int AttemptCountMax = 300;

    private static readonly (string Kind, Func<StormChanger, Task<StormOutcome>> Change)[] s_changes =
    [
        ("append filter", c => c.AppendFilterAsync()),
        ("drop filter", c => c.DropFilterAsync()),
        ("replace filter", c => c.ReplaceFilterAsync()),
        ("append overlay", c => c.AppendOverlayAsync()),
        ("insert overlay", c => c.InsertOverlayAsync()),
        ("drop intermediate", c => c.DropIntermediateAsync()),
        ("set backing", c => c.SetBackingAsync()),
        ("set backing to none", c => c.SetBackingToNoneAsync()),
        ("freeze and thaw", c => c.FreezeAsync()),
        ("add child", c => c.AddChildAsync()),
        ("remove child", c => c.RemoveChildAsync()),
        ("attach and detach", c => c.AttachAsync()),
        ("add and remove node", c => c.AddAndRemoveNodeAsync()),
        ("move", c => c.MoveAsync()),
        ("several at once", c => c.ChangeSeveralAsync()),
        ("plan", c => c.PlanAsync()),
        ("reopen", c => c.ReopenAsync()),
        ("reopen two", c => c.ReopenTwoAsync()),
        ("reopen with another child", c => c.ReopenChildAsync()),
        ("deactivate and activate", c => c.GoInactiveAsync()),
        ("drain node", c => c.DrainAsync(StormReach.Above, node => DrainScope.BeginAsync(node))),
        ("drain subtree", c => c.DrainAsync(StormReach.Subtree, node => DrainScope.BeginAsync(node, DrainReach.Subtree))),
        ("drain all", c => c.DrainAsync(node => [.. node.Graph.EveryNode], node => node.Graph.DrainAllAsync())),
        ("drain nested", c => c.DrainNestedAsync()),
        ("drain from elsewhere", c => c.DrainElsewhereAsync()),
        ("use by another", c => c.UseAsync()),
        ("set permissions", c => c.SetPermissionsAsync()),
        ("change medium", c => c.ChangeMediumAsync()),
        ("close backend", c => c.CloseBackendAsync()),
        ("add submitter", c => c.AddSubmitterAsync()),
        ("remove submitter", c => c.RemoveSubmitterAsync()),
        ("set write cache", c => c.SetWriteCacheAsync()),
        ("register buffer", c => c.RegisterBufferAsync()),
        ("truncate", c => c.TruncateAsync()),
        ("check image", c => c.CheckAsync()),
        ("set throttle limits", c => c.SetLimitsAsync()),
        ("reopen throttle", c => c.ReopenThrottleAsync()),
        ("reopen two throttles", c => c.ReopenTwoThrottlesAsync()),
        ("reopen throttle in a drain", c => c.ReopenDrainedThrottleAsync()),
        ("limit device", c => c.LimitDeviceAsync()),
        ("unlimit device", c => c.UnlimitDeviceAsync()),
        ("suspend and resume", c => c.SuspendAsync()),
        ("switch filter", c => c.SwitchFilterAsync()),
        ("switch copy on read", c => c.SwitchCopyOnReadAsync()),
        ("fail storage", c => c.FailStorageAsync()),
        ("job", c => c.RunJobAsync()),
        ("measure", c => c.MeasureAsync()),
    ];

    private readonly SeededRandom _chance = new(unchecked((ulong)seed));

    // Nodes that the graph keeps until they can be removed.
    private readonly List<string> _nodesToRemove = [];
    private int _nameCount;

    /// <summary>What a changer does, by the names that it is counted under.</summary>
    public static IEnumerable<string> Kinds => s_changes.Select(c => c.Kind).Concat(s_verbs.Select(v => v.Kind));

    public async Task RunAsync(int changeCount)
    {
        for (int i = 0; i < changeCount && !world.HasFinding; i++)
        {
            await world.PauseAsync(world.Graph.MainContext, _chance, 400_000);
            (string kind, Func<StormChanger, Task<StormOutcome>> change) = s_changes[_chance.Next(s_changes.Length)];
            StormOutcome outcome = await TryAsync(() => change(this));
            world.Tally.Add(kind, outcome);
            world.Trace?.Invoke($"{world.Graph.MainContext.NowNs / 1000} us, changer {number}: {kind}: {outcome}: {string.Join(" | ", world.Disks.Select(Describe))}");
            if (StormAudit.Findings(world.Graph).FirstOrDefault() is { } finding)
            {
                world.Expect($"after {kind}: {finding}");
            }
        }
    }

    /// <summary>One change more that is certain to fail at a step, for a storm in which none has.</summary>
    public async Task FailOneAsync()
    {
        world.Faults.FailStep(1);
        world.Tally.Add("plan", await TryAsync(() => PlanAsync()));
        world.Faults.Stop();
    }

    private static string Describe(StormDisk disk) =>
        string.Join(' ', disk.Nodes.Select(n => n.CowChild is { } below ? $"{n.Name}=>{below.Node.Name}" : n.FilteredChild is { } child ? $"{n.Name}->{child.Node.Name}" : n.Name));

    private static async Task<StormOutcome> TryAsync(Func<Task<StormOutcome>> change)
    {
        try
        {
            return await change();
        }
        catch (OperationCanceledException)
        {
            return StormOutcome.Failed;
        }
        catch (BlockException error) when (StormFaults.IsOurs(error))
        {
            return StormOutcome.Failed;
        }
        catch (Exception error) when (error is BlockException or ObjectDisposedException)
        {
            // Another changer may have closed the backend.
            return StormOutcome.Refused;
        }
    }

    /// <summary>Makes the change; now and then one of its steps fails, or it is cancelled.</summary>
    private async Task<StormOutcome> ApplyAsync(params GraphEdit[] edits)
    {
        using CancellationTokenSource source = new();
        switch (_chance.Next(8))
        {
            case 0:
                world.Faults.FailStep(1 + _chance.Next(8));
                break;
            case 1:
                world.Faults.CancelAtStep(1 + _chance.Next(8), source);
                break;
            default:
                break;
        }

        await world.Graph.ApplyAsync(edits, source.Token);
        return StormOutcome.Done;
    }

    /// <summary>Does what must be possible in the end, whatever others do meanwhile: takes back what a change has done for a while.</summary>
    private async Task RestoreAsync(string what, StormDisk disk, Func<Task> attempt)
    {
        for (int i = 0; ; i++)
        {
            try
            {
                await attempt();
                return;
            }
            catch (BlockException error)
            {
                if (i == AttemptCountMax)
                {
                    IEnumerable<string> states = disk.Nodes.Where(n => !n.IsWritable).Select(n => $"{n.Name} ({n.Driver.Name}) is {(n.IsInactive ? "inactive" : "read-only")}");
                    world.Expect($"disk '{disk.Name}': {what}: {error.Message}; {string.Join(", ", states)}");
                    return;
                }
            }

            await PauseAsync(200_000);
            await HealAsync(disk);
        }
    }

    // While nobody wrote, others may have made it read-only or inactive.
    private async Task HealAsync(StormDisk disk)
    {
        foreach (BlockNode node in disk.Nodes.Union(StormReach.Below(disk.Anchor)).ToList())
        {
            // It may have inherited that from a node that is its parent no longer.
            if (node.IsReadOnly && !node.Name.StartsWith("base", StringComparison.Ordinal))
            {
                await TryAsync(() => ApplyAsync(GraphEdit.Reopen(node, GraphFixture.Options("read-only=off"))));
            }

            if (node.IsInactive)
            {
                await TryAsync(() => ApplyAsync(GraphEdit.Activate(node)));
            }
        }
    }

    private StormDisk AnyDisk() => world.Disks[_chance.Next(world.Disks.Count)];

    private BlockNode? AnyNode(StormDisk disk) => Any(disk.Nodes);

    /// <summary>A node of one of the disks that is such as is wanted, or null.</summary>
    private BlockNode? AnyNode(Func<BlockNode, bool> isWanted) => Any([.. world.Disks.SelectMany(d => d.Nodes).Where(n => n.HasInstance && isWanted(n))]);

    private StormDisk DiskOf(BlockNode node) => world.Disks.First(d => d.Nodes.Contains(node));

    private BlockNode? Any(IReadOnlyList<BlockNode> nodes) => nodes.Count == 0 ? null : nodes[_chance.Next(nodes.Count)];

    private string NewName(string kind) => $"{kind}{number}-{_nameCount++}";

    private Task PauseAsync(long longestNs) => world.PauseAsync(world.Graph.MainContext, _chance, longestNs);
}
