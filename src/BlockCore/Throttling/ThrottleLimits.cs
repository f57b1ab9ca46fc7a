namespace BlockGraph.BlockCore.Throttling;

/// <summary>The three limits of one meter. Not checked on their own: see <see cref="ThrottleConfig.Validate"/>. <i>QEMU: LeakyBucket avg, max, burst_length.</i></summary>
/// <param name="Rate">What is allowed in the long run, in units per second; 0 for no limit.</param>
/// <param name="Burst">
/// What is allowed for a while, in units per second; 0 for none. With a length of one second it is a pool: so many units may
/// be consumed at once.
/// </param>
/// <param name="BurstLengthSeconds">For how many seconds an empty bucket sustains <paramref name="Burst"/>.</param>
public readonly record struct ThrottleLimits(long Rate, long Burst = 0, long BurstLengthSeconds = 1)
{
    /// <summary>The largest rate, burst, and product of burst and length, in units per second and units.</summary>
    public const long ValueMax = 1_000_000_000_000_000;

    /// <summary>The largest burst length that can be asked for, in seconds.</summary>
    public const long BurstLengthMaxSeconds = uint.MaxValue;

    /// <summary>No limit at all.</summary>
    public static ThrottleLimits None => new(0);
}
