using System.Diagnostics;
using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Throttling;
using BlockGraph.Qapi.Options;

namespace BlockGraph.Benchmarks;

/// <summary>
/// What a throttle costs a request whose limits are out of reach, by the number of groups of ten members, against as many nodes
/// without one; and what a throttle without limits costs. The graphs take turns, round by round; medians count, of the ratios
/// those of rounds that followed each other.
/// A caller stays with a node for a few requests, as users of disks do. One row has every request go to another of ten thousand nodes: there
/// nearly everything that a node is made of comes from memory, and where it happens to lie counts for more than what it is: such rows vary from run to run
/// several times over. The row below it says what a second node costs there that is no throttle.
/// </summary>
internal static class ThrottleCostCommand
{
    private const int MemberCount = 10;
    private const int Depth = 64;
    private const int BurstLength = 32;
    private const double AboveNsMax = 250;
    private const double UnlimitedRatioMax = 1.02;
    private const int GroupCountMax = 1000;
    private const string Null = "driver=null-co,size=1G";

    public static int Run(string[] args)
    {
        CommandArguments arguments = new(args, "count", "rounds");
        long count = arguments.Number("count", 1_000_000);
        long rounds = arguments.Number("rounds", 9);
        Report report = new("graph", "cpu ns/request", "without throttle", "above", "ratio", "at most");
        foreach (int groupCount in (int[])[1, 10, 100, GroupCountMax])
        {
            (double throttled, double bare, double ratio) = Compare(groupCount * MemberCount, index => Limited(index / MemberCount), BurstLength, count, rounds);
            report.AddChecked(throttled - bare <= AboveNsMax, $"{groupCount} groups of {MemberCount}", throttled, bare, throttled - bare, ratio, AboveNsMax);
        }

        (double cold, double bareCold, double coldRatio) = Compare(GroupCountMax * MemberCount, index => Limited(index / MemberCount), burstLength: 1, count, rounds);
        report.Add($"{GroupCountMax} groups of {MemberCount}, each request to another node", cold, bareCold, cold - bareCold, coldRatio, null);
        (double layered, double bareLayer, double layerRatio) = Compare(GroupCountMax * MemberCount, _ => "driver=raw,file.driver=null-co,file.size=1G", burstLength: 1, count, rounds, usesPlans: false);
        report.Add($"{GroupCountMax * MemberCount} raw nodes without plans, each request to another node", layered, bareLayer, layered - bareLayer, layerRatio, null);
        foreach (int groupCount in (int[])[1, GroupCountMax])
        {
            double admission = Sample.Median(Enumerable.Range(0, (int)rounds).Select(_ => MeasureAdmission(groupCount, count)));
            report.Add($"{groupCount} groups of {MemberCount}, the admission alone, each of another member", admission, 0.0, admission, null, null);
        }

        // Two in a hundred want more rounds than a quarter of a microsecond does.
        (double unlimited, double none, double unlimitedRatio) = Compare(1, _ => "driver=throttle,file.driver=null-co,file.size=1G", BurstLength, count * 4, rounds * 3);
        report.AddChecked(unlimitedRatio <= UnlimitedRatioMax, "a throttle without limits", unlimited, none, unlimited - none, unlimitedRatio, UnlimitedRatioMax);
        report.Note($"medians of {rounds} rounds of {count} requests, depth {Depth}, {BurstLength} to a node before the next; cpu of all threads, wall for the admission alone");
        return report.Print(arguments.IsJson);
    }

    private static string Limited(int group) =>
        $"driver=throttle,throttle-group=g{group},limits.iops-total=1000000000000,limits.bps-total=1000000000000000,file.driver=null-co,file.size=1G";

