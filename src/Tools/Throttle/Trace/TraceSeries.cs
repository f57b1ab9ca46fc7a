using BlockGraph.BlockCore.Throttling;
using BlockGraph.Tools.Throttle.Simulation;

namespace BlockGraph.Tools.Throttle.Trace;

/// <summary>A run over time, cut into bins of equal length: what the charts draw. Rates are in units of the main meter a second, or in operations where nothing is limited.</summary>
internal sealed class TraceSeries
{
    private const double NsPerSecond = 1e9;
    private const double ShownFactor = 2.5;
    private readonly TraceReplay _replay;
    private readonly double _binNs;

    private TraceSeries(TraceReplay replay, int binCount)
    {
        _replay = replay;
        SpanNs = Math.Max(1, replay.AdmittedAtNs.Max());
        _binNs = (double)SpanNs / binCount;
        BinCount = binCount;
        Meter = replay.MainMeter ?? ThrottleMeter.IopsTotal;
        Limits = replay.Config[Meter];
        Offered = new double[binCount];
        Admitted = new double[binCount];
        WaitMaxNs = new double[binCount];
        FillRates();
        WaitMedianNs = FindMedians();
        QueueDepth = FindQueueDepths();
        Level = FindLevels();
    }

    /// <summary>How many bins there are.</summary>
    public int BinCount { get; }

    /// <summary>From the first submission to the last admission, in nanoseconds.</summary>
    public long SpanNs { get; }

    /// <summary>The meter whose units the rates are in.</summary>
    public ThrottleMeter Meter { get; }

    /// <summary>That meter's limits; without a rate where nothing is limited.</summary>
    public ThrottleLimits Limits { get; }

    /// <summary>True where the units are bytes.</summary>
    public bool CountsBytes => Meter is ThrottleMeter.BpsTotal or ThrottleMeter.BpsRead or ThrottleMeter.BpsWrite;

    /// <summary>What the requests of each bin come to, by when they were submitted, in units a second.</summary>
    public double[] Offered { get; }

    /// <summary>The same by when they were admitted.</summary>
    public double[] Admitted { get; }

    /// <summary>The longest wait of the requests submitted in each bin, in nanoseconds.</summary>
    public double[] WaitMaxNs { get; }

    /// <summary>The median of those waits, in nanoseconds.</summary>
    public double[] WaitMedianNs { get; }

    /// <summary>The most requests that waited at once in each bin.</summary>
    public double[] QueueDepth { get; }

    /// <summary>How full the meter's bucket was at most in each bin, in units.</summary>
    public double[] Level { get; }

    /// <summary>
    /// The highest rate that a chart is worth its height for, in units a second: a single large request may be far above everything else, and what
    /// is offered in a storm far above what is admitted.
    /// </summary>
    public double RateShown
    {
        get
        {
            double limit = Math.Max(Limits.Rate, Limits.BurstLengthSeconds > 1 ? Limits.Burst : 0);
            double admitted = limit == 0 ? Admitted.Max() : Math.Max(limit, Math.Min(Admitted.Max(), ShownFactor * limit));
            return Math.Max(1e-9, Math.Min(Offered.Max() > admitted ? ShownFactor * admitted : admitted, Math.Max(admitted, Offered.Max())));
        }
    }

    /// <summary>The capacity of the meter's bucket, in units.</summary>
    public double Capacity => new LeakyBucket(Limits, _replay.Config.BurstWindowMs, _replay.Config.IsPaced).Capacity;

    /// <summary>Cuts <paramref name="replay"/> into <paramref name="binCount"/> bins.</summary>
    public static TraceSeries Of(TraceReplay replay, int binCount) => new(replay, binCount);

    /// <summary>When bin <paramref name="index"/> begins, in nanoseconds.</summary>
    public double StartNs(int index) => index * _binNs;

    private int BinOf(long ns) => (int)Math.Clamp(ns / _binNs, 0, BinCount - 1);

    private void FillRates()
    {
        for (int index = 0; index < _replay.Trace.Requests.Length; index++)
        {
            SimulatedRequest request = _replay.Trace.Requests[index];
            long admittedNs = _replay.AdmittedAtNs[index];
            int bin = BinOf(request.SubmitNs);
            WaitMaxNs[bin] = Math.Max(WaitMaxNs[bin], admittedNs - request.SubmitNs);
            if (TraceReplay.Counts(Meter, request.Kind))
            {
                double units = CountsBytes ? request.LengthBytes : _replay.Config.CostInOperations(request.LengthBytes);
                Offered[bin] += units * NsPerSecond / _binNs;
                Admitted[BinOf(admittedNs)] += units * NsPerSecond / _binNs;
            }
        }
    }

    private double[] FindMedians()
    {
        double[] medians = new double[BinCount];
        foreach (IGrouping<int, long> bin in _replay.Trace.Requests.Index().GroupBy(item => BinOf(item.Item.SubmitNs), item => _replay.AdmittedAtNs[item.Index] - item.Item.SubmitNs))
        {
            long[] waits = [.. bin.Order()];
            medians[bin.Key] = waits[(waits.Length - 1) / 2];
        }

        return medians;
    }

    private double[] FindQueueDepths()
    {
        // Those that wait come as +1 and go as -1; at one instant they come first.
        List<(long AtNs, int Step)> steps = [];
        for (int index = 0; index < _replay.Trace.Requests.Length; index++)
        {
            if (_replay.AdmittedAtNs[index] > _replay.Trace.Requests[index].SubmitNs)
            {
                steps.Add((_replay.Trace.Requests[index].SubmitNs, 1));
                steps.Add((_replay.AdmittedAtNs[index], -1));
            }
        }

        double[] depths = new double[BinCount];
        int depth = 0;
        int filled = 0;
        foreach ((long atNs, int step) in steps.OrderBy(item => item.AtNs).ThenByDescending(item => item.Step))
        {
            int bin = BinOf(atNs);
            for (; filled < bin; filled++)
            {
                depths[filled + 1] = depth;
            }

            depth += step;
            depths[bin] = Math.Max(depths[bin], depth);
        }

        return depths;
    }

    // Between two admissions a bucket leaks steadily.
    private double[] FindLevels()
    {
        double[] levels = new double[BinCount];
        double lastLevel = 0;
        double lastNs = 0;
        int filled = 0;
        foreach (TraceReplay.LevelSample sample in _replay.Levels(Meter))
        {
            FillUntil(BinOf(sample.AtNs));
            int bin = BinOf(sample.AtNs);
            levels[bin] = Math.Max(levels[bin], sample.Level);
            (lastLevel, lastNs) = (sample.Level, sample.AtNs);
        }

        FillUntil(BinCount - 1);
        return levels;

        void FillUntil(int bin)
        {
            for (; filled < bin; filled++)
            {
                double leaked = Limits.Rate * (StartNs(filled + 1) - lastNs) / NsPerSecond;
                levels[filled + 1] = Math.Max(0, lastLevel - leaked);
            }
        }
    }
}
