namespace BlockGraph.Simulation.Tests.Storm;

/// <summary>How often each kind of operation was done, was refused, and failed for a fault that was meant to be. Any thread.</summary>
internal sealed class StormTally
{
    private static readonly string[] s_kinds = [.. StormWorker.Kinds, StormRun.ResumeKind, .. StormChanger.Kinds];
    private readonly Lock _lock = new();
    private readonly Dictionary<string, StormCounts> _counts = new(StringComparer.Ordinal);

    /// <summary>How many operations there were, whatever became of them.</summary>
    public long Total
    {
        get
        {
            lock (_lock)
            {
                return _counts.Values.Sum(c => c.Done + c.Refused + c.Failed);
            }
        }
    }

    /// <summary>The kinds of operation of which none was done.</summary>
    public IEnumerable<string> NeverDone => s_kinds.Where(kind => (_counts.GetValueOrDefault(kind)?.Done ?? 0) == 0);

    /// <summary>Prints a row for every kind there is.</summary>
    public void Print(TextWriter output)
    {
        output.WriteLine($"{"operation",-28}{"done",12}{"refused",12}{"failed",12}");
        foreach (string kind in s_kinds)
        {
            StormCounts counts = _counts.GetValueOrDefault(kind) ?? new StormCounts();
            output.WriteLine($"{kind,-28}{counts.Done,12}{counts.Refused,12}{counts.Failed,12}");
        }
    }

    /// <summary>Counts one operation.</summary>
    public void Add(string kind, StormOutcome outcome)
    {
        lock (_lock)
        {
            StormCounts counts = _counts.GetValueOrDefault(kind) ?? new StormCounts();
            _counts[kind] = outcome switch
            {
                StormOutcome.Done => counts with { Done = counts.Done + 1 },
                StormOutcome.Refused => counts with { Refused = counts.Refused + 1 },
                _ => counts with { Failed = counts.Failed + 1 },
            };
        }
    }

    /// <summary>Adds what <paramref name="other"/> has counted.</summary>
    public void Add(StormTally other)
    {
        foreach ((string kind, StormCounts counts) in other._counts)
        {
            StormCounts mine = _counts.GetValueOrDefault(kind) ?? new StormCounts();
            _counts[kind] = new StormCounts(mine.Done + counts.Done, mine.Refused + counts.Refused, mine.Failed + counts.Failed);
        }
    }
}

/// <summary>What became of an operation.</summary>
internal enum StormOutcome
{
    /// <summary>It took effect.</summary>
    Done,

    /// <summary>The graph said no, for a reason of its own.</summary>
    Refused,

    /// <summary>A fault that was meant to be kept it from taking effect.</summary>
    Failed,
}

/// <summary>The operations of one kind.</summary>
internal sealed record StormCounts(long Done = 0, long Refused = 0, long Failed = 0);
