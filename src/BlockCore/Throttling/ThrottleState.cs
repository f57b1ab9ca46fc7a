using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Throttling;

/// <summary>The six buckets of a group and the instant they leaked last. Pure: it has no clock and no lock of its own. <i>QEMU: ThrottleState.</i></summary>
/// <remarks>
/// Invariants: (1) the instant of the last leak never goes back. Contexts sample one clock once a turn, so instants arrive
/// slightly out of order; going back would leak the same time twice. (2) Until the first leak all buckets are empty, so it
/// does not matter when time began.
/// </remarks>
public sealed class ThrottleState
{
    private readonly LeakyBucket[] _buckets = new LeakyBucket[ThrottleKeys.MeterCount];
    private bool _hasLeaked;

    /// <summary>Empty buckets with the limits of <paramref name="config"/>, which the caller has validated.</summary>
    public ThrottleState(ThrottleConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        Config = config;
        Replace(config, ThrottleChangePolicy.Reset);
    }

    /// <summary>The limits in force.</summary>
    public ThrottleConfig Config { get; private set; }

    /// <summary>When the buckets leaked last, in nanoseconds of the callers' clock; 0 before the first leak.</summary>
    public long LastLeakNs { get; private set; }

    /// <summary>The bucket of <paramref name="meter"/> as it stood at <see cref="LastLeakNs"/>.</summary>
    public LeakyBucket this[ThrottleMeter meter] => _buckets[(int)meter];

    /// <summary>Lets the buckets leak until <paramref name="nowNs"/>.</summary>
    public void Leak(long nowNs)
    {
        if (!_hasLeaked)
        {
            _hasLeaked = true;
            LastLeakNs = nowNs;
            return;
        }

        if (nowNs <= LastLeakNs)
        {
            return;
        }

        long elapsedNs = nowNs - LastLeakNs;
        LastLeakNs = nowNs;
        for (int meter = 0; meter < _buckets.Length; meter++)
        {
            _buckets[meter].Leak(elapsedNs);
        }
    }

    /// <summary>How long the next request of <paramref name="direction"/> must wait after <see cref="LastLeakNs"/>, in nanoseconds; 0 to go at once.</summary>
    public long WaitNs(ThrottleDirection direction) => WaitNs(direction, out _);

    /// <inheritdoc cref="WaitNs(ThrottleDirection)"/>
    /// <param name="direction">Whether it reads or writes.</param>
    /// <param name="binding">The meter that makes it wait longest; the total of bytes where none does.</param>
    public long WaitNs(ThrottleDirection direction, out ThrottleMeter binding)
    {
        int own = 1 + (int)direction;
        long waitNs = 0;
        binding = ThrottleMeter.BpsTotal;
        Consider(ThrottleMeter.BpsTotal, ref waitNs, ref binding);
        Consider(ThrottleMeter.BpsTotal + own, ref waitNs, ref binding);
        Consider(ThrottleMeter.IopsTotal, ref waitNs, ref binding);
        Consider(ThrottleMeter.IopsTotal + own, ref waitNs, ref binding);
        return waitNs;
    }

    /// <summary>When the next request of <paramref name="direction"/> may go: the instant, or 0 for now.</summary>
    internal long ReadyNs(ThrottleDirection direction, out ThrottleMeter binding)
    {
        // Buckets are as of the last leak, which another thread may have made a little later than the caller's now.
        long waitNs = WaitNs(direction, out binding);
        return waitNs == 0 ? 0 : LastLeakNs + waitNs;
    }

    /// <summary>How many seconds of its rate the fullest bucket holds.</summary>
    internal double FilledSeconds
    {
        get
        {
            double filled = 0;
            foreach (LeakyBucket bucket in _buckets)
            {
                filled = bucket.Limits.Rate == 0 ? filled : Math.Max(filled, bucket.Level / bucket.Limits.Rate);
            }

            return filled;
        }
    }

    /// <summary>Charges a request of <paramref name="direction"/> over <paramref name="bytes"/> bytes that starts at <see cref="LastLeakNs"/>: leak first.</summary>
    public void Charge(ThrottleDirection direction, long bytes) => Charge(direction, bytes, Config.CostInOperations(bytes));

    /// <summary>Charges a request that counts as <paramref name="operations"/>, whatever its size.</summary>
    internal void Charge(ThrottleDirection direction, long bytes, double operations)
    {
        Invariant.Check(bytes >= 0);
        int own = 1 + (int)direction;
        _buckets[(int)ThrottleMeter.BpsTotal].Charge(bytes);
        _buckets[(int)ThrottleMeter.BpsTotal + own].Charge(bytes);
        _buckets[(int)ThrottleMeter.IopsTotal].Charge(operations);
        _buckets[(int)ThrottleMeter.IopsTotal + own].Charge(operations);
    }

    /// <summary>Puts <paramref name="config"/>, which the caller has validated, in force at <paramref name="nowNs"/>.</summary>
    public void Configure(ThrottleConfig config, ThrottleChangePolicy policy, long nowNs)
    {
        ArgumentNullException.ThrowIfNull(config);
        Leak(nowNs);
        Config = config;
        Replace(config, policy);
    }

    private void Consider(ThrottleMeter meter, ref long waitNs, ref ThrottleMeter binding)
    {
        long ownNs = _buckets[(int)meter].WaitNs();
        if (ownNs > waitNs)
        {
            waitNs = ownNs;
            binding = meter;
        }
    }

    private void Replace(ThrottleConfig config, ThrottleChangePolicy policy)
    {
        for (int meter = 0; meter < _buckets.Length; meter++)
        {
            _buckets[meter] = _buckets[meter].Changed(config[(ThrottleMeter)meter], policy, config.BurstWindowMs, config.IsPaced);
        }
    }
}
