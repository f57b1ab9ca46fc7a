using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Throttling;
using BlockGraph.Drivers.Composites.Quorum;
using BlockGraph.Drivers.Filters.Blkdebug;
using BlockGraph.Drivers.Filters.Blkverify;
using BlockGraph.Drivers.Filters.CopyOnRead;
using BlockGraph.Drivers.Filters.Preallocate;
using BlockGraph.Drivers.Filters.Throttle;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.TestKit;

namespace BlockGraph.Simulation.Tests.Storm;

/// <summary>One storm from its first node to its last: builds, lets the actors loose, concludes.</summary>
internal static class StormRun
{
    /// <summary>What is done about failures that have stopped a disk, by the name that it is counted under.</summary>
    public const string ResumeKind = "resume";

    private const long ResumeNs = 400_000;

    /// <summary>The drivers of a storm beside the test kit's; what the witness finds goes to <paramref name="complain"/>.</summary>
    public static BlockDriver[] NewDrivers(Action<string> complain) => [new StormWitnessDriver(complain), new RawDriver(), new ThrottleFilterDriver(), new PreallocateDriver(), new CopyOnReadDriver(), new BlkdebugDriver(), new BlkverifyDriver(), new QuorumDriver()];

    /// <summary>Runs the storm of <paramref name="options"/> in a simulated world.</summary>
    public static StormResult Run(StormOptions options)
    {
        StormWorld? world = null;
        NodeGraphOptions graphOptions = new() { StepHook = _ => world?.Faults.OnStep() };
        using GraphFixture fixture = new(new SimulationOptions { Seed = options.Seed, StepBudget = 5_000_000 }, NewDrivers(complaint => world?.Expect(complaint)), graphOptions);
        world = new StormWorld(fixture.Graph, fixture.Memory, fixture.Faulty, [fixture.Context, fixture.World.CreateContext("a"), fixture.World.CreateContext("b")], hasVirtualTime: true) { Trace = options.Trace };
        string? details = null;
        try
        {
            fixture.Run(() => RunAsync(world, options));
            ExpectNoTimers(world);
        }
        catch (Exception error)
        {
            // A dead lock, a broken invariant, an error of a driver's: the first line says which.
            world.Expect($"{error.GetType().Name}: {error.Message}");
            details = error.ToString();
            fixture.Abandon();
        }

        return new StormResult(fixture.World.EventHash, world.Tally, [.. world.Findings], world.Faults.Count, details);
    }

    /// <summary>Lets a storm loose in <paramref name="world"/>, and closes everything afterwards. On the main context.</summary>
    public static async Task RunAsync(StormWorld world, StormOptions options)
    {
        await new StormBuilder(world, new SeededRandom(unchecked((ulong)options.Seed * 0x2545F4914F6CDD1D))).BuildAsync();
        world.Expect(world.Graph.Nodes.Count >= StormBuilder.NodeCountMin ? null : $"the storm begins with {world.Graph.Nodes.Count} nodes");
        List<Task> actors = [];
        for (int i = 0; i < options.WorkerCount; i++)
        {
            AioContext home = world.Contexts[i % world.Contexts.Count];
            StormWorker worker = new(world, world.Disks[i % world.Disks.Count], home, (options.Seed * 1000) + i);
            actors.Add(home.RunAsync(() => worker.RunAsync(options.RequestCount)));
        }

        for (int i = 0; i < options.ChangerCount; i++)
        {
            actors.Add(new StormChanger(world, i, (options.Seed * 1000) + 500 + i).RunAsync(options.ChangeCount));
        }

        await ResumeUntilAsync(world, Task.WhenAll(actors));
        world.Faults.Stop();
        if (world.Faults.Count == 0)
        {
            await new StormChanger(world, options.ChangerCount, options.Seed).FailOneAsync();
        }

        if (!world.HasFinding)
        {
            world.Expect(world.Tally.Total >= StormOptions.OperationCountMin ? null : $"the storm had {world.Tally.Total} operations");
            world.Expect(world.Faults.Count > 0 ? null : "the storm had no fault");
        }

        await ConcludeAsync(world);
    }

