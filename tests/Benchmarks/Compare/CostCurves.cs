using System.Globalization;
using BlockGraph.BlockCore.Io;
using BlockGraph.Qapi.Options;

namespace BlockGraph.Benchmarks.Compare;

/// <summary>Measures what a request costs by the size of the graph, by the requests under way, and by those that went before.</summary>
internal sealed class CostCurves(ComparedPrograms programs, long rounds, double countScale)
{
    /// <summary>What the curves are called.</summary>
    public static IReadOnlyList<string> Names { get; } = ["curve: nodes in the graph", "curve: requests in flight", "curve: past requests"];

    private const string Storage = "driver=null-co,size=1G";
    private const int Depth = 64;
    private const string InProcess = "null-co, depth 64, in this process (JIT, warmed up)";

    /// <summary>Measures the curve <paramref name="name"/>.</summary>
    public CostCurve Measure(string name) => Names.ToList().IndexOf(name) switch
    {
        0 => new CostCurve(name, InProcess, ByNodes([1, 10, 100, 1000, 10_000])),
        1 => new CostCurve(name, "null-co, the published tool and qemu-img bench in turns", [.. new[] { 1, 4, 16, 64, 256, 1024, 4096 }.Select(AtDepth)]),
        _ => new CostCurve(name, InProcess, AfterRequests()),
    };

    // The points in turns, forth and back: what the runtime does in the first seconds, and what else the machine does, is no point's own.
    private List<CostPoint> ByNodes(int[] nodeCounts)
    {
        AtNodes(nodeCounts[0]);
        List<double>[] costs = [.. nodeCounts.Select(_ => new List<double>())];
        for (long round = 0; round < 2 * rounds; round++)
        {
            foreach (int point in round % 2 == 0 ? Enumerable.Range(0, nodeCounts.Length) : Enumerable.Range(0, nodeCounts.Length).Reverse())
            {
                costs[point].Add(AtNodes(nodeCounts[point]));
            }
        }

        return [.. nodeCounts.Select((count, point) => new CostPoint(count, Sample.Median(costs[point]), null))];
    }

    private double AtNodes(int nodeCount)
    {
        double cost = 0;
        BenchmarkWorld.Run(Storage, async (world, backend) =>
        {
            for (int i = 1; i < nodeCount; i++)
            {
                await world.Graph.AddNodeAsync(KeyvalParser.Parse($"driver=null-co,node-name=other{i}"));
            }

            cost = await MeasureAsync(new RequestLoad(backend, RequestKind.Read, Depth), Scaled(500_000), Scaled(4_000_000));
        });
        return cost;
    }

    private CostPoint AtDepth(int depth)
    {
        List<double> ours = [];
        List<double> qemus = [];
        for (long round = 0; round < rounds; round++)
        {
            ours.Add(CpuNs(programs.Tool, ["img"], Scaled(4_000_000), depth));
            qemus.Add(CpuNs(ComparedPrograms.QemuImg, [], Scaled(400_000), depth));
        }

        return new CostPoint(depth, Sample.Median(ours), Sample.Median(qemus));
    }

    private List<CostPoint> AfterRequests()
    {
        List<CostPoint> points = [];
        BenchmarkWorld.Run(Storage, async (_, backend) =>
        {
            long past = 0;
            long count = Scaled(1_000_000);
            foreach (long wanted in new long[] { 200_000, 2_000_000, 8_000_000, 32_000_000 }.Select(Scaled))
            {
                points.Add(new CostPoint(wanted, await MeasureAsync(new RequestLoad(backend, RequestKind.Read, Depth), wanted - past, count), null));

                // The load has some more at its end.
                past = wanted + count + Depth;
            }
        });
        return points;
    }

    private static async Task<double> MeasureAsync(RequestLoad load, long warmUpCount, long count)
    {
        TimeSpan start = default;
        TimeSpan end = default;
        await load.RunAsync(Math.Max(1, warmUpCount), count, () => start = Environment.CpuUsage.TotalTime, () => end = Environment.CpuUsage.TotalTime);
        return (end - start).TotalNanoseconds / count;
    }

    private static double CpuNs(string program, string[] group, long count, int depth)
    {
        ChildRun run = ChildRun.Of(program, [.. group, "bench", "-c", count.ToString(CultureInfo.InvariantCulture), "-d", depth.ToString(CultureInfo.InvariantCulture), "--image-opts", Storage]);
        return run.ExitCode == 0 ? run.CpuNs / count : throw new ArgumentException($"{program} bench failed: {run.Output}");
    }

    private long Scaled(long count) => Math.Max(1, (long)(count * countScale));
}
