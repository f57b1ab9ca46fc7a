using BlockGraph.BlockCore.Accounting;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.Simulation.Tests;

/// <summary>One whole-graph run: a random chain, workers on two contexts that know every byte, and trouble.</summary>
internal static class GraphScenario
{
    private const int WorkerCount = 5;
    private const int RequestCount = 20;
    private const int TroubleCount = 6;

    public static ScenarioResult Run(ScenarioOptions options)
    {
        using ScenarioGraph graph = new(options);
        ScenarioWatch watch = new();
        ScenarioResult? result = null;
        graph.Fixture.Run(async () =>
        {
            await graph.OpenAsync();
            byte[][] models = new byte[WorkerCount][];
            List<Task> actors = [.. Work(graph, watch, options.Seed, models)];
            if (options.HasTrouble)
            {
                actors.AddRange(MakeTrouble(graph, watch, options.Seed));
            }

            await Task.WhenAll(actors);
            result = await ConcludeAsync(graph, [.. models.SelectMany(m => m)]);
        });
        Assert.That(graph.Fixture.Graph.Nodes, Is.Empty, "every node is closed");
        Assert.That(graph.Storage.OpenCount, Is.Zero, "the storage is closed");
        return result! with { EventHash = graph.Fixture.World.EventHash };
    }

    // Every worker has a part of its own; no part begins or ends where a block does.
    private static IEnumerable<Task> Work(ScenarioGraph graph, ScenarioWatch watch, int seed, byte[][] models)
    {
        AioContext other = graph.Fixture.World.CreateContext("other");
        int start = 0;
        for (int i = 0; i < WorkerCount; i++)
        {
            int end = i == WorkerCount - 1 ? (int)graph.Backend.LengthBytes : (int)graph.Backend.LengthBytes / WorkerCount * (i + 1) / 7 * 7;
            models[i] = new byte[end - start];
            AioContext home = i % 2 == 0 ? graph.Fixture.Context : other;
            ScenarioWorker worker = new(graph, watch, home, (seed * 1000) + i, start, models[i]);
            yield return home.RunAsync(() => worker.RunAsync(RequestCount));
            start = end;
        }
    }

    private static Task[] MakeTrouble(ScenarioGraph graph, ScenarioWatch watch, int seed)
    {
        ScenarioTrouble Trouble(int number) => new(graph, watch, (seed * 1000) + 500 + number);
        return
        [
            Trouble(0).DrainNowAndThenAsync(TroubleCount),
            Trouble(1).DrainNowAndThenAsync(TroubleCount),
            Trouble(2).FailNowAndThenAsync(seed % 2 == 0 ? TroubleCount : 0),
            Trouble(3).SwitchNowAndThenAsync(4 * TroubleCount),
            Trouble(4).ObserveNowAndThenAsync(TroubleCount),
            Trouble(5).UseNowAndThenAsync(TroubleCount),
        ];
    }

    private static async Task<ScenarioResult> ConcludeAsync(ScenarioGraph graph, byte[] model)
    {
        byte[] read = new byte[graph.Backend.LengthBytes];
        await graph.Backend.ReadAsync(0, read);
        Assert.That(read.AsSpan().SequenceEqual(model), Is.True, "the image is what the workers know");
        Assert.That(graph.Storage.Bytes.AsSpan(graph.ShiftBytes, read.Length).SequenceEqual(model), Is.True, "and so is the storage");
        Assert.That(graph.Storage.Bytes.AsSpan(0, graph.ShiftBytes).IndexOfAnyExcept((byte)0), Is.EqualTo(-1), "what lies before the image is untouched");
        Assert.That(graph.Backend.InFlightCount, Is.Zero, "nothing is in flight");
        Assert.That(graph.Chain.Select(n => n.QuiesceCount), Has.All.Zero, "no drain is left");
        string[] counters = [.. Enum.GetValues<RequestKind>().Select(kind => Describe(kind, graph.Backend.GetCounters(kind)))];
        string[] requests = [.. Enum.GetValues<RequestKind>().Select(kind => $"{kind}: {graph.Storage.Log.Count(r => r.Kind == kind)}")];
        await graph.Backend.DisposeAsync();
        return new ScenarioResult(0, read, counters, requests);
    }

    private static string Describe(RequestKind kind, RequestCounters counters) =>
        $"{kind}: {counters.OperationCount} operations, {counters.ByteCount} bytes, {counters.FailedCount} failed";
}
