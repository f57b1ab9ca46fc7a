using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Throttling;

/// <summary>
/// The nineteen limits of a group, as one immutable value. It may hold anything; a group takes only what
/// <see cref="Validate"/> accepts. <i>QEMU: ThrottleConfig.</i>
/// </summary>
public sealed record ThrottleConfig
{
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
        return new ThrottleConfig
        {
            BpsTotal = Merge(ThrottleMeter.BpsTotal, update),
            BpsRead = Merge(ThrottleMeter.BpsRead, update),
            BpsWrite = Merge(ThrottleMeter.BpsWrite, update),
            IopsTotal = Merge(ThrottleMeter.IopsTotal, update),
            IopsRead = Merge(ThrottleMeter.IopsRead, update),
            IopsWrite = Merge(ThrottleMeter.IopsWrite, update),
            IopsSizeBytes = update[ThrottleKeys.All[^1]] ?? IopsSizeBytes,
        };
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

    private ThrottleLimits Merge(ThrottleMeter meter, ThrottleLimitsUpdate update)
    {
        ThrottleLimits own = this[meter];
        return new ThrottleLimits(
            update[ThrottleKeys.Of(meter, ThrottleKeyPart.Rate)] ?? own.Rate,
            update[ThrottleKeys.Of(meter, ThrottleKeyPart.Burst)] ?? own.Burst,
            update[ThrottleKeys.Of(meter, ThrottleKeyPart.BurstLength)] ?? own.BurstLengthSeconds);
    }
}
