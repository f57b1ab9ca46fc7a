using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.TestKit;

namespace BlockGraph.Simulation.Tests.Storm;

/// <summary>One who changes the graph at random moments, one change after the other, and looks through all of it after each.</summary>
internal sealed partial class StormChanger(StormWorld world, int number, int seed)
{
    private readonly SeededRandom _chance = new(unchecked((ulong)seed));
    private int _nameCount;

    public async Task RunAsync(int changeCount)
    {
        for (int i = 0; i < changeCount && !world.HasFinding; i++)
        {
            await world.PauseAsync(world.Graph.MainContext, _chance, 400_000);
            (string kind, Func<StormChanger, Task<StormOutcome>> change) = s_changes[_chance.Next(s_changes.Length)];
            world.Tally.Add(kind, await TryAsync(() => change(this)));
            Audit(kind);
        }
    }

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
        catch (BlockException)
        {
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

    private void Audit(string after)
    {
        if (StormAudit.Findings(world.Graph).FirstOrDefault() is { } finding)
        {
            world.Expect($"after {after}: {finding}");
        }
    }

    private StormDisk AnyDisk() => world.Disks[_chance.Next(world.Disks.Count)];

    private BlockNode? AnyNode(StormDisk disk)
    {
        IReadOnlyList<BlockNode> chain = disk.Chain;
        return chain.Count == 0 ? null : chain[_chance.Next(chain.Count)];
    }

    private string NewName(string kind) => $"{kind}{number}-{_nameCount++}";

    private Task PauseAsync(long longestNs) => world.PauseAsync(world.Graph.MainContext, _chance, longestNs);
}
