using System.Diagnostics;
using System.Runtime.CompilerServices;
using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Observability;

namespace BlockGraph.Benchmarks;

/// <summary>
/// What a request costs in this process: CPU of all threads, the caller's await included. The graphs take turns, round by
/// round, so that a busy machine disturbs them alike; medians count.
/// </summary>
internal static class RequestCostCommand
{
    private const string Null = "driver=null-co,size=1G";
    private const string FarLimits = "limits.iops-total=1000000000000,limits.bps-total=1000000000000000";
    private const string FarDirectedLimits =
        "limits.iops-read=1000000000000,limits.iops-write=1000000000000,limits.bps-read=1000000000000000,limits.bps-write=1000000000000000";

    private static readonly Case[] s_cases =
    [
        new("null-co, depth 64", Null, 64),
        new("null-co, depth 1", Null, 1),
        new("null-co, depth 64, writes", Null, 64) { Kind = RequestKind.Write },
        new("10 raw layers, depth 64", RawChain(10), 64),
        new("10 raw layers, depth 64, no plans", RawChain(10), 64) { UsesPlans = false },
        new("1 raw layer, depth 64, no plans", RawChain(1), 64) { UsesPlans = false },
        new("throttle without limits, depth 64", Nested("driver=throttle"), 64),
        new("throttle, 2 limits out of reach, depth 64", Nested("driver=throttle," + FarLimits), 64),
        new("throttle, 4 limits out of reach, depth 64", Nested("driver=throttle," + FarDirectedLimits), 64),
        new("device, 2 limits out of reach, depth 64", Null + ",throttling.iops-total=1000000000000,throttling.bps-total=1000000000000000", 64),
        new("null-co, depth 64, measured before, no longer", Null, 64) { WasMeasured = true },
        new("null-co, depth 64, measured", Null, 64) { IsMeasured = true },
        new("10 raw layers, depth 64, measured", RawChain(10), 64) { IsMeasured = true },
        new("null-co, depth 64, traced, nobody listens", Null, 64) { IsTraced = true },
        new("null-co, depth 64, traced, none slow", Null, 64) { IsTraced = true, IsListenedTo = true },
        new("null-co, foreign thread, depth 64", Null, 64) { IsForeign = true },
        new("null-co, foreign thread, depth 1", Null, 1) { IsForeign = true },
    ];

    public static int Run(string[] args)
    {
        CommandArguments arguments = new(args, "count", "rounds", "only");
        long count = arguments.Number("count", 2_000_000);
        long rounds = arguments.Number("rounds", 5);
        Case[] cases = Array.FindAll(s_cases, c => c.Name.Contains(arguments.Text("only") ?? string.Empty, StringComparison.Ordinal));
        List<Cost>[] costs = [.. cases.Select(_ => new List<Cost>())];
        for (long round = 0; round < rounds; round++)
        {
            for (int i = 0; i < cases.Length; i++)
            {
                costs[i].Add(Measure(cases[i], count));
            }
        }

        Report report = new("graph", "cpu ns/request", "wall ns/request", "cpu ratio to the first");
        double basis = Sample.Median(costs[0].Select(c => c.CpuNs));
        for (int i = 0; i < cases.Length; i++)
        {
            double cpuNs = Sample.Median(costs[i].Select(c => c.CpuNs));
            report.Add(cases[i].Name, cpuNs, Sample.Median(costs[i].Select(c => c.WallNs)), cpuNs / basis);
        }

        report.Note($"medians of {rounds} rounds of {count} requests, {(RuntimeFeature.IsDynamicCodeCompiled ? "JIT, warmed up" : "NativeAOT")}");
        return report.Print(arguments.IsJson);
    }

    private static string Nested(string options) => $"{options},file.driver=null-co,file.size=1G";

    private static string RawChain(int layers)
    {
        List<string> options = ["driver=raw"];
        string prefix = "file.";
        for (int i = 1; i < layers; i++, prefix += "file.")
        {
            options.Add(prefix + "driver=raw");
        }

        options.Add(prefix + "driver=null-co");
        options.Add(prefix + "size=1G");
        return string.Join(',', options);
    }

    private static Cost Measure(Case which, long count)
    {
        // A hop to another thread costs twenty times as much as the rest: fewer of them say as much.
        count = which.IsForeign ? Math.Max(1, count / 20) : count;
        Cost cost = default;
        using ActivityListener? listener = which.IsListenedTo ? ListenToSpans() : null;
        BenchmarkWorld.Run(
            which.Options,
            async (world, backend) =>
            {
                await (which.WasMeasured ? (await world.Graph.MeasureAsync()).DisposeAsync() : default);
                await using GraphMeasurement? measurement = which.IsMeasured ? await world.Graph.MeasureAsync() : null;
                await world.Graph.TraceSlowRequestsAsync(which.IsTraced ? new SlowRequestTracing { ThresholdNs = long.MaxValue } : null);
                cost = which.IsForeign
                    ? await ForeignCaller.CallAsync(() => MeasureAsync(backend, which, count))
                    : await MeasureAsync(backend, which, count);
            },
            which.UsesPlans);
        return cost;
    }

    private static ActivityListener ListenToSpans()
    {
        ActivityListener listener = new()
        {
            ShouldListenTo = source => source.Name == SlowRequestTracing.SourceName,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
        };
        ActivitySource.AddActivityListener(listener);
        return listener;
    }

    private static async Task<Cost> MeasureAsync(BlockBackend backend, Case which, long count)
    {
        long startStamp = 0;
        long endStamp = 0;
        TimeSpan startCpu = default;
        TimeSpan endCpu = default;
        RequestLoad load = new(backend, which.Kind, which.Depth);
        await load.RunAsync(
            Math.Max(count / 4, 1000),
            count,
            () => (startStamp, startCpu) = (Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime),
            () => (endStamp, endCpu) = (Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime));
        return new Cost((endCpu - startCpu).TotalNanoseconds / count, Stopwatch.GetElapsedTime(startStamp, endStamp).TotalNanoseconds / count);
    }

    private readonly record struct Cost(double CpuNs, double WallNs);

    private sealed record Case(string Name, string Options, int Depth)
    {
        public RequestKind Kind { get; init; } = RequestKind.Read;

        public bool UsesPlans { get; init; } = true;

        public bool IsForeign { get; init; }

        public bool IsMeasured { get; init; }

        public bool WasMeasured { get; init; }

        public bool IsTraced { get; init; }

        public bool IsListenedTo { get; init; }
    }
}
