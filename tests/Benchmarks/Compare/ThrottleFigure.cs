using System.Globalization;

namespace BlockGraph.Benchmarks.Compare;

/// <summary>What a throttle whose limits are out of reach adds to a request on null-co: the tool with it and without, in turns.</summary>
internal static class ThrottleFigure
{
    /// <summary>What the figure is called.</summary>
    public const string Name = "one throttle, limits set but out of reach: added to null-co, depth 64";

    private const long Count = 4_000_000;
    private const double MustNs = 250;
    private const double AimNs = 120;
    private const string Storage = "driver=null-co,size=1G";
    private const string Throttled = "driver=throttle,limits.iops-total=1000000000000,limits.bps-total=1000000000000000,file.driver=null-co,file.size=1G";

    /// <summary>Measures it.</summary>
    public static FigureResult Measure(string tool, long rounds, double countScale)
    {
        long count = Math.Max(1, (long)(Count * countScale));
        List<double> addedNs = [];
        for (long round = 0; round < rounds; round++)
        {
            double bareNs = CpuNs(tool, Storage, count);
            addedNs.Add(CpuNs(tool, Throttled, count) - bareNs);
        }

        return new FigureResult(Name, "ns CPU", Spread.Of(addedNs), MustNs, AimNs);
    }

    private static double CpuNs(string tool, string options, long count)
    {
        ChildRun run = ChildRun.Of(tool, "img", "bench", "-c", count.ToString(CultureInfo.InvariantCulture), "-d", "64", "--image-opts", options);
        return run.ExitCode == 0 ? run.CpuNs / count : throw new ArgumentException($"img bench failed: {run.Output}");
    }
}
