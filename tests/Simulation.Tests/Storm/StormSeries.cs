using System.Diagnostics;

namespace BlockGraph.Simulation.Tests.Storm;

/// <summary>The storms of many seeds, several at once: each has a thread to itself, since a seed depends on no other.</summary>
internal sealed class StormSeries(int first, int last)
{
    /// <summary>Of so many seeds each kind of operation must have been done at least once.</summary>
    public const int SeedCountForEveryKind = 100;

    private const int ProgressMs = 5_000;

    // A storm takes some twenty milliseconds.
    private const int HangMs = 60_000;
    private readonly Lock _lock = new();
    private readonly Stopwatch _watch = new();
    private readonly Dictionary<int, long> _underWay = [];
    private long _next = first;
    private long _progressMs;

    /// <summary>Told how far it is, every few seconds.</summary>
    public Action<string>? Progress { get; init; }

    /// <summary>What was done, in all storms together.</summary>
    public StormTally Tally { get; } = new();

    /// <summary>The seeds whose storms rage now. Any thread.</summary>
    public IReadOnlyList<int> UnderWay
    {
        get
        {
            lock (_lock)
            {
                return [.. _underWay.Keys.Order()];
            }
        }
    }

    /// <summary>How many storms have ended.</summary>
    public int DoneCount { get; private set; }

    /// <summary>How many faults have taken effect, in all storms together.</summary>
    public long FaultCount { get; private set; }

    /// <summary>The number of operations of the storm that had the fewest.</summary>
    public long OperationCountMin { get; private set; } = long.MaxValue;

    /// <summary>The lowest seed with a finding, of those that were run, or null.</summary>
    public (int Seed, StormResult Result)? Failed { get; private set; }

    /// <summary>How many storms a second takes.</summary>
    public long PerSecond => DoneCount * 1000L / Math.Max(1, _watch.ElapsedMilliseconds);

    /// <summary>Runs them on so many threads, up to the first finding.</summary>
    public void Run(int threadCount)
    {
        _watch.Start();
        Thread[] threads = [.. Enumerable.Range(0, threadCount).Select(_ => new Thread(RunSeeds) { IsBackground = true })];
        Array.ForEach(threads, t => t.Start());
        while (!Array.TrueForAll(threads, t => t.Join(ProgressMs / threadCount)) && !HasHanging())
        {
            // Another look.
        }
    }

    // One that goes round and round, without virtual time going on, ends by no means: it is left behind.
    private bool HasHanging()
    {
        lock (_lock)
        {
            foreach ((int seed, long startMs) in _underWay)
            {
                if (_watch.ElapsedMilliseconds - startMs > HangMs && !(Failed?.Seed < seed))
                {
                    Failed = (seed, new StormResult(0, new StormTally(), [$"hangs: not over after {HangMs / 1000} s"], 0, null));
                    return true;
                }
            }

            return false;
        }
    }

    private void RunSeeds()
    {
        while (TryTake(out int seed))
        {
            Add(seed, StormRun.Run(new StormOptions(seed)));
        }
    }

    private bool TryTake(out int seed)
    {
        lock (_lock)
        {
            seed = (int)Math.Min(_next, last);
            return Failed is null && _next++ <= last && _underWay.TryAdd(seed, _watch.ElapsedMilliseconds);
        }
    }

    private void Add(int seed, StormResult result)
    {
        lock (_lock)
        {
            _underWay.Remove(seed);
            Tally.Add(result.Tally);
            DoneCount++;
            FaultCount += result.FaultCount;
            OperationCountMin = Math.Min(OperationCountMin, result.Tally.Total);
            if (result.Findings.Count > 0 && !(Failed?.Seed < seed))
            {
                Failed = (seed, result);
            }

            if (_watch.ElapsedMilliseconds - _progressMs >= ProgressMs)
            {
                _progressMs = _watch.ElapsedMilliseconds;
                Progress?.Invoke($"{DoneCount} of {last - (long)first + 1} seeds, {PerSecond} a second");
            }
        }
    }
}
