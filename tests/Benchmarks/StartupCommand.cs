namespace BlockGraph.Benchmarks;

/// <summary>How long the published tool takes to answer <c>--version</c>, from starting the process to its end.</summary>
internal static class StartupCommand
{
    private const double MillisecondsMax = 20;

    public static int Run(string[] args)
    {
        CommandArguments arguments = new(args, "runs");
        long runs = arguments.Number("runs", 20);
        if (PublishedTool.FindOrPublish() is not { } tool)
        {
            return 1;
        }

        // The first one brings the program into the page cache.
        Answer(tool);
        double[] milliseconds = [.. Enumerable.Range(0, checked((int)runs)).Select(_ => Answer(tool).WallNs / 1e6)];
        double median = Sample.Median(milliseconds);
        Report report = new("command", "median ms", "fastest ms", "slowest ms", "at most");
        report.AddChecked(median <= MillisecondsMax, "blockgraph --version", median, milliseconds.Min(), milliseconds.Max(), MillisecondsMax);
        report.Note($"{runs} runs");
        return report.Print(arguments.IsJson);
    }

    private static ChildRun Answer(string tool)
    {
        ChildRun run = ChildRun.Of(tool, "--version");
        return run.ExitCode == 0 ? run : throw new ArgumentException($"blockgraph --version failed: {run.Output}");
    }
}
