using System.Diagnostics;
using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Drain;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.Qapi.Options;

namespace BlockGraph.Benchmarks;

/// <summary>What changes of a graph cost: opening, permissions, replacing under load, draining.</summary>
internal static class GraphChangesCommand
{
    private const int ChainLength = 200;

    // Opening runs much code a few times: the compiler comes back to it late.
    private const int ChainWarmUpRounds = 100;
    private const int RootCount = 1000;
    private const int ChainsLength = 10;
    private const int Depth = 64;

    public static int Run(string[] args)
    {
        CommandArguments arguments = new(args, "rounds");
        int rounds = (int)arguments.Number("rounds", 15);
        Report report = new("what", "median", "p99 or worst", "unit", "limit");
        BenchmarkWorld.Run("driver=null-co", async (world, _) =>
        {
            NodeGraph graph = world.Graph;
            await AddChainsAsync(report, graph, rounds);
            await AddPermissionsAsync(report, graph, rounds);
            await AddReplacementAsync(report, graph);
            await AddDrainAsync(report, graph);
        });
        report.Note($"{rounds} rounds, the first third to warm up, of chains {ChainWarmUpRounds} more; replacing and draining as often as is said");
        return report.Print(arguments.IsJson);
    }

    // Twice the length must cost about twice as much.
    private static async Task AddChainsAsync(Report report, NodeGraph graph, int rounds)
    {
        List<double> half = [];
        List<double> whole = [];
        for (int round = 0; round < ChainWarmUpRounds + rounds; round++)
        {
            half.Add(await OpenAndCloseAsync(graph, ChainLength / 2));
            whole.Add(await OpenAndCloseAsync(graph, ChainLength));
        }

        half = half[ChainWarmUpRounds..];
        whole = whole[ChainWarmUpRounds..];
        double ratio = Sample.Median(whole) / Sample.Median(half);
        report.AddChecked(Sample.Median(whole) < 20, $"open and close a chain of {ChainLength} nodes", Sample.Median(whole), whole.Max(), "ms", 20);
        report.AddChecked(ratio < 3, $"the same against one of {ChainLength / 2}", ratio, null, "times", 3);
    }

    private static async Task<double> OpenAndCloseAsync(NodeGraph graph, int length)
    {
        OptionsDictionary options = [];
        string prefix = string.Empty;
        for (int i = 1; i < length; i++, prefix += "file.")
        {
            options[prefix + "driver"] = "raw";
        }

        options[prefix + "driver"] = "null-co";
        TimeSpan start = Environment.CpuUsage.TotalTime;
        await (await graph.OpenAsync(options)).DisposeAsync();
        return (Environment.CpuUsage.TotalTime - start).TotalMilliseconds;
    }

    private static async Task AddPermissionsAsync(Report report, NodeGraph graph, int rounds)
    {
        List<BlockBackend> backends = [];
        for (int chain = 0; chain < RootCount; chain++)
        {
            BlockNode node = await graph.AddNodeAsync(KeyvalParser.Parse($"driver=null-co,node-name=c{chain}.0"));
            for (int i = 1; i < ChainsLength; i++)
            {
                node = await graph.AddNodeAsync(KeyvalParser.Parse($"driver=raw,node-name=c{chain}.{i},file={node.Name}"));
            }

            backends.Add(await graph.AttachBackendAsync(node));
        }

        List<double> times = [];
        int changedCount = 0;
        for (int round = 0; round < rounds; round++)
        {
            // Every edge of every chain gets another permission.
            PermissionSet permissions = new(round % 2 == 0 ? BlockPermissions.ConsistentRead : BlockPermissions.ConsistentRead | BlockPermissions.Write, BlockPermissions.All);
            GraphEdit[] edits = [.. backends.Select(b => GraphEdit.SetPermissions(b.RootEdge!, permissions))];
            long start = Stopwatch.GetTimestamp();
            await graph.ApplyAsync(edits);
            times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            changedCount = graph.Nodes.Count(n => n.Name[0] == 'c' && n.CumulativePermissions.Required == permissions.Required);
        }

        times = times[(rounds / 3)..];
        report.AddChecked(changedCount == RootCount * ChainsLength, "nodes whose permissions changed", changedCount, null, "nodes", RootCount * ChainsLength);
        report.AddChecked(
            Sample.Median(times) < 50, $"compute and commit permissions of {RootCount * ChainsLength} nodes under {RootCount} roots", Sample.Median(times), times.Max(), "ms", 50);
    }

    // A filter is put over the node and taken out again, while requests fly; how long does any of them stall for it?
    private static async Task AddReplacementAsync(Report report, NodeGraph graph)
    {
        const int changes = 400;
        await using BlockBackend backend = await graph.OpenAsync(KeyvalParser.Parse("driver=raw,node-name=under,file.driver=null-co,file.latency-ns=50000"));
        using CancellationTokenSource stop = new();
        long doneCount = 0;
        long failedCount = 0;
        List<double> stalls = [];
        Task[] load = [.. Enumerable.Range(0, Depth).Select(_ => LoadAsync())];
        List<double> worst = [];
        for (int i = 0; i < changes; i++)
        {
            stalls.Clear();
            BlockNode under = graph.FindNode("under")!;
            await graph.ApplyAsync(GraphEdit.Append(KeyvalParser.Parse("driver=throttle,node-name=over"), under));
            await graph.ApplyAsync(GraphEdit.DropFilter(graph.FindNode("over")!));
            await backend.ReadAsync(0, new byte[1]);
            if (i >= changes / 4)
            {
                worst.Add(stalls.Max());
            }
        }

        await stop.CancelAsync();
        await Task.WhenAll(load);
        double p99 = worst.Order().ElementAt(worst.Count * 99 / 100);
        report.AddChecked(p99 < 5, $"worst stall of {Depth} requests in flight while a filter comes or goes", Sample.Median(worst), p99, "ms", 5);
        report.AddChecked(failedCount == 0, $"requests lost of {doneCount}", failedCount, null, "requests", 0);

        async Task LoadAsync()
        {
            byte[] buffer = new byte[4096];
            while (!stop.IsCancellationRequested)
            {
                long start = Stopwatch.GetTimestamp();
                try
                {
                    await backend.ReadAsync(0, buffer);
                    doneCount++;
                }
                catch (BlockCore.Errors.BlockException)
                {
                    failedCount++;
                }

                stalls.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }
        }
    }

    private static async Task AddDrainAsync(Report report, NodeGraph graph)
    {
        const int count = 200_000;
        await using BlockBackend backend = await graph.OpenAsync(KeyvalParser.Parse("driver=raw,file.driver=null-co"));
        BlockNode node = backend.Root!;
        List<double> times = [];
        long bytes = 0;
        for (int round = 0; round < 5; round++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            long start = Stopwatch.GetTimestamp();
            for (int i = 0; i < count; i++)
            {
                await using (await DrainScope.BeginAsync(node))
                {
                }
            }

            times.Add(Stopwatch.GetElapsedTime(start).TotalMicroseconds / count);
            bytes = (GC.GetAllocatedBytesForCurrentThread() - before) / count;
        }

        report.AddChecked(Sample.Median(times) < 2, "drain an idle node", Sample.Median(times), times.Max(), "us", 2);
        report.AddChecked(bytes <= 128, "allocated for it: the scope itself", bytes, null, "bytes", 128);
    }
}
