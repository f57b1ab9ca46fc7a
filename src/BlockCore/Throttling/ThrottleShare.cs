using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.BlockCore.Throttling;

/// <summary>
/// What one claimant of a group, a member or a child group, may have of what the group admits. Immutable; a group takes only
/// what <see cref="Validate"/> accepts. <i>QEMU: none.</i>
/// </summary>
public sealed record ThrottleShare
{
    /// <summary>The largest weight.</summary>
    public const int WeightMax = 10_000;

    /// <summary>Weight one, nothing reserved, no limit of its own.</summary>
    public static ThrottleShare Default { get; } = new();

    /// <summary>How much it gets for each unit that a claimant of weight one gets, while both have something waiting.</summary>
    public int Weight { get; init; } = 1;

    /// <summary>Operations per second that it gets before any other gets more; 0 for none.</summary>
    public long ReservationIops { get; init; }

    /// <summary>Bytes per second that it gets before any other gets more; 0 for none.</summary>
    public long ReservationBps { get; init; }

    /// <summary>Operations per second that it never exceeds, whatever the group has left; 0 for no limit.</summary>
    public long LimitIops { get; init; }

    /// <summary>Bytes per second that it never exceeds, whatever the group has left; 0 for no limit.</summary>
    public long LimitBps { get; init; }

    /// <summary>True where nothing differs from <see cref="Default"/>.</summary>
    public bool IsDefault => Equals(Default);

    /// <summary>True where it has a limit of its own.</summary>
    public bool IsLimited => LimitIops != 0 || LimitBps != 0;

    /// <summary>True where something is reserved for it.</summary>
    public bool IsReserved => ReservationIops != 0 || ReservationBps != 0;

    /// <summary>Its own limit, as the limits of a group of one.</summary>
    internal ThrottleConfig LimitConfig => new() { IopsTotal = new ThrottleLimits(LimitIops), BpsTotal = new ThrottleLimits(LimitBps) };

    /// <summary>What is reserved, as limits: what goes beyond them is not reserved.</summary>
    internal ThrottleConfig ReservationConfig => new() { IopsTotal = new ThrottleLimits(ReservationIops), BpsTotal = new ThrottleLimits(ReservationBps) };

    /// <summary>Checks it as a whole.</summary>
    /// <param name="keyPrefix">What stands before a key in the caller's spelling, for errors.</param>
    /// <exception cref="BlockException">The first rule that is broken (<see cref="BlockErrorKind.InvalidArgument"/>).</exception>
    public void Validate(string keyPrefix = "share.")
    {
        OptionRange.Check(keyPrefix + "weight", Weight, 1, WeightMax);
        OptionRange.Check(keyPrefix + "reservation-iops", ReservationIops, 0, ThrottleLimits.ValueMax);
        OptionRange.Check(keyPrefix + "reservation-bps", ReservationBps, 0, ThrottleLimits.ValueMax);
        OptionRange.Check(keyPrefix + "limit-iops", LimitIops, 0, ThrottleLimits.ValueMax);
        OptionRange.Check(keyPrefix + "limit-bps", LimitBps, 0, ThrottleLimits.ValueMax);
        CheckReservation(keyPrefix, "iops", ReservationIops, LimitIops);
        CheckReservation(keyPrefix, "bps", ReservationBps, LimitBps);
    }

    private static void CheckReservation(string keyPrefix, string unit, long reservation, long limit)
    {
        if (limit != 0 && reservation > limit)
        {
            throw new BlockException($"{keyPrefix}reservation-{unit} cannot be higher than {keyPrefix}limit-{unit}");
        }
    }
}
