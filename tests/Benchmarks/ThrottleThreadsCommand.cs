using System.Diagnostics;
using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.Qapi.Options;

namespace BlockGraph.Benchmarks;

/// <summary>
/// Two members of one group, each on a thread of its own with equal depth, on the real clock: whether the total is the limit, how
/// they split it, and whether anything ever stood still. QEMU 7.2 aborts in this load.
/// </summary>
internal static class ThrottleThreadsCommand
{
    private const long Limit = 30_000;
    private const int Depth = 16;
    private const double TotalErrorPercentMax = 0.1;
    private const double SplitErrorPercentMax = 2;
    private const double StallSecondsMax = 1;
    private const double WarmUpSeconds = 1;
    private const long SampleNs = 100_000_000;

    public static int Run(string[] args)
    {
        CommandArguments arguments = new(args, "requests");
        long requests = arguments.Number("requests", 10_000_000);
        Outcome outcome = default;
        BenchmarkWorld.Run(Member("limits.iops-total=" + Limit + ","), async (world, first) =>
        {
            using IoThread firstThread = new("first");
            using IoThread secondThread = new("second");
            await using BlockBackend second = await world.Graph.OpenAsync(KeyvalParser.Parse(Member(string.Empty)));
            await first.MoveAsync(firstThread.Context);
            await second.MoveAsync(secondThread.Context);
            outcome = await MeasureAsync(world.Graph.MainContext, (first, firstThread.Context), (second, secondThread.Context), requests);
            await first.MoveAsync(world.Graph.MainContext);
            await second.MoveAsync(world.Graph.MainContext);
        });

        double measured = (outcome.FirstCount + outcome.SecondCount) / outcome.Seconds;
        double totalErrorPercent = 100 * ((measured / Limit) - 1);
        double splitPercent = 100.0 * outcome.FirstCount / (outcome.FirstCount + outcome.SecondCount);
        Report report = new("what", "measured", "wanted", "error %", "at most %");
        report.AddChecked(Math.Abs(totalErrorPercent) <= TotalErrorPercentMax, "requests a second", Math.Round(measured, 1), Limit, Math.Round(totalErrorPercent, 4), TotalErrorPercentMax);
        report.AddChecked(Math.Abs(splitPercent - 50) <= SplitErrorPercentMax, "first member's part, %", Math.Round(splitPercent, 3), 50, Math.Round(Math.Abs(splitPercent - 50), 3), SplitErrorPercentMax);
        report.AddChecked(outcome.LongestStallSeconds <= StallSecondsMax, "longest time without progress, s", Math.Round(outcome.LongestStallSeconds, 3), StallSecondsMax, null, null);
        report.Note($"{outcome.FirstCount} and {outcome.SecondCount} requests in {outcome.Seconds:0.0} s after {WarmUpSeconds} s of warm-up; depth {Depth} each, on null-co");
        return report.Print(arguments.IsJson);
    }

    private static string Member(string limits) => $"driver=throttle,throttle-group=shared,{limits}file.driver=null-co,file.size=1G";

    private static async Task<Outcome> MeasureAsync(AioContext main, (BlockBackend Backend, AioContext Home) first, (BlockBackend Backend, AioContext Home) second, long requests)
    {
        RequestLoad firstLoad = new(first.Backend, RequestKind.Read, Depth);
        RequestLoad secondLoad = new(second.Backend, RequestKind.Read, Depth);
        Task running = Task.WhenAll(
            first.Home.RunAsync(() => firstLoad.RunAsync(0, long.MaxValue / 2, null, null)),
            second.Home.RunAsync(() => secondLoad.RunAsync(0, long.MaxValue / 2, null, null)));
        long startStamp = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(startStamp).TotalSeconds < WarmUpSeconds)
        {
            await main.DelayAsync(SampleNs);
        }

        startStamp = Stopwatch.GetTimestamp();
        (long firstBase, long secondBase) = (firstLoad.CompletedCount, secondLoad.CompletedCount);
        Progress firstProgress = new(firstBase, startStamp);
        Progress secondProgress = new(secondBase, startStamp);
        (long firstCount, long secondCount) = (0, 0);
        while (firstCount + secondCount < requests)
        {
            await main.DelayAsync(SampleNs);
            firstCount = firstProgress.Sample(firstLoad.CompletedCount) - firstBase;
            secondCount = secondProgress.Sample(secondLoad.CompletedCount) - secondBase;
        }

        double seconds = Stopwatch.GetElapsedTime(startStamp).TotalSeconds;
        await first.Home.RunAsync(() => Stop(firstLoad));
        await second.Home.RunAsync(() => Stop(secondLoad));
        await running;
        return new Outcome(firstCount, secondCount, seconds, Math.Max(firstProgress.LongestSeconds, secondProgress.LongestSeconds));
    }

    private static Task Stop(RequestLoad load)
    {
        load.Stop();
        return Task.CompletedTask;
    }

    private readonly record struct Outcome(long FirstCount, long SecondCount, double Seconds, double LongestStallSeconds);

    /// <summary>How long a count has stood still at most.</summary>
    private sealed class Progress(long count, long stamp)
    {
        private long _count = count;
        private long _stamp = stamp;

        public double LongestSeconds { get; private set; }

        public long Sample(long count)
        {
            LongestSeconds = Math.Max(LongestSeconds, count == _count ? Stopwatch.GetElapsedTime(_stamp).TotalSeconds : 0);
            _stamp = count == _count ? _stamp : Stopwatch.GetTimestamp();
            _count = count;
            return count;
        }
    }
}
