using System.Diagnostics;
using System.Globalization;

namespace BlockGraph.Benchmarks.Compare;

/// <summary>What an open raw file with 64 requests under way takes beyond the same program at rest: memory that it alone has, and has written to.</summary>
internal static class MemoryFigure
{
    /// <summary>What the figure is called.</summary>
    public const string Name = "memory of an open raw file with 64 requests of 4 KiB under way, beyond the program at rest";

    private const double MustKib = 1024;
    private const int SampleCount = 10;
    private const int SettleMs = 300;
    private const int SampleMs = 30;
    private const string Field = "Private_Dirty:";

    /// <summary>Measures it on <paramref name="image"/>.</summary>
    public static FigureResult Measure(string tool, TestImage image, long rounds)
    {
        List<double> beyondKib = [];
        for (long round = 0; round < rounds; round++)
        {
            double idleKib = SampleKib(tool, "io");
            string count = int.MaxValue.ToString(CultureInfo.InvariantCulture);
            beyondKib.Add(SampleKib(tool, "img", "bench", "-c", count, "-d", "64", "-f", "raw", image.Path) - idleKib);
        }

        return new FigureResult(Name, "KiB", Spread.Of(beyondKib), MustKib, null);
    }

    private static double SampleKib(string tool, params string[] arguments)
    {
        ProcessStartInfo start = new(tool, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        using Process child = Process.Start(start)!;
        try
        {
            List<double> samples = [];
            for (int i = 0; i < SampleCount; i++)
            {
                if (child.WaitForExit(i == 0 ? SettleMs : SampleMs))
                {
                    throw new ArgumentException($"{tool} {string.Join(' ', arguments)} has ended early: {child.StandardError.ReadToEnd()}");
                }

                samples.Add(DirtyKib(child.Id));
            }

            return Sample.Median(samples);
        }
        finally
        {
            child.Kill();
            child.WaitForExit();
        }
    }

    private static double DirtyKib(int processId)
    {
        string line = File.ReadLines($"/proc/{processId}/smaps_rollup").First(text => text.StartsWith(Field, StringComparison.Ordinal));
        return double.Parse(line[Field.Length..].Replace("kB", string.Empty, StringComparison.Ordinal), CultureInfo.InvariantCulture);
    }
}
