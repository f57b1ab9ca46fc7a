using System.Globalization;

namespace BlockGraph.Simulation.Tests.Storm;

/// <summary>The command line: many seeds, one seed again, or a stress on real threads.</summary>
internal static class StormCommand
{
    private const string Usage =
        """
        usage: dotnet run --project tests/Simulation.Tests -c Release -- --seeds A..B | --seed N | --stress [--threads N] [--minutes M]

          --seeds A..B   a storm for each seed from A to B; counts of operations by kind; exit 1, naming the seed, at the first finding
          --seed N       the storm of one seed, with its event hash: the same in every process
          --stress       the same operations on real threads (8) for a while (30 minutes)
        """;

    public static int Run(string[] args, TextWriter output, TextWriter errors)
    {
        try
        {
            return args switch
            {
                ["--seed", var seed] => RunOne(int.Parse(seed, CultureInfo.InvariantCulture), output),
                ["--seeds", var range] when range.Split("..") is [var first, var last] =>
                    RunMany(int.Parse(first, CultureInfo.InvariantCulture), int.Parse(last, CultureInfo.InvariantCulture), output),
                _ => Refuse(errors),
            };
        }
        catch (FormatException)
        {
            return Refuse(errors);
        }
    }

    private static int Refuse(TextWriter errors)
    {
        errors.WriteLine(Usage);
        return 2;
    }

    private static int RunOne(int seed, TextWriter output)
    {
        StormResult result = StormRun.Run(new StormOptions(seed));
        Print(result.Tally, output);
        output.WriteLine($"faults: {result.FaultCount}");
        output.WriteLine($"seed {seed} hash {result.EventHash:x16}");
        if (result.Details is not null)
        {
            output.WriteLine(result.Details);
        }

        return Conclude(seed, result, output);
    }

    private static int RunMany(int first, int last, TextWriter output)
    {
        StormTally tally = new();
        long faultCount = 0;
        long leastOperations = long.MaxValue;
        for (int seed = first; seed <= last; seed++)
        {
            StormResult result = StormRun.Run(new StormOptions(seed));
            tally.Add(result.Tally);
            faultCount += result.FaultCount;
            leastOperations = Math.Min(leastOperations, result.Tally.Total);
            if (Conclude(seed, result, output) != 0)
            {
                return 1;
            }
        }

        Print(tally, output);
        output.WriteLine($"seeds {first}..{last}: {tally.Total} operations, at least {leastOperations} a seed; {faultCount} faults; no finding");
        string[] never = [.. tally.Counts.Where(c => c.Value.Done == 0).Select(c => c.Key)];
        if (never.Length > 0)
        {
            output.WriteLine($"never done: {string.Join(", ", never)}");
        }

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

    private static void Print(StormTally tally, TextWriter output)
    {
        output.WriteLine($"{"operation",-26}{"done",10}{"refused",10}{"failed",10}");
        foreach ((string kind, StormCounts counts) in tally.Counts)
        {
            output.WriteLine($"{kind,-26}{counts.Done,10}{counts.Refused,10}{counts.Failed,10}");
        }
    }
}
