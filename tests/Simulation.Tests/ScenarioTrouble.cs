using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Drain;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.TestKit;

namespace BlockGraph.Simulation.Tests;

/// <summary>Drains, faults, filters that get work, observers, and other users of the chain: all at random moments.</summary>
internal sealed class ScenarioTrouble(ScenarioGraph graph, ScenarioWatch watch, int seed)
{
    private const long LongestPauseNs = 200_000;
    private readonly SeededRandom _chance = new((ulong)seed);
    private readonly AioContext _home = graph.Fixture.Context;

    public async Task DrainNowAndThenAsync(int count)
    {
        for (int i = 0; i < count; i++)
        {
            await PauseAsync();
            DrainReach reach = _chance.OneIn(2) ? DrainReach.Node : DrainReach.Subtree;
            BlockNode node = AnyNode();
            await using (await DrainScope.BeginAsync(node, reach))
            {
                Assert.That(graph.Backend.InFlightCount, Is.Zero, "a drained backend has nothing in flight");
                bool isWhole = reach == DrainReach.Subtree || node.Name == "base";
                int before = RequestCount(isWhole);
                await PauseAsync();
                Assert.That(RequestCount(isWhole), Is.EqualTo(before), "nothing reaches drained storage");
            }
        }
    }

    public async Task FailNowAndThenAsync(int count)
    {
        for (int i = 0; i < count; i++)
        {
            await PauseAsync();
            watch.HasFaults = true;
            graph.Storage.FailWith(_chance.Next(3) switch { 0 => RequestKind.Read, 1 => RequestKind.Write, _ => RequestKind.Flush }, BlockErrorKind.InputOutput);
            await PauseAsync();
            graph.Storage.FailWith(RequestKind.Read, null);
        }
    }

    public async Task SwitchNowAndThenAsync(int count)
    {
        for (int i = 0; i < count && graph.Fixture.Switches.Opened.Count > 0; i++)
        {
            await PauseAsync();
            SwitchFilter filter = graph.Fixture.Switches.Opened[_chance.Next(graph.Fixture.Switches.Opened.Count)];
            filter.SwitchTo(!filter.IsBusy);
        }
    }

    public async Task ObserveNowAndThenAsync(int count)
    {
        for (int i = 0; i < count; i++)
        {
            await PauseAsync();
            BlockNode node = AnyNode();
            await graph.Fixture.Graph.ObserveAsync(node, watch);
            watch.Begin();
            await PauseAsync();
            await PauseAsync();
            watch.End();
            await graph.Fixture.Graph.ObserveAsync(node, null);
        }
    }

    public async Task UseNowAndThenAsync(int count)
    {
        BackendOptions reader = new() { ReadOnly = true };
        for (int i = 0; i < count; i++)
        {
            await PauseAsync();
            BlockNode node = AnyNode();
            bool isTree = _chance.OneIn(2) && node.IsNamed;
            BlockBackend other = isTree
                ? await graph.Fixture.Graph.OpenAsync(new() { { "driver", "switch-filter" }, { "read-only", "on" }, { "file", node.Name } }, reader)
                : await graph.Fixture.Graph.AttachBackendAsync(node, reader);
            Task[] reads = [.. Enumerable.Range(0, 3).Select(_ => ReadAsync(other))];
            if (_chance.OneIn(2))
            {
                await Task.WhenAll(reads);
            }

            // Otherwise it is closed while they fly, and waits for them.
            await CloseAsync(other);
            await Task.WhenAll(reads);
            graph.Fixture.Switches.Opened.RemoveAll(f => !graph.Fixture.Graph.Nodes.Contains(f.Node));
        }
    }

    private async Task CloseAsync(BlockBackend other)
    {
        try
        {
            await other.DisposeAsync();
        }
        catch (BlockException) when (watch.HasFaults)
        {
            // The flush failed; it is closed all the same.
        }
    }

    private async Task ReadAsync(BlockBackend other)
    {
        try
        {
            await other.ReadAsync(_chance.Next(1000), new byte[_chance.Next(5000)]);
        }
        catch (BlockException error) when (error.Kind == BlockErrorKind.NoMedium || watch.HasFaults)
        {
            // It was held by a drain until its backend was gone, or the storage failed.
        }
    }

    private int RequestCount(bool isWhole) =>
        graph.Storage.Log.Count(r => r.Kind is RequestKind.Write or RequestKind.Discard || (isWhole && r.Kind == RequestKind.Read));

    private BlockNode AnyNode() => graph.Chain[_chance.Next(graph.Chain.Count)];

    private ValueTask PauseAsync() => _home.DelayAsync(_chance.NextLong(LongestPauseNs));
}
