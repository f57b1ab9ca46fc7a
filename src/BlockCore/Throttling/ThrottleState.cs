using System.Numerics;
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

    // A bit for each meter that has a rate: the others are not even looked at.
    private int _ratedMask;
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
        for (int mask = _ratedMask; mask != 0; mask &= mask - 1)
        {
            _buckets[BitOperations.TrailingZeroCount(mask)].Leak(elapsedNs);
        }
    }

    /// <summary>How long the next request of <paramref name="direction"/> must wait after <see cref="LastLeakNs"/>, in nanoseconds; 0 to go at once.</summary>
    public long WaitNs(ThrottleDirection direction) => WaitNs(direction, out _);

    /// <inheritdoc cref="WaitNs(ThrottleDirection)"/>
    /// <param name="direction">Whether it reads or writes.</param>
    /// <param name="binding">The meter that makes it wait longest; the total of bytes where none does.</param>
    public long WaitNs(ThrottleDirection direction, out ThrottleMeter binding)
    {
        long waitNs = 0;
        binding = ThrottleMeter.BpsTotal;
        for (int mask = _ratedMask & MaskOf(direction); mask != 0; mask &= mask - 1)
        {
            int meter = BitOperations.TrailingZeroCount(mask);
            long ownNs = _buckets[meter].WaitNs();
            if (ownNs > waitNs)
            {
                waitNs = ownNs;
                binding = (ThrottleMeter)meter;
            }
        }

        return waitNs;
    }

    /// <summary>When the next request of <paramref name="direction"/> may go: the instant, or 0 for now.</summary>
    internal long ReadyNs(ThrottleDirection direction, out ThrottleMeter binding)
    {
        // Buckets are as of the last leak, which another thread may have made a little later than the caller's now.
        long waitNs = WaitNs(direction, out binding);
        return waitNs == 0 ? 0 : LastLeakNs > long.MaxValue - waitNs ? long.MaxValue : LastLeakNs + waitNs;
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
        for (int mask = _ratedMask & MaskOf(direction); mask != 0; mask &= mask - 1)
        {
            int meter = BitOperations.TrailingZeroCount(mask);
            _buckets[meter].Charge(meter < (int)ThrottleMeter.IopsTotal ? bytes : operations);
        }
    }

    /// <summary>Puts <paramref name="config"/>, which the caller has validated, in force at <paramref name="nowNs"/>.</summary>
    public void Configure(ThrottleConfig config, ThrottleChangePolicy policy, long nowNs)
    {
        ArgumentNullException.ThrowIfNull(config);
        Leak(nowNs);
        Config = config;
        Replace(config, policy);
    }

    /// <summary>The meters that count for <paramref name="direction"/>: the totals and its own.</summary>
    private static int MaskOf(ThrottleDirection direction) =>
        ((1 << (int)ThrottleMeter.BpsTotal) | (1 << (int)ThrottleMeter.IopsTotal))
        | (((1 << (int)ThrottleMeter.BpsRead) | (1 << (int)ThrottleMeter.IopsRead)) << (int)direction);

    private void Replace(ThrottleConfig config, ThrottleChangePolicy policy)
    {
        for (int meter = 0; meter < _buckets.Length; meter++)
        {
            ThrottleLimits limits = config[(ThrottleMeter)meter];
            _buckets[meter] = _buckets[meter].Changed(limits, policy, config.BurstWindowMs, config.IsPaced);
            _ratedMask = limits.Rate == 0 ? _ratedMask & ~(1 << meter) : _ratedMask | (1 << meter);
        }
    }
}
