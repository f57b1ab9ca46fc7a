using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Throttling;

/// <summary>
/// A leaky bucket used as a meter: requests pour their cost in, time leaks it out, and while it stands above its capacity
/// the next request waits. Pure arithmetic: time is handed in. <i>QEMU: LeakyBucket.</i>
/// </summary>
/// <remarks>
/// Invariants: (1) levels are never negative; (2) a bucket without a rate stays empty; (3) the burst level moves only where
/// <see cref="HasBurstBucket"/>. All arithmetic is IEEE double, in the order written here: the waits it gives are
/// compared to the nanosecond.
/// </remarks>
public struct LeakyBucket
{
    /// <summary>The longest wait ever computed, in nanoseconds; adding an instant to it cannot overflow.</summary>
    public const long WaitMaxNs = 1L << 62;

    private const double NsPerSecond = 1_000_000_000;

    // How many burst windows make a second, and whether bursts are spread evenly.
    private readonly double _windowsPerSecond;
    private readonly bool _isPaced;

    /// <summary>An empty bucket with <paramref name="limits"/>.</summary>
    /// <param name="limits">The limits it meters.</param>
    /// <param name="burstWindowMs">How long requests may go at once at the rate, in milliseconds, where no burst says more.</param>
    /// <param name="isPaced">True to let requests go one by one, evenly, however empty it is: at the burst rate while the burst lasts, else at the rate.</param>
    public LeakyBucket(ThrottleLimits limits, int burstWindowMs = ThrottleConfig.DefaultBurstWindowMs, bool isPaced = false)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(burstWindowMs);
        Limits = limits;
        _isPaced = isPaced;
        _windowsPerSecond = isPaced ? double.PositiveInfinity : 1000.0 / burstWindowMs;
    }

    /// <summary>The limits it meters.</summary>
    public ThrottleLimits Limits { get; }

    /// <summary>What it holds, in units. Above <see cref="Capacity"/> it is debt.</summary>
    public double Level { get; private set; }

    /// <summary>What the second bucket holds that enforces the burst rate, in units; always 0 where there is none.</summary>
    public double BurstLevel { get; private set; }

    /// <summary>
    /// How much it may hold before requests wait, in units: the whole burst, or without one a burst window (100 ms) worth of the
    /// rate; nothing where it is paced.
    /// </summary>
    public readonly double Capacity =>
        Limits.Burst == 0 ? InWindow(Limits.Rate) : (double)Limits.Burst * Limits.BurstLengthSeconds;

    /// <summary>How much the second bucket may hold before requests wait, in units: a burst window (100 ms) worth of the burst rate.</summary>
    public readonly double BurstCapacity => InWindow(Limits.Burst);

    /// <summary>What it holds above <see cref="Capacity"/>, in units: the debt that must leak out before the next request may go.</summary>
    public readonly double Debt => Limits.Rate == 0 ? 0 : Math.Max(0, Level - Capacity);

    /// <summary>True where a second bucket enforces the burst rate; else a burst is a pool that may be consumed at once.</summary>
    public readonly bool HasBurstBucket => Limits.BurstLengthSeconds > 1 || (_isPaced && Limits.Burst != 0);

    /// <summary>Lets <paramref name="elapsedNs"/> nanoseconds leak out of it; time that is not positive leaks nothing.</summary>
    public void Leak(long elapsedNs)
    {
        if (elapsedNs <= 0 || Limits.Rate == 0)
        {
            return;
        }

        Level = Math.Max(0, Level - (Limits.Rate * (double)elapsedNs / NsPerSecond));
        if (HasBurstBucket)
        {
            BurstLevel = Math.Max(0, BurstLevel - (Limits.Burst * (double)elapsedNs / NsPerSecond));
        }
    }

    /// <summary>How long the next request must wait, in nanoseconds; 0 to go at once. What that request costs plays no part.</summary>
    public readonly long WaitNs()
    {
        if (Limits.Rate == 0)
        {
            return 0;
        }

        double excess = Level - Capacity;
        if (excess > 0)
        {
            return ToWaitNs(excess, Limits.Rate);
        }

        if (HasBurstBucket)
        {
            excess = BurstLevel - BurstCapacity;
            if (excess > 0)
            {
                return ToWaitNs(excess, Limits.Burst);
            }
        }

        return 0;
    }

    /// <summary>Pours <paramref name="units"/> in. A bucket without a rate takes nothing.</summary>
    public void Charge(double units)
    {
        Invariant.Check(units >= 0);
        if (Limits.Rate == 0)
        {
            return;
        }

        Level += units;
        if (HasBurstBucket)
        {
            BurstLevel += units;
        }
    }

    /// <summary>The bucket that takes this one's place when its limits become <paramref name="limits"/>.</summary>
    /// <inheritdoc cref="LeakyBucket(ThrottleLimits, int, bool)"/>
    public readonly LeakyBucket Changed(ThrottleLimits limits, ThrottleChangePolicy policy, int burstWindowMs = ThrottleConfig.DefaultBurstWindowMs, bool isPaced = false)
    {
        LeakyBucket changed = new(limits, burstWindowMs, isPaced);
        if (limits.Rate == 0 || policy == ThrottleChangePolicy.Reset)
        {
            return changed;
        }

        bool isKept = policy == ThrottleChangePolicy.Keep;
        changed.Level = isKept ? Level : Rescaled(Level, Capacity, changed.Capacity);
        if (changed.HasBurstBucket)
        {
            changed.BurstLevel = isKept ? BurstLevel : Rescaled(BurstLevel, BurstCapacity, changed.BurstCapacity);
        }

        return changed;
    }

    /// <summary>
    /// Scales what is within the old capacity. What is above it is work already done, not a share of anything: it stays owed
    /// in units, to be paid back at the new rate, so that raising a limit helps those who wait now.
    /// </summary>
    private static double Rescaled(double level, double capacity, double newCapacity)
    {
        if (capacity == 0)
        {
            return 0;
        }

        double within = Math.Min(level, capacity) * newCapacity / capacity;
        double owed = Math.Max(0, level - capacity);
        return newCapacity < capacity ? within : within + owed;
    }

    // A bucket that nobody has made limits nothing, and knows no window.
    private readonly double InWindow(long rate) => rate == 0 ? 0 : rate / _windowsPerSecond;

    private static long ToWaitNs(double excess, long rate) => (long)Math.Min(excess * NsPerSecond / rate, WaitMaxNs);
}
