using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.Drivers.Filters.Throttle;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.TestKit;

namespace BlockGraph.Simulation.Tests.Storm;

/// <summary>One storm from its first node to its last: builds, lets the actors loose, concludes.</summary>
internal static class StormRun
{
    /// <summary>Runs the storm of <paramref name="options"/> in a simulated world.</summary>
    public static StormResult Run(StormOptions options)
    {
        StormWorld? world = null;
        NodeGraphOptions graphOptions = new() { StepHook = _ => world?.Faults.OnStep() };
        using GraphFixture fixture = new(new SimulationOptions { Seed = options.Seed, StepBudget = 5_000_000 }, [new RawDriver(), new ThrottleFilterDriver()], graphOptions);
        world = new StormWorld(fixture.Graph, fixture.Memory, [fixture.Context, fixture.World.CreateContext("a"), fixture.World.CreateContext("b")], hasVirtualTime: true);
        string? failure = null;
        string? details = null;
        try
        {
            fixture.Run(() => RunAsync(world, options));
        }
        catch (Exception error)
        {
            // A dead lock, a broken invariant, an error of a driver's: the first line says which.
            failure = $"{error.GetType().Name}: {error.Message}";
            details = error.ToString();
            fixture.Abandon();
        }

        return new StormResult(fixture.World.EventHash, world.Tally, [.. world.Findings, .. failure is null ? Array.Empty<string>() : [failure]], world.Faults.Count, details);
    }

    /// <summary>Lets a storm loose in <paramref name="world"/>, and closes everything afterwards. On the main context.</summary>
    public static async Task RunAsync(StormWorld world, StormOptions options)
    {
        await new StormBuilder(world, new SeededRandom(unchecked((ulong)options.Seed * 0x2545F4914F6CDD1D))).BuildAsync();
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

        await Task.WhenAll(actors);
        world.Faults.Stop();
        await ConcludeAsync(world);
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
            foreach ((int start, StormModel model) in disk.Regions)
            {
                byte[] read = new byte[model.LengthBytes];
                await disk.Backend.ReadAsync(start, read);
                world.Expect(model.Settle(0, read) is not { } wrong ? null : $"disk '{disk.Name}' at the end, region at {start}: {wrong}");
            }
        }

        world.Expect(world.Graph.Nodes.All(n => n.QuiesceCount == 0) ? null : "a drain is left at the end");
        foreach (BlockBackend backend in world.Graph.Backends)
        {
            await CloseAsync(backend, world);
        }

        while (world.Graph.Nodes.FirstOrDefault(n => n.IsMonitorOwned && n.Parents.Count == 0) is { } free)
        {
            await world.Graph.RemoveNodeAsync(free.Name);
        }

        world.Expect(world.Graph.Nodes.Count == 0 ? null : $"nodes are left: {string.Join(", ", world.Graph.Nodes.Select(n => n.Name))}");
        world.Expect(world.Memory.Storages.All(s => s.OpenCount == 0) ? null : "storage is left open");
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
