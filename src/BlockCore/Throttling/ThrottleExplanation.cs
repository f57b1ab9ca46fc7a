using System.Globalization;
using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Throttling;

/// <summary>What limits mean in practice: how much goes at once, how long bursts last, which limit binds, and what people do not expect.</summary>
/// <remarks>Every number is derived from the buckets that enforce the limits, not from the keys that set them.</remarks>
public sealed class ThrottleExplanation
{
    private const double LargeRequestBytes = 1 << 20;
    private const double LongDebtSeconds = 1;

    private ThrottleExplanation(ThrottleConfig config)
    {
        Config = config;
        ThrottleState state = new(config);
        Meters = [.. Enum.GetValues<ThrottleMeter>()
            .Where(meter => config[meter].Rate != 0)
            .Select(meter => new ThrottleMeterExplanation(meter, state[meter]))];
        Notes = [.. Meters.SelectMany(FindNotes), .. FindSizeNotes()];
    }

    /// <summary>The limits.</summary>
    public ThrottleConfig Config { get; }

    /// <summary>The meters that limit anything, in the order of <see cref="ThrottleMeter"/>.</summary>
    public IReadOnlyList<ThrottleMeterExplanation> Meters { get; }

    /// <summary>What people do not expect, most of it harmless.</summary>
    public IReadOnlyList<ThrottleNote> Notes { get; }

    /// <summary>Explains <paramref name="config"/>.</summary>
    /// <exception cref="BlockException">The limits are not valid (<see cref="BlockErrorKind.InvalidArgument"/>).</exception>
    public static ThrottleExplanation Of(ThrottleConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        config.Validate();
        return new ThrottleExplanation(config);
    }

    /// <summary>The meters that bind a request of <paramref name="direction"/> together: it waits for the one that makes it wait longest.</summary>
    public IReadOnlyList<ThrottleMeterExplanation> Binding(ThrottleDirection direction)
    {
        int own = 1 + (int)direction;
        return [.. Meters.Where(meter => meter.IsTotal || meter.Meter == ThrottleMeter.BpsTotal + own || meter.Meter == ThrottleMeter.IopsTotal + own)];
    }

    /// <summary>
    /// The request size from which bytes bind a steady load of <paramref name="direction"/> and below which operations do, in bytes; null where
    /// one of the two binds at every size.
    /// </summary>
    public double? CrossoverBytes(ThrottleDirection direction)
    {
        IReadOnlyList<ThrottleMeterExplanation> binding = Binding(direction);
        ThrottleMeterExplanation? bytes = binding.Where(meter => meter.CountsBytes).MinBy(meter => meter.Limits.Rate);
        ThrottleMeterExplanation? operations = binding.Where(meter => !meter.CountsBytes).MinBy(meter => meter.Limits.Rate);
        if (bytes is null || operations is null)
        {
            return null;
        }

        // Above the iops size a byte costs the same at every size: there, operations bind either always or never.
        double crossover = (double)bytes.Limits.Rate / operations.Limits.Rate;
        return Config.IopsSizeBytes != 0 && crossover > Config.IopsSizeBytes ? null : crossover;
    }

    private IEnumerable<ThrottleNote> FindNotes(ThrottleMeterExplanation meter)
    {
        (string key, ThrottleLimits limits) = (meter.Key, meter.Limits);
        string unit = meter.CountsBytes ? "bytes" : "operations";
        if (limits.Burst == limits.Rate)
        {
            yield return new ThrottleNote(
                ThrottleNoteKind.EndlessBurst,
                meter.Meter,
                $"{key}-max is no more than {key}: it only makes the bucket larger, {Exact(meter.Capacity)} {unit} instead of {Exact(new LeakyBucket(new ThrottleLimits(limits.Rate), Config.BurstWindowMs, Config.IsPaced).Capacity)}.");
        }
        else if (meter.CapacitySource == ThrottleCapacitySource.Pool && !meter.HasCeiling)
        {
            yield return new ThrottleNote(
                ThrottleNoteKind.Pool,
                meter.Meter,
                $"{key}-max with a length of 1 is a pool of {Exact(meter.Capacity)} {unit} that may be gone at once, not a ceiling; a ceiling needs {key}-max-length of at least 2.");
        }

        if (!meter.CountsBytes && meter.AtOnce < 1)
        {
            yield return new ThrottleNote(
                ThrottleNoteKind.SmallCapacity,
                meter.Meter,
                $"{key} goes one request at a time: the bucket holds {Exact(meter.AtOnce)} operations, so that the second request waits {Exact(meter.DebtSeconds(1))} s.");
        }

        if (meter.CountsBytes && meter.DebtSeconds(LargeRequestBytes) >= LongDebtSeconds)
        {
            yield return new ThrottleNote(
                ThrottleNoteKind.LargeDebt,
                meter.Meter,
                $"{key} lets a request of 1 MiB through at once and then holds whatever is next for {Exact(meter.DebtSeconds(LargeRequestBytes))} s.");
        }

        if (meter.IsTotal)
        {
            yield return new ThrottleNote(
                ThrottleNoteKind.SharedOvershoot,
                meter.Meter,
                $"A read and a write that wait for {key} may start at the same instant, one request too many; what comes next pays for it.");
        }
    }

    private IEnumerable<ThrottleNote> FindSizeNotes()
    {
        ThrottleMeterExplanation? operations = Meters.FirstOrDefault(meter => !meter.CountsBytes);
        if (operations is not null && Config.IopsSizeBytes == 0 && !Meters.Any(meter => meter.CountsBytes))
        {
            yield return new ThrottleNote(
                ThrottleNoteKind.RequestSizeIgnored,
                operations.Meter,
                "Every request counts as one operation, whatever its size: large requests move as many bytes as they like. iops-size makes them count for more; a bps limit bounds the bytes.");
        }
    }

    private static string Exact(double value) => Math.Round(value, 9).ToString("0.#########", CultureInfo.InvariantCulture);
}
