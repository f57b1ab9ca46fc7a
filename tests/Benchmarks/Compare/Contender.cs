namespace BlockGraph.Benchmarks.Compare;

/// <summary>One program with one way to do a row's work.</summary>
/// <param name="Name">What it is called in the table.</param>
/// <param name="Program">The program.</param>
/// <param name="Count">How many requests a run has.</param>
/// <param name="Arguments">The command line for a number of requests, and the byte to write.</param>
internal sealed record Contender(string Name, string Program, long Count, Func<long, byte, string[]> Arguments)
{
    private readonly List<double> _cpuNs = [];
    private readonly List<double> _wallNs = [];
    private readonly List<double> _runNs = [];

    /// <summary>CPU a request, by round, in nanoseconds.</summary>
    public IReadOnlyList<double> CpuNs => _cpuNs;

    /// <summary>Wall time a request, by round, in nanoseconds.</summary>
    public IReadOnlyList<double> WallNs => _wallNs;

    /// <summary>How long a run took, in the middle, in nanoseconds.</summary>
    public double RunNs => Sample.Median(_runNs);

    /// <summary>Why it cannot do the work here, or null where it can: one request is tried.</summary>
    public string? Refusal()
    {
        ChildRun run = ChildRun.Of(Program, Arguments(1, 0));
        return run.ExitCode == 0 ? null : run.Output.Trim().ReplaceLineEndings(" ");
    }

    /// <summary>Runs it once more.</summary>
    /// <exception cref="ArgumentException">It has failed.</exception>
    public void RunOnce(byte pattern)
    {
        string[] arguments = Arguments(Count, pattern);
        ChildRun run = ChildRun.Of(Program, arguments);
        if (run.ExitCode != 0)
        {
            throw new ArgumentException($"{Program} {string.Join(' ', arguments)} failed: {run.Output}");
        }

        _cpuNs.Add(run.CpuNs / Count);
        _wallNs.Add(run.WallNs / Count);
        _runNs.Add(run.WallNs);
    }
}
