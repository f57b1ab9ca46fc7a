using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.Benchmarks;

/// <summary>
/// How far the rate at the leaf is from the limit, on the real clock, once the burst is over: from the first completion after
/// the warm-up to the last, by the instants that the leaf's observer hears.
/// </summary>
internal static class ThrottleAccuracyCommand
{
    private const int SizeBytes = 4096;
    private const int Depth = 64;
    private const long WarmUpNs = 1_000_000_000;

    private static readonly Case[] s_cases =
    [
        new("iops-total", 1_000, 0.05),
        new("iops-total", 10_000, 0.05),
        new("iops-total", 50_000, 0.5),
        new("bps-total", 10L << 20, 0.05),
        new("bps-total", 100L << 20, 0.05),
        new("bps-total", 1L << 30, 0.05),
    ];

    public static int Run(string[] args)
    {
        CommandArguments arguments = new(args, "seconds");
        long seconds = arguments.Number("seconds", 10);
        Report report = new("limit", "value", "measured", "error %", "at most %", "completions", "seconds");
        foreach (Case which in s_cases)
        {
            SteadyRateObserver observer = Measure(which, seconds);
            double measured = which.Key.StartsWith("bps", StringComparison.Ordinal) ? observer.RatePerSecond * SizeBytes : observer.RatePerSecond;
            double errorPercent = 100 * ((measured / which.Limit) - 1);
            report.AddChecked(
                Math.Abs(errorPercent) <= which.ErrorPercentMax,
                which.Key, which.Limit, Math.Round(measured, 1), Math.Round(errorPercent, 4), which.ErrorPercentMax, observer.Count, observer.Seconds);
        }

        report.Note($"null-co under throttle, depth {Depth}, {SizeBytes} bytes a request, {WarmUpNs / 1_000_000_000} s of warm-up before {seconds} s");
        return report.Print(arguments.IsJson);
    }

    private static SteadyRateObserver Measure(Case which, long seconds)
    {
        SteadyRateObserver observer = null!;
        BenchmarkWorld.Run($"driver=throttle,limits.{which.Key}={which.Limit},file.driver=null-co,file.size=1G", async (world, backend) =>
        {
            BlockNode leaf = BenchmarkWorld.LeafOf(backend);
            RequestLoad load = new(backend, RequestKind.Read, Depth, SizeBytes);
            observer = new SteadyRateObserver(WarmUpNs, seconds * 1_000_000_000, load.Stop);
            await world.Graph.ObserveAsync(leaf, observer);
            await load.RunAsync(0, long.MaxValue / 2, null, null);
            await world.Graph.ObserveAsync(leaf, null);
        });
        return observer;
    }

    private sealed record Case(string Key, long Limit, double ErrorPercentMax);
}
