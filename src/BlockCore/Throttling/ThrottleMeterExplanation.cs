using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Throttling;

/// <summary>What the limits of one meter mean in practice. All times are those of a load that starts on an empty bucket and meets no other limit.</summary>
/// <remarks>
/// With rate A, burst M, length L and capacity C: a load of R units per second rises in the bucket by R - A a second, so that a burst lasts
/// C / (R - A) seconds, and an idle bucket empties by A a second. A burst that is longer than a second has a second bucket with a capacity of
/// its own, which is what can go at once.
/// </remarks>
public sealed class ThrottleMeterExplanation
{
    private readonly LeakyBucket _empty;

    internal ThrottleMeterExplanation(ThrottleMeter meter, LeakyBucket empty)
    {
        Invariant.Check(empty.Limits.Rate > 0);
        Meter = meter;
        _empty = empty;
    }

    /// <summary>Which meter.</summary>
    public ThrottleMeter Meter { get; }

    /// <summary>The key that sets its rate.</summary>
    public string Key => ThrottleKeys.Of(Meter, ThrottleKeyPart.Rate).Name;

    /// <summary>Its limits.</summary>
    public ThrottleLimits Limits => _empty.Limits;

    /// <summary>True where its units are bytes; false where they are operations.</summary>
    public bool CountsBytes => Meter is ThrottleMeter.BpsTotal or ThrottleMeter.BpsRead or ThrottleMeter.BpsWrite;

    /// <summary>True where reads and writes share it.</summary>
    public bool IsTotal => Meter is ThrottleMeter.BpsTotal or ThrottleMeter.IopsTotal;

    /// <summary>How much the bucket holds before requests wait, in units.</summary>
    public double Capacity => _empty.Capacity;

    /// <summary>What decides <see cref="Capacity"/>.</summary>
    public ThrottleCapacitySource CapacitySource =>
        Limits.Burst == 0 ? ThrottleCapacitySource.RateWindow
        : Limits.BurstLengthSeconds == 1 ? ThrottleCapacitySource.Pool
        : ThrottleCapacitySource.Burst;

    /// <summary>True where a burst has a rate that it does not exceed: a length of more than a second, or pacing.</summary>
    public bool HasCeiling => _empty.HasBurstBucket;

    /// <summary>How many units go at once, from idle; the request that exceeds them goes too.</summary>
    public double AtOnce => HasCeiling ? Math.Min(_empty.BurstCapacity, Capacity) : Capacity;

    /// <summary>How long the burst rate can be kept up, in seconds; null where no burst is set, infinite where the burst is no faster than the rate.</summary>
    public double? BurstSeconds => Limits.Burst == 0 ? null : SecondsAt(Limits.Burst);

    /// <summary>How long a full bucket takes to become empty, in seconds without requests.</summary>
    public double RefillSeconds => Capacity / Limits.Rate;

    /// <summary>How long a load of <paramref name="unitsPerSecond"/> goes on without waiting, in seconds; infinite where it is not above the long-run rate.</summary>
    /// <remarks>A burst with a ceiling goes no faster than that.</remarks>
    public double SecondsAt(double unitsPerSecond)
    {
        double rate = HasCeiling ? Math.Min(unitsPerSecond, Limits.Burst) : unitsPerSecond;
        return rate > Limits.Rate ? Capacity / (rate - Limits.Rate) : double.PositiveInfinity;
    }

    /// <summary>How many requests of <paramref name="costUnits"/> each start at one instant, of any number submitted then.</summary>
    public double RequestsAtOnce(double costUnits)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(costUnits);
        return Math.Floor(AtOnce / costUnits) + 1;
    }

    /// <summary>The most units that start in any stretch of <paramref name="seconds"/>, of requests that cost no more than <paramref name="costUnitsMax"/> each.</summary>
    public double UnitsIn(double seconds, double costUnitsMax)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(seconds);
        double most = Capacity + (Limits.Rate * seconds);
        double ceiling = HasCeiling ? AtOnce + (Limits.Burst * seconds) : double.PositiveInfinity;
        return Math.Min(most, ceiling) + costUnitsMax;
    }

    /// <summary>How long the next request waits right behind one of <paramref name="costUnits"/>, in seconds.</summary>
    public double DebtSeconds(double costUnits)
    {
        if (costUnits > Capacity)
        {
            return (costUnits - Capacity) / Limits.Rate;
        }

        return HasCeiling && costUnits > AtOnce ? (costUnits - AtOnce) / Limits.Burst : 0;
    }
}
