namespace BlockGraph.Benchmarks;

/// <summary>
/// CPU of the whole process for a request on null-co: the published tool against <c>qemu-img bench</c>, in turns, so that a busy
/// machine disturbs both alike. Starting the programs is in it; the number of requests makes that small.
/// </summary>
internal static class NullCpuCommand
{
    private const double RatioMax = 0.3;
    private const string Qemu = "qemu-img";

    public static int Run(string[] args)
    {
        CommandArguments arguments = new(args, "count", "rounds");
        long count = arguments.Number("count", 4_000_000);
        long rounds = arguments.Number("rounds", 5);
        if (!ChildRun.HasCpuTimes)
        {
            Console.WriteLine("skipped: CPU times of other programs are known on Linux only");
            return 0;
        }

        try
        {
            ChildRun.Of(Qemu, "--version");
        }
        catch (FileNotFoundException error)
        {
            Console.WriteLine($"{error.Message}: skipped");
            return 0;
        }

        if (PublishedTool.FindOrPublish() is not { } tool)
        {
            return 1;
        }

        Report report = new("run", "cpu ns/request", "wall ns/request", "cpu ratio", "at most");
        Compare(report, tool, depth: 64, count, rounds, isChecked: true);

        // Depth 1 takes QEMU three times as long, and no number was set for it.
        Compare(report, tool, depth: 1, Math.Max(1, count / 4), rounds, isChecked: false);
        report.Note($"medians of {rounds} rounds in turns; 4 KiB requests, {count} at depth 64; the ratio is to the cheaper run of {Qemu}");
        return report.Print(arguments.IsJson);
    }

    private static void Compare(Report report, string tool, int depth, long count, long rounds, bool isChecked)
    {
        string depthText = $"{depth}";
        string countText = $"{count}";
        (string Name, string Program, string[] Arguments)[] runs =
        [
            ($"blockgraph, depth {depth}", tool, ["bench", "driver=null-co,size=1G", "--depth", depthText, "--count", countText]),
            ($"{Qemu}, depth {depth}", Qemu, ["bench", "-c", countText, "-d", depthText, "-s", "4096", "-f", "raw", "null-co://"]),
            ($"{Qemu} -t none, depth {depth}", Qemu, ["bench", "-t", "none", "-c", countText, "-d", depthText, "-s", "4096", "-f", "raw", "null-co://"]),
        ];
        List<ChildRun>[] results = [.. runs.Select(_ => new List<ChildRun>())];
        for (long round = 0; round < rounds; round++)
        {
            for (int i = 0; i < runs.Length; i++)
            {
                ChildRun run = ChildRun.Of(runs[i].Program, runs[i].Arguments);
                if (run.ExitCode != 0)
                {
                    throw new ArgumentException($"{runs[i].Program} {string.Join(' ', runs[i].Arguments)} failed: {run.Output}");
                }

                results[i].Add(run);
            }
        }

        double[] cpuNs = [.. results.Select(r => Sample.Median(r.Select(run => run.CpuNs / count)))];
        double[] wallNs = [.. results.Select(r => Sample.Median(r.Select(run => run.WallNs / count)))];
        double ratio = cpuNs[0] / Math.Min(cpuNs[1], cpuNs[2]);
        if (isChecked)
        {
            report.AddChecked(ratio <= RatioMax, runs[0].Name, cpuNs[0], wallNs[0], ratio, RatioMax);
        }
        else
        {
            report.Add(runs[0].Name, cpuNs[0], wallNs[0], ratio, null);
        }

        for (int i = 1; i < runs.Length; i++)
        {
            report.Add(runs[i].Name, cpuNs[i], wallNs[i], null, null);
        }
    }
}
