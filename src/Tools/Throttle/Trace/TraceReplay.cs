using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Throttling;
using BlockGraph.Tools.Throttle.Simulation;

namespace BlockGraph.Tools.Throttle.Trace;

/// <summary>A trace under limits: when each request was admitted, which limit held requests back for how long, and how full the buckets were.</summary>
internal sealed class TraceReplay : ISimulationObserver
{
    private const int DirectionCount = 2;
    private readonly long[] _boundNs = new long[ThrottleKeys.MeterCount * 2];
    private readonly int?[] _binding = new int?[DirectionCount];
    private readonly int[] _waitingCounts = new int[DirectionCount];
    private readonly RequestState[] _states;
    private readonly ThrottleMeter[] _meters;
    private readonly List<LevelSample>[] _levels;
    private ThrottleGroup _group = null!;
    private long _lastNs;

    private TraceReplay(TraceFile trace, ThrottleConfig config)
    {
        Trace = trace;
        Config = config;
        _states = new RequestState[trace.Requests.Length];
        _meters = [.. Enum.GetValues<ThrottleMeter>().Where(meter => config[meter].Rate != 0)];
        _levels = [.. Enum.GetValues<ThrottleMeter>().Select(_ => new List<LevelSample>())];
    }

    /// <summary>The trace.</summary>
    public TraceFile Trace { get; }

    /// <summary>The limits.</summary>
    public ThrottleConfig Config { get; }

    /// <summary>When each request was admitted, in nanoseconds since the first was submitted.</summary>
    public IReadOnlyList<long> AdmittedAtNs { get; private set; } = [];

    /// <summary>The keys whose limits held requests back, and for how long any request of a direction waited for them, in nanoseconds; the longest first.</summary>
    public IReadOnlyList<(ThrottleKey Key, long Ns)> Bound =>
    [
        .. _boundNs.Index()
            .Where(item => item.Item > 0)
            .OrderByDescending(item => item.Item)
            .Select(item => (ThrottleKeys.Of((ThrottleMeter)(item.Index / 2), item.Index % 2 == 0 ? ThrottleKeyPart.Rate : ThrottleKeyPart.Burst), item.Item)),
    ];

    /// <summary>The meter to draw: the one that held requests back longest, else the first that is limited; null where none is.</summary>
    public ThrottleMeter? MainMeter => Bound is [(ThrottleKey key, _), ..] ? key.Meter : _meters.Length > 0 ? _meters[0] : null;

    /// <summary>Runs <paramref name="trace"/> under <paramref name="config"/>.</summary>
    public static TraceReplay Run(TraceFile trace, ThrottleConfig config)
    {
        TraceReplay replay = new(trace, config);
        replay.AdmittedAtNs = ThrottleSimulation.Run(config, Math.Max(1, trace.Members.Count), trace.Requests, replay);
        return replay;
    }

    /// <summary>How full the bucket of <paramref name="meter"/> was after each admission.</summary>
    public IReadOnlyList<LevelSample> Levels(ThrottleMeter meter) => _levels[(int)meter];

    /// <summary>True where <paramref name="meter"/> counts requests of <paramref name="kind"/>.</summary>
    public static bool Counts(ThrottleMeter meter, RequestKind kind) => meter switch
    {
        _ when kind == RequestKind.Flush => false,
        ThrottleMeter.BpsRead or ThrottleMeter.IopsRead => kind == RequestKind.Read,
        ThrottleMeter.BpsWrite or ThrottleMeter.IopsWrite => kind != RequestKind.Read,
        _ => true,
    };

    /// <inheritdoc/>
    public void OnStart(ThrottleGroup group) => _group = group;

    /// <inheritdoc/>
    public void OnSubmitted(int index, long nowNs)
    {
        // One that need not wait was admitted before its submission was through.
        if (_states[index] == RequestState.New)
        {
            Advance(nowNs);
            _waitingCounts[DirectionOf(index)]++;
            _states[index] = RequestState.Waiting;
            Look();
        }
    }

    /// <inheritdoc/>
    public void OnAdmitted(int index, long nowNs)
    {
        Advance(nowNs);
        if (_states[index] == RequestState.Waiting)
        {
            _waitingCounts[DirectionOf(index)]--;
        }

        _states[index] = RequestState.Admitted;
        Look();
        if (Trace.Requests[index].Kind != RequestKind.Flush)
        {
            foreach (ThrottleMeter meter in _meters)
            {
                _levels[(int)meter].Add(new LevelSample(nowNs, _group.Bucket(meter).Level));
            }
        }
    }

    private int DirectionOf(int index) => Trace.Requests[index].Kind == RequestKind.Read ? (int)ThrottleDirection.Read : (int)ThrottleDirection.Write;

    // What was true until now was true since the last event; a limit that holds both directions back does so once.
    private void Advance(long nowNs)
    {
        long elapsedNs = nowNs - _lastNs;
        _lastNs = nowNs;
        for (int direction = 0; direction < DirectionCount; direction++)
        {
            if (_binding[direction] is { } key && (direction == 0 || _binding[0] != key))
            {
                _boundNs[key] += elapsedNs;
            }
        }
    }

    private void Look()
    {
        for (int direction = 0; direction < DirectionCount; direction++)
        {
            _binding[direction] = _waitingCounts[direction] == 0 ? null : FindBinding(direction) ?? _binding[direction];
        }
    }

    // All waits shrink alike while nothing is charged, so that it does not matter when the buckets leaked last.
    private int? FindBinding(int direction)
    {
        int? binding = null;
        long longestNs = 0;
        foreach (ThrottleMeter meter in _meters)
        {
            if (!Counts(meter, direction == (int)ThrottleDirection.Read ? RequestKind.Read : RequestKind.Write))
            {
                continue;
            }

            LeakyBucket bucket = _group.Bucket(meter);
            long waitNs = bucket.WaitNs();
            if (waitNs > longestNs)
            {
                longestNs = waitNs;
                binding = ((int)meter * 2) + (bucket.Level > bucket.Capacity ? 0 : 1);
            }
        }

        return binding;
    }

    private enum RequestState : byte
    {
        New,
        Waiting,
        Admitted,
    }

    /// <summary>How full a bucket was.</summary>
    /// <param name="AtNs">When, right after an admission.</param>
    /// <param name="Level">In units.</param>
    internal readonly record struct LevelSample(long AtNs, double Level);
}
