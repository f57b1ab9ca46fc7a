using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Throttling;

/// <summary>
/// The nineteen limits of a group and how they are kept, as one immutable value. It may hold anything; a group takes only what
/// <see cref="Validate"/> accepts. <i>QEMU: ThrottleConfig.</i>
/// </summary>
public sealed record ThrottleConfig
{
    /// <summary>How much of a rate may go at once where nothing else is said, in milliseconds.</summary>
    public const int DefaultBurstWindowMs = 100;

    /// <summary>The largest burst window, in milliseconds: an hour.</summary>
    public const int BurstWindowMaxMs = 3_600_000;

    /// <summary>No limit at all.</summary>
    public static ThrottleConfig Unlimited { get; } = new();

    /// <summary>Bytes per second, reads and writes together.</summary>
    public ThrottleLimits BpsTotal { get; init; } = ThrottleLimits.None;

    /// <summary>Bytes per second of reads.</summary>
    public ThrottleLimits BpsRead { get; init; } = ThrottleLimits.None;

    /// <summary>Bytes per second of writes.</summary>
    public ThrottleLimits BpsWrite { get; init; } = ThrottleLimits.None;

    /// <summary>Operations per second, reads and writes together.</summary>
    public ThrottleLimits IopsTotal { get; init; } = ThrottleLimits.None;

    /// <summary>Operations per second of reads.</summary>
    public ThrottleLimits IopsRead { get; init; } = ThrottleLimits.None;

    /// <summary>Operations per second of writes.</summary>
    public ThrottleLimits IopsWrite { get; init; } = ThrottleLimits.None;

    /// <summary>A larger request counts as its size divided by this, in bytes; 0 where every request counts as one.</summary>
    public long IopsSizeBytes { get; init; }

    /// <summary>How much of a rate, and of a burst rate, may go at once, in milliseconds. QEMU: always 100.</summary>
    public int BurstWindowMs { get; init; } = DefaultBurstWindowMs;

    /// <summary>Requests go one by one, evenly, at the burst rate while the burst lasts and else at the rate; <see cref="BurstWindowMs"/> is ignored.</summary>
    public bool IsPaced { get; init; }

    /// <summary>Members take turns by what their requests cost; otherwise, as in QEMU, by requests. Weights make it so anyway.</summary>
    public bool IsFairByCost { get; init; }

    /// <summary>True where anything is limited.</summary>
    public bool IsEnabled =>
        BpsTotal.Rate != 0 || BpsRead.Rate != 0 || BpsWrite.Rate != 0 || IopsTotal.Rate != 0 || IopsRead.Rate != 0 || IopsWrite.Rate != 0;

    /// <summary>All nineteen canonical keys with their values, in the order of <see cref="ThrottleKeys.All"/>.</summary>
    public IEnumerable<KeyValuePair<string, long>> Values =>
        ThrottleKeys.All.Select(key => new KeyValuePair<string, long>(key.Name, this[key]));

    /// <summary>The limits of <paramref name="meter"/>.</summary>
    public ThrottleLimits this[ThrottleMeter meter] => meter switch
    {
        ThrottleMeter.BpsTotal => BpsTotal,
        ThrottleMeter.BpsRead => BpsRead,
        ThrottleMeter.BpsWrite => BpsWrite,
        ThrottleMeter.IopsTotal => IopsTotal,
        ThrottleMeter.IopsRead => IopsRead,
        ThrottleMeter.IopsWrite => IopsWrite,
        _ => throw new ArgumentOutOfRangeException(nameof(meter)),
    };

    /// <summary>The value of <paramref name="key"/>.</summary>
    public long this[ThrottleKey key]
    {
        get
        {
            ArgumentNullException.ThrowIfNull(key);
            return key.Part switch
            {
                ThrottleKeyPart.Rate => this[key.Meter!.Value].Rate,
                ThrottleKeyPart.Burst => this[key.Meter!.Value].Burst,
                ThrottleKeyPart.BurstLength => this[key.Meter!.Value].BurstLengthSeconds,
                _ => IopsSizeBytes,
            };
        }
    }

    /// <summary>These limits with the keys that <paramref name="update"/> names taken from it. The result is not validated.</summary>
    public ThrottleConfig Merge(ThrottleLimitsUpdate update)
    {
        ArgumentNullException.ThrowIfNull(update);
        return this with
        {
            BpsTotal = Merge(ThrottleMeter.BpsTotal, update),
            BpsRead = Merge(ThrottleMeter.BpsRead, update),
            BpsWrite = Merge(ThrottleMeter.BpsWrite, update),
            IopsTotal = Merge(ThrottleMeter.IopsTotal, update),
            IopsRead = Merge(ThrottleMeter.IopsRead, update),
            IopsWrite = Merge(ThrottleMeter.IopsWrite, update),
            IopsSizeBytes = update[ThrottleKeys.All[^1]] ?? IopsSizeBytes,
            BurstWindowMs = update.BurstWindowMs ?? BurstWindowMs,
            IsPaced = update.IsPaced ?? IsPaced,
            IsFairByCost = update.IsFairByCost ?? IsFairByCost,
        };
    }

    /// <summary>What a request over <paramref name="bytes"/> bytes costs in operations: one, or more where it is larger than the iops size.</summary>
    public double CostInOperations(long bytes) => IopsSizeBytes != 0 && bytes > IopsSizeBytes ? (double)bytes / IopsSizeBytes : 1;

    /// <summary>
    /// What share of a second of these limits a request takes, by the limit that it uses most; 0 where none counts for
    /// <paramref name="direction"/>.
    /// </summary>
    public double CostInSeconds(ThrottleDirection direction, long bytes)
    {
        bool isRead = direction == ThrottleDirection.Read;
        double operations = CostInOperations(bytes);
        double total = Math.Max(Share(bytes, BpsTotal), Share(operations, IopsTotal));
        double own = Math.Max(Share(bytes, isRead ? BpsRead : BpsWrite), Share(operations, isRead ? IopsRead : IopsWrite));
        return Math.Max(total, own);
    }

    /// <summary>Checks the limits as a whole.</summary>
    /// <param name="keyPrefix">What stands before a key in the caller's spelling, such as <c>limits.</c>, for errors that name one.</param>
    /// <exception cref="BlockException">The first rule that is broken (<see cref="BlockErrorKind.InvalidArgument"/>).</exception>
    public void Validate(string keyPrefix = "")
    {
        if (ThrottleConfigRules.FindError(this, keyPrefix) is { } error)
        {
            throw new BlockException(error);
        }
    }

    private static double Share(double units, ThrottleLimits limits) => limits.Rate == 0 ? 0 : units / limits.Rate;

    private ThrottleLimits Merge(ThrottleMeter meter, ThrottleLimitsUpdate update)
    {
        ThrottleLimits own = this[meter];
        return new ThrottleLimits(
            update[ThrottleKeys.Of(meter, ThrottleKeyPart.Rate)] ?? own.Rate,
            update[ThrottleKeys.Of(meter, ThrottleKeyPart.Burst)] ?? own.Burst,
            update[ThrottleKeys.Of(meter, ThrottleKeyPart.BurstLength)] ?? own.BurstLengthSeconds);
    }
}
