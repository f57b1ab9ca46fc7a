using System.Diagnostics;
using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.TestKit;
using BlockGraph.TestKit.Cow;

namespace BlockGraph.Simulation.Tests.Storm;

/// <summary>
/// Storms on real threads, one after the other, for a while: the main loop has a thread, and so has each context that requests come from. The seed
/// decides the graph and who does what; when it happens is the machine's, so that a finding may not come again.
/// </summary>
internal sealed class StormStress(StormStressOptions options, TextWriter output)
{
    private const int RequestCount = 300;
    private const int ChangerCount = 4;
    private const int ChangeCount = 60;
    private static readonly TimeSpan s_hang = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan s_progress = TimeSpan.FromSeconds(10);
    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private TimeSpan _lastProgress;

    /// <summary>What was done, in all storms together.</summary>
    public StormTally Tally { get; } = new();

    /// <summary>Runs them; 1 where something was found.</summary>
    public int Run()
    {
        long faultCount = 0;
        int round = 0;
        do
        {
            int seed = unchecked(options.Seed + round);
            round++;
            StormWorld? world = RunRound(round, seed);
            if (world is null || world.HasFinding)
            {
                (world?.Findings ?? []).ToList().ForEach(f => output.WriteLine($"round {round}, seed {seed}: {f}"));
                output.WriteLine($"again, perhaps: dotnet run --project tests/Simulation.Tests -c Release -- --stress --threads {options.ThreadCount} --seed {seed}");
                return 1;
            }

            Tally.Add(world.Tally);
            faultCount += world.Faults.Count;
            Report($"round {round}, {Tally.Total} operations, {faultCount} faults");
        }
        while (_watch.Elapsed < options.Length);

        Tally.Print(output);
        output.WriteLine($"stress of {options.ThreadCount} threads: {round} rounds in {_watch.Elapsed.TotalSeconds:F0} s, {Tally.Total} operations, {faultCount} faults; no finding");
        return 0;
    }

    // Null where it hangs: its threads are then left as they are, in the background.
    private StormWorld? RunRound(int round, int seed)
    {
        StormWorld? world = null;
        MainLoop loop = MainLoop.Start();
        IoThread[] threads = [.. Enumerable.Range(0, options.ThreadCount).Select(i => new IoThread($"storm-{i}"))];
        MemoryProtocol memory = new();
        FaultyProtocol faulty = new(memory, seed: unchecked((ulong)seed));
        NodeGraph graph = new(
            loop,
            [memory, faulty, new PassThroughDriver(), new SwitchFilterDriver(), new RoleDriver(), new CowDriver(), .. StormRun.NewDrivers(complaint => world?.Expect(complaint))],
            new NodeGraphOptions { StepHook = _ => world?.Faults.OnStep() });
        world = new StormWorld(graph, memory, faulty, [loop.Context, .. threads.Select(t => t.Context)], hasVirtualTime: false);
        StormOptions storm = new(seed) { WorkerCount = options.ThreadCount, RequestCount = RequestCount, ChangerCount = ChangerCount, ChangeCount = ChangeCount };
        Task run = loop.Context.RunAsync(() => RunAsync(world, storm));
        if (!HasEnded(run, world, round))
        {
            output.WriteLine($"round {round}, seed {seed} hangs:");
            Describe(world);
            return null;
        }

        Array.ForEach(threads, t => t.Dispose());
        loop.Dispose();
        return world;
    }

    private static async Task RunAsync(StormWorld world, StormOptions storm)
    {
        try
        {
            await StormRun.RunAsync(world, storm);
            await world.Graph.DisposeAsync();
        }
        catch (Exception error)
        {
            world.Expect(error is BlockException ? error.Message : error.ToString());
        }
    }

    private bool HasEnded(Task run, StormWorld world, int round)
    {
        TimeSpan end = _watch.Elapsed + s_hang;
        while (!((IAsyncResult)run).AsyncWaitHandle.WaitOne(1_000))
        {
            Report($"round {round} is under way: {world.Tally.Total} operations");
            if (_watch.Elapsed > end)
            {
                return false;
            }
        }

        return true;
    }

    private void Report(string text)
    {
        if (_watch.Elapsed - _lastProgress >= s_progress)
        {
            _lastProgress = _watch.Elapsed;
            output.WriteLine($"{_watch.Elapsed.TotalSeconds:F0} s: {text}");
        }
    }

    // From outside, without a lock: what is printed may be a moment old.
    private void Describe(StormWorld world)
    {
        world.Findings.ToList().ForEach(output.WriteLine);
        foreach (BlockBackend backend in world.Graph.Backends)
        {
            output.WriteLine($"  {backend.Description} in '{backend.Context.Name}' over '{backend.Root?.Name}': {backend.InFlightCount} in flight, {backend.QuiesceCount} drains");
        }

        foreach (BlockNode node in world.Graph.Nodes)
        {
            output.WriteLine($"  node '{node.Name}' ({node.Driver.Name}) in '{node.Context.Name}': {node.QuiesceCount} drains, {node.ReferenceCount} references");
        }

        world.Tally.Print(output);
    }
}