    // Whoever waits behind a failure goes on after a while, and fails at last where it fails for good.
    private static async Task ResumeUntilAsync(StormWorld world, Task actors)
    {
        for (int round = 0; !actors.IsCompleted; round++)
        {
            await world.Graph.MainContext.DelayAsync(ResumeNs);
            foreach (StormDisk disk in world.Disks.Where(d => d.Device.IsStopped))
            {
                if (round % 8 == 7)
                {
                    disk.Backend.ReadErrorPolicy = BlockErrorPolicy.Report;
                    disk.Backend.WriteErrorPolicy = BlockErrorPolicy.Report;
                }

                world.Expect(await disk.ResumeAsync());
                world.Tally.Add(ResumeKind, StormOutcome.Done);
            }
        }

        await actors;
    }

    private static async Task ConcludeAsync(StormWorld world)
    {
        foreach (string finding in StormAudit.Findings(world.Graph))
        {
            world.Expect($"at the end: {finding}");
        }

        foreach (StormDisk disk in world.Disks)
        {
            world.Expect(disk.Backend.InFlightCount == 0 ? null : $"disk '{disk.Name}' has {disk.Backend.InFlightCount} requests in flight at the end");
            await ReadRegionsAsync(world, disk);
            disk.AccountingFindings().ToList().ForEach(world.Expect);
        }

        world.Expect(world.Graph.Meters is null ? null : "somebody still measures at the end");
        world.Expect(world.Graph.Nodes.All(n => n.QuiesceCount == 0) && world.Graph.Drains.Count == 0 ? null : "a drain is left at the end");
        foreach (BlockBackend backend in world.Graph.Backends)
        {
            await CloseAsync(backend, world);
        }

        while (world.Graph.Nodes.FirstOrDefault(n => n.IsMonitorOwned && n.Parents.Count == 0) is { } free)
        {
            await world.Graph.RemoveNodeAsync(free.Name);
        }

        world.Expect(world.Graph.EveryNode.Count == 0 ? null : $"nodes are left: {string.Join(", ", world.Graph.EveryNode.Select(n => n.Name))}");
        world.Expect(world.Graph.Roots.Count == 0 ? null : $"users are left: {string.Join(", ", world.Graph.Roots.Select(r => r.Description))}");
        ExpectNoGroups(world);
        world.Expect(world.Memory.Storages.All(s => s.OpenCount == 0) ? null : "storage is left open");
    }

    private static async Task ReadRegionsAsync(StormWorld world, StormDisk disk)
    {
        foreach ((int start, StormModel model) in disk.Regions)
        {
            byte[] read = new byte[model.LengthBytes];
            try
            {
                await disk.Backend.ReadAsync(start, read);
            }
            catch (BlockException error)
            {
                // The copies of a quorum, or of a pair, may differ for good once one has failed.
                world.Expect(disk.HasFaults ? null : $"disk '{disk.Name}' at the end: {error.Message}");
                continue;
            }

            disk.Count(RequestKind.Read, read.Length);
            world.Expect(model.Settle(0, read) is not { } wrong ? null : $"disk '{disk.Name}' at the end, region at {start}: {wrong}");
        }
    }

    // Whoever was ever in the user's group, or was about to come, has given it back.
    private static void ExpectNoGroups(StormWorld world)
    {
        try
        {
            world.Graph.ThrottleGroups.DeleteObject(StormBuilder.GroupObject);
        }
        catch (BlockException error)
        {
            world.Expect(error.Message);
        }

        IReadOnlyList<ThrottleGroup> groups = world.Graph.ThrottleGroups.Groups;
        world.Expect(groups.Count == 0 ? null : $"throttle groups are left: {string.Join(", ", groups.Select(g => g.Name))}");
    }

    private static void ExpectNoTimers(StormWorld world)
    {
        foreach (AioContext context in world.Contexts)
        {
            world.Expect(context.NextDeadlineNs is null ? null : $"a timer is left in context '{context.Name}'");
        }
    }

    private static async Task CloseAsync(BlockBackend backend, StormWorld world)
    {
        try
        {
            await backend.DisposeAsync();
        }
        catch (BlockException error)
        {
            world.Expect(world.Disks.Any(d => d.HasFaults) ? null : $"closing failed: {error.Message}");
        }
    }
}
