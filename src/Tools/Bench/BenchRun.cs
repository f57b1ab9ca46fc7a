using BlockGraph.BlockCore.Accounting;
using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Throttling;

namespace BlockGraph.Tools.Bench;

/// <summary>One load on one backend: as many loops as requests under way, and what is measured of them.</summary>
/// <remarks>
/// Everything runs on the backend's context, so that plain fields do. In the steady state nothing is allocated, and the clock
/// is the loop's own, read once a turn.
/// </remarks>
internal sealed class BenchRun
{
    /// <summary>How many requests may complete at one instant of virtual time before the load counts as one that takes no time.</summary>
    internal const long TimelessRequestCountMax = 1_000_000;

    private readonly BlockBackend _backend;
    private readonly BenchLoad _load;
    private readonly AioContext _context;
    private readonly BenchRequests _requests;
    private readonly bool _isVirtualTime;
    private readonly LatencyHistogram _latencies = new();
    private readonly LatencyHistogram _waits = new();
    private readonly LeafObserver _leaf;
    private readonly BindingLimit? _limit;
    private readonly long _countMax;
    private long _startNs;
    private long _endNs;
    private long _issuedCount;
    private long _doneCount;
    private long _latencyNs;
    private long _waitNs;
    private bool _isLayered;
    private bool _isStarted;
    private bool _isStopping;

    /// <summary>Prepares <paramref name="load"/> on <paramref name="backend"/>.</summary>
    /// <exception cref="BlockException">The image is shorter than one request.</exception>
    public BenchRun(BlockBackend backend, BenchLoad load, bool isVirtualTime)
    {
        if (backend.LengthBytes < load.SizeBytes)
        {
            throw new BlockException($"the image of {backend.LengthBytes} bytes is shorter than one request of {load.SizeBytes} bytes");
        }

        _backend = backend;
        _load = load;
        _context = backend.Context;
        _isVirtualTime = isVirtualTime;
        _requests = new BenchRequests(load, backend.LengthBytes);
        _limit = BindingLimit.Find(backend.Root!, load);
        _leaf = new LeafObserver(_limit);
        _countMax = load.RequestCountMax ?? long.MaxValue;
    }

    /// <summary>The node that the load goes to.</summary>
    public BlockNode Root => _backend.Root!;

    /// <summary>The limit that the load meets first, or null.</summary>
    public BindingLimit? Limit => _limit;

    /// <summary>Where latencies are recorded besides, or null.</summary>
    public LatencyHistogram? Recent { get; set; }

    /// <summary>What the load has added up to so far; nothing before it has begun.</summary>
    public BenchTotals Totals => _isStarted
        ? new(_context.NowNs - _startNs, _doneCount, _waitNs, _isLayered ? _leaf.DeviceNs : _latencyNs, _issuedCount - _doneCount)
        : default;

    /// <summary>Drives the load to its end.</summary>
    /// <exception cref="BlockException">A request failed; no other was submitted after it.</exception>
    public async Task<BenchResult> RunAsync()
    {
        BlockNode root = _backend.Root!;
        BlockNode leaf = LeafOf(root);
        _isLayered = !ReferenceEquals(leaf, root);
        if (_isLayered)
        {
            await root.Graph.ObserveAsync(leaf, _leaf);
        }

        foreach (ThrottleGroupMember member in BindingLimit.MembersOn(root))
        {
            member.Waited = OnWaited;
        }

        await DriveAsync();
        if (_isLayered)
        {
            await root.Graph.ObserveAsync(leaf, null);
        }

        // Those that did not wait have waited for no time.
        _waits.Record(0, Math.Max(0, _doneCount - _waits.Count));
        return new BenchResult(
            _doneCount, _doneCount * _load.SizeBytes, _endNs - _startNs, _limit, _leaf.SteadyRate, _latencies, _waits, _isLayered ? _leaf.DeviceTimes : _latencies);
    }

    /// <summary>The next request, if there is one.</summary>
    public bool TryNext(out long offset, out bool isRead)
    {
        if (_isStopping || _issuedCount == _countMax)
        {
            offset = 0;
            isRead = false;
            return false;
        }

        _issuedCount++;
        offset = _requests.Next(out isRead);
        return true;
    }

    /// <summary>Nothing more is submitted.</summary>
    public void Stop() => _isStopping = true;

    /// <summary>A request that was submitted at <paramref name="startNs"/> has succeeded.</summary>
    /// <exception cref="BlockException">The load would never end.</exception>
    public void OnRequestDone(long startNs)
    {
        long nowNs = _context.NowNs;
        _latencies.Record(nowNs - startNs);
        _latencyNs += nowNs - startNs;
        Recent?.Record(nowNs - startNs);
        _doneCount++;
        _endNs = nowNs;
        if (_isVirtualTime && _doneCount >= TimelessRequestCountMax && nowNs == _startNs && _load.RequestCountMax is null)
        {
            throw new BlockException("nothing in this graph takes time on the simulated clock, so that the load would never end: use --count");
        }
    }

    private static BlockNode LeafOf(BlockNode root)
    {
        BlockNode leaf = root;
        while (leaf.FileChild is { } child)
        {
            leaf = child.Node;
        }

        return leaf;
    }

    private async Task DriveAsync()
    {
        _startNs = _context.NowNs;
        _endNs = _startNs;
        _isStarted = true;
        using CancellationTokenSource deadlinePassed = new();

        // Only waiting for a limit takes so long that the end of the load must cut it short.
        CancellationToken cancel = _limit is null ? CancellationToken.None : deadlinePassed.Token;
        Deadline deadline = new(this, deadlinePassed);
        if (_load.DurationNs is { } durationNs)
        {
            _context.Arm(deadline, checked(_startNs + durationNs));
        }

        try
        {
            Task[] workers = new Task[_load.Depth];
            for (int i = 0; i < workers.Length; i++)
            {
                workers[i] = new BenchWorker(this, _backend, _load.SizeBytes, cancel).RunAsync();
            }

            await Task.WhenAll(workers);
        }
        finally
        {
            _context.Disarm(deadline);
        }
    }

    private void OnWaited(ThrottleDirection direction, long waitedNs)
    {
        _waits.Record(waitedNs);
        _waitNs += waitedNs;
        if (!_leaf.IsSteady && _limit is not null && _limit.IsBurstUsedUp())
        {
            _leaf.OnBurstUsedUp(_context.NowNs);
        }
    }

    /// <summary>The end of the time that the load was given.</summary>
    private sealed class Deadline(BenchRun run, CancellationTokenSource passed) : AioTimer
    {
        protected override void Run()
        {
            run.Stop();
            passed.Cancel();
        }
    }
}
