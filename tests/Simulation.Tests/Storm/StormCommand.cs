using System.Globalization;
using BlockGraph.Simulation.Tests.Images;

namespace BlockGraph.Simulation.Tests.Storm;

/// <summary>The command line: many seeds, one seed again, or a stress on real threads.</summary>
internal static class StormCommand
{
    private const string Usage =
        """
        usage: dotnet run --project tests/Simulation.Tests -c Release -- --seeds A..B | --seed N [--trace] | --images A..B | --stress [--threads N] [--minutes N | --seconds N] [--seed N]

          --seeds A..B   a storm for each seed from A to B, on every processor; counts of operations by kind. Exit 1 at the first finding, which names its
                         seed, and where there are a hundred seeds and a kind of operation was never done
          --seed N       the storm of one seed, with its event hash: the same in every process
          --images A..B  a work on whole images for each seed: conversions, commits, rebases, comparisons that fail or are cancelled. Exit 1 at the first finding
          --trace        each change of it, when it is over, and the graph as it is then
          --stress       storms on real threads (8) for a while (30 minutes), one after the other, each with everything closed and checked at its end. Exit 1 at
                         the first finding, or when a storm hangs; --seed is that of the first storm, 1 where absent
          --help         this text
        """;

    public static int Run(string[] args, TextWriter output, TextWriter errors)
    {
        try
        {
            return args switch
            {
                ["--help" or "-h"] => Help(output),
                ["--seed", var seed] => RunOne(new StormOptions(Number("--seed", seed)), output),
                ["--seed", var seed, "--trace"] => RunOne(new StormOptions(Number("--seed", seed)) { Trace = output.WriteLine }, output),
                ["--seeds", var range] => RunRange(range, output),
                ["--images", var range] => RunImages(range, output),
                ["--stress", .. var rest] => new StormStress(StormStressOptions.Read(rest), output).Run(),
                [] => throw new FormatException("say what to run: --seeds A..B, --seed N, --images A..B or --stress"),
                _ => throw new FormatException($"'{string.Join(' ', args)}' is not how it is called"),
            };
        }
        catch (FormatException error)
        {
            errors.WriteLine($"{error.Message} (--help says more)");
            return 2;
        }
    }

    /// <summary>The value of an option that is a whole number.</summary>
    /// <exception cref="FormatException">It is none, or has more than 32 bits.</exception>
    public static int Number(string option, string text) => int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number)
        ? number
        : throw new FormatException($"Option '{option}' takes a whole number of 32 bits, not '{text}'");

    private static int RunRange(string range, TextWriter output)
    {
        (int first, int last) = Range("--seeds", range);
        return RunMany(first, last, output);
    }

    private static (int First, int Last) Range(string option, string range) =>
        range.Split("..") is [var first, var last] && Number(option, first) <= Number(option, last)
            ? (Number(option, first), Number(option, last))
            : throw new FormatException($"Option '{option}' takes a range A..B, A not above B, not '{range}'");

    private static int RunImages(string range, TextWriter output)
    {
        (int first, int last) = Range("--images", range);
        List<ImageWorkResult> results = [];
        try
        {
            for (int seed = first; seed <= last; seed++)
            {
                results.Add(ImageScenario.Run(seed));
            }
        }
        catch (AssertionException finding)
        {
            output.WriteLine(finding.Message);
            return 1;
        }

        foreach (IGrouping<ImageWork, ImageWorkResult> some in results.GroupBy(result => result.Work).OrderBy(group => group.Key))
        {
            output.WriteLine($"{some.Key,-10}{some.Count(),8}, of which {some.Count(result => result.HasFailed)} failed and {some.Count(result => result.IsCancelled)} were cancelled");
        }

        output.WriteLine("no finding");
        return 0;
    }

    private static int Help(TextWriter output)
    {
        output.WriteLine(Usage);
        return 0;
    }

    private static int RunOne(StormOptions options, TextWriter output)
    {
        new StormCrash(() => [options.Seed], output).Watch();
        StormResult result = StormRun.Run(options);
        result.Tally.Print(output);
        output.WriteLine($"faults: {result.FaultCount}");
        output.WriteLine($"seed {options.Seed} hash {result.EventHash:x16}");
        if (result.Details is not null)
        {
            output.WriteLine(result.Details);
        }

        return Conclude(options.Seed, result, output);
    }

    private static int RunMany(int first, int last, TextWriter output)
    {
        StormSeries series = new(first, last) { Progress = output.WriteLine };
        new StormCrash(() => series.UnderWay, output).Watch();
        series.Run(Environment.ProcessorCount);
        series.Tally.Print(output);
        output.WriteLine($"seeds {first}..{last}: {series.DoneCount} storms, {series.Tally.Total} operations, at least {series.OperationCountMin} a seed; {series.FaultCount} faults; {series.PerSecond} storms a second");
        if (series.Failed is var (seed, result))
        {
            output.WriteLine($"again: dotnet run --project tests/Simulation.Tests -c Release -- --seed {seed}");
            return Conclude(seed, result, output);
        }

        string[] never = series.DoneCount < StormSeries.SeedCountForEveryKind ? [] : [.. series.Tally.NeverDone];
        output.WriteLine(never.Length == 0 ? "no finding" : $"never done: {string.Join(", ", never)}");
        return never.Length == 0 ? 0 : 1;
    }

    private static int Conclude(int seed, StormResult result, TextWriter output)
    {
        foreach (string finding in result.Findings)
        {
            output.WriteLine($"seed {seed}: {finding}");
        }

        return result.Findings.Count == 0 ? 0 : 1;
    }
}