    private static Comparison Compare(int nodeCount, Func<int, string> throttled, int burstLength, long count, long rounds, bool usesPlans = true)
    {
        List<double> throttledNs = [];
        List<double> bareNs = [];
        BenchmarkWorld.Run(Null, async (world, _) =>
        {
            List<BlockBackend> throttledBackends = await OpenAsync(world.Graph, nodeCount, throttled);
            List<BlockBackend> bareBackends = await OpenAsync(world.Graph, nodeCount, _ => Null);
            for (long round = 0; round < rounds; round++)
            {
                throttledNs.Add(await new SpreadLoad(throttledBackends, Depth, burstLength).MeasureAsync(count));
                bareNs.Add(await new SpreadLoad(bareBackends, Depth, burstLength).MeasureAsync(count));
            }

            foreach (BlockBackend backend in (BlockBackend[])[.. throttledBackends, .. bareBackends])
            {
                await backend.DisposeAsync();
            }
        }, usesPlans);
        return new Comparison(Sample.Median(throttledNs), Sample.Median(bareNs), Sample.Median(throttledNs.Zip(bareNs, (throttled, bare) => throttled / bare)));
    }

    private static async Task<List<BlockBackend>> OpenAsync(NodeGraph graph, int count, Func<int, string> options)
    {
        List<BlockBackend> backends = [];
        for (int index = 0; index < count; index++)
        {
            backends.Add(await graph.OpenAsync(KeyvalParser.Parse(options(index))));
        }

        return backends;
    }

    private static double MeasureAdmission(int groupCount, long count)
    {
        double nsEach = 0;
        using PolledAioContext context = new("admission");
        context.Run(() =>
        {
            ThrottleConfig limits = new() { IopsTotal = new ThrottleLimits(1_000_000_000_000), BpsTotal = new ThrottleLimits(1_000_000_000_000_000) };
            ThrottleGroup[] groups = [.. Enumerable.Range(0, groupCount).Select(index => new ThrottleGroup($"g{index}", limits))];
            ThrottleGroupMember[] members = [.. groups.SelectMany(group => Enumerable.Range(0, MemberCount).Select(_ => group.AddMember(context)))];
            long stamp = Stopwatch.GetTimestamp();
            for (long index = 0; index < count; index++)
            {
                members[index % members.Length].TryAdmit(ThrottleDirection.Read, 4096);
            }

            nsEach = Stopwatch.GetElapsedTime(stamp).TotalNanoseconds / count;
            return Task.CompletedTask;
        });
        return nsEach;
    }

    /// <param name="Throttled">The CPU time of a request with the node in question, in nanoseconds.</param>
    /// <param name="Bare">The same without it.</param>
    /// <param name="Ratio">The middle one of the ratios of rounds that followed each other: what drifts, drifts in both.</param>
    private readonly record struct Comparison(double Throttled, double Bare, double Ratio);

    /// <summary>A number of callers that each have one request in flight, a few to one backend, then to the next.</summary>
    private sealed class SpreadLoad(List<BlockBackend> backends, int depth, int burstLength)
    {
        private int _next;
        private long _toSubmit;

        /// <summary>The CPU time of a request, in nanoseconds, over <paramref name="count"/> of them after a quarter as many.</summary>
        public async Task<double> MeasureAsync(long count)
        {
            await RunAsync(count / 4);
            TimeSpan before = Environment.CpuUsage.TotalTime;
            await RunAsync(count);
            return (Environment.CpuUsage.TotalTime - before).TotalNanoseconds / count;
        }

        private Task RunAsync(long count)
        {
            _toSubmit = count;
            return Task.WhenAll(Enumerable.Range(0, depth).Select(_ => CallAsync(new byte[4096])).ToArray());
        }

        private async Task CallAsync(byte[] memory)
        {
            IoVector buffer = memory;
            while (_toSubmit > 0)
            {
                _next = _next + 1 == backends.Count ? 0 : _next + 1;
                BlockBackend backend = backends[_next];
                for (int left = burstLength; left > 0 && _toSubmit > 0; left--)
                {
                    _toSubmit--;
                    await backend.ReadAsync(0, buffer);
                }
            }
        }
    }
}
