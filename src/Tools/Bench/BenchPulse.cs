using BlockGraph.BlockCore.Accounting;

namespace BlockGraph.Tools.Bench;

/// <summary>Takes a load's pulse: what has come about since it was asked last.</summary>
internal sealed class BenchPulse(BenchRun run, BenchLoad load)
{
    private const double NsPerSecond = 1e9;
    private readonly List<double> _history = [];
    private BenchTotals _last;
    private double _highestRate;

    /// <summary>How long requests took since the last time; the load records into it.</summary>
    public LatencyHistogram Recent { get; } = new();

    /// <summary>How the load is doing now.</summary>
    public BenchSnapshot Take()
    {
        BenchTotals now = run.Totals;
        long momentNs = Math.Max(1, now.ElapsedNs - _last.ElapsedNs);
        long count = now.DoneCount - _last.DoneCount;
        double rate = count / (momentNs / NsPerSecond);
        _highestRate = Math.Max(_highestRate, rate);
        _history.Add(rate);
        if (_history.Count > BenchScreen.HistoryCount)
        {
            _history.RemoveAt(0);
        }

        BenchSnapshot snapshot = new()
        {
            ElapsedNs = now.ElapsedNs,
            DoneCount = now.DoneCount,
            Progress = Math.Max((double)now.ElapsedNs / load.DurationNs ?? 0, (double)now.DoneCount / load.RequestCountMax ?? 0),
            RequestsPerSecond = rate,
            BytesPerSecond = rate * load.SizeBytes,
            Limit = run.Limit,
            RateShare = ShareOf(rate),
            WaitNs = Mean(now.WaitNs - _last.WaitNs, count),
            DeviceNs = Mean(now.DeviceNs - _last.DeviceNs, count),
            P99Ns = Recent.ValueAt(0.99),
            InFlightCount = now.InFlightCount,
            Depth = load.Depth,
            History = [.. _history],
            MomentNs = momentNs,
        };
        Recent.Clear();
        _last = now;
        return snapshot;
    }

    private static double Mean(long sum, long count) => count == 0 ? 0 : (double)sum / count;

    // Limits of one direction count its requests alone.
    private double ShareOf(double rate) =>
        run.Limit is not { } limit ? (_highestRate == 0 ? 0 : rate / _highestRate)
        : rate * limit.UnitsPerByte * load.SizeBytes * limit.ShareOf(load) / limit.Rate;
}
