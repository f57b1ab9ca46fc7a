using BlockGraph.BlockCore.Throttling;
using BlockGraph.Tools.Plan;

namespace BlockGraph.Tools.Throttle.Explain;

/// <summary>Prints an explanation of limits for a person: a table, the buckets, and sentences.</summary>
internal static class ExplanationReport
{
    private const double SmallRequestBytes = 4096;
    private const double LargeRequestBytes = 1 << 20;
    private const double LeastCrossoverBytes = 16;

    /// <summary>Prints <paramref name="explanation"/>.</summary>
    public static void Print(TextWriter output, ThrottleExplanation explanation, bool isUnicode)
    {
        if (explanation.Meters.Count == 0)
        {
            output.WriteLine("nothing is limited");
            return;
        }

        PrintTable(output, explanation);
        foreach (ThrottleMeterExplanation meter in explanation.Meters)
        {
            output.WriteLine();
            output.WriteLine(meter.Key);
            BucketPicture.Print(output, meter, isUnicode);
            foreach (string sentence in SentencesOf(meter, explanation.Config))
            {
                output.WriteLine($"   {sentence}");
            }
        }

        output.WriteLine();
        output.WriteLine(DirectionLine(explanation, ThrottleDirection.Read, "read"));
        output.WriteLine(DirectionLine(explanation, ThrottleDirection.Write, "write"));
        if (explanation.Notes.Count > 0)
        {
            output.WriteLine();
            output.WriteLine("Mind:");
            foreach (ThrottleNote note in explanation.Notes)
            {
                output.WriteLine($"  - {note.Text}");
            }
        }
    }

    private static void PrintTable(TextWriter output, ThrottleExplanation explanation)
    {
        TextTable table = new();
        table.Add("meter", "long run", "burst", "capacity", "from", "at once", "burst lasts", "refills in");
        foreach (ThrottleMeterExplanation meter in explanation.Meters)
        {
            bool isBytes = meter.CountsBytes;
            table.Add(
                meter.Key,
                QuantityText.Rate(meter.Limits.Rate, isBytes),
                BurstText(meter),
                QuantityText.ExactAmount(meter.Capacity, isBytes),
                SourceText(meter),
                QuantityText.Amount(meter.AtOnce, isBytes),
                meter.BurstSeconds is { } seconds ? QuantityText.Duration(seconds) : "-",
                QuantityText.Duration(meter.RefillSeconds));
        }

        table.Print(output, string.Empty);
    }

    private static string BurstText(ThrottleMeterExplanation meter)
    {
        (long burst, bool isBytes) = (meter.Limits.Burst, meter.CountsBytes);
        return meter.CapacitySource switch
        {
            ThrottleCapacitySource.RateWindow => "-",
            ThrottleCapacitySource.Pool => $"{QuantityText.Amount(burst, isBytes)} at once",
            _ => $"{QuantityText.Rate(burst, isBytes)} x {meter.Limits.BurstLengthSeconds} s",
        };
    }

    private static string SourceText(ThrottleMeterExplanation meter) => meter.CapacitySource switch
    {
        ThrottleCapacitySource.RateWindow when meter.Capacity == 0 => "one by one",
        ThrottleCapacitySource.RateWindow => $"{QuantityText.Duration(meter.RefillSeconds)} of the rate",
        ThrottleCapacitySource.Pool => "pool",
        _ => "burst",
    };

    private static IEnumerable<string> SentencesOf(ThrottleMeterExplanation meter, ThrottleConfig config)
    {
        bool isBytes = meter.CountsBytes;
        ThrottleLimits limits = meter.Limits;
        string noun = meter.Meter switch
        {
            ThrottleMeter.BpsRead or ThrottleMeter.IopsRead => "reads",
            ThrottleMeter.BpsWrite or ThrottleMeter.IopsWrite => "writes",
            _ => "requests",
        };
        double cost = isBytes ? SmallRequestBytes : 1;
        double first = meter.RequestsAtOnce(cost);
        string many = first == 1 ? $"one {noun[..^1]}" : $"{QuantityText.Number(first)} {noun}";
        yield return $"From idle, {many}{(isBytes ? " of 4 KiB" : "")} {(first == 1 ? "goes" : "go")} at once{(meter.HasCeiling ? ", and no faster than the ceiling after that" : "")}.";
        if (meter.BurstSeconds is { } burstSeconds && double.IsFinite(burstSeconds))
        {
            yield return meter.HasCeiling
                ? $"At {QuantityText.Rate(limits.Burst, isBytes)} the burst lasts {QuantityText.Duration(burstSeconds)}; at R it lasts {QuantityText.Amount(meter.Capacity, isBytes)} / (R - {QuantityText.Rate(limits.Rate, isBytes)})."
                : $"The burst is a pool: it can be gone at once; at R it lasts {QuantityText.Amount(meter.Capacity, isBytes)} / (R - {QuantityText.Rate(limits.Rate, isBytes)}).";
        }

        yield return $"After that {QuantityText.Rate(limits.Rate, isBytes)}; a full bucket is empty again after {QuantityText.Duration(meter.RefillSeconds)} of rest.";
        yield return $"In any second {QuantityText.Amount(meter.UnitsIn(1, 0), isBytes)} go at most, and one request more; in any minute {QuantityText.Amount(meter.UnitsIn(60, 0), isBytes)}.";
        if (!isBytes && config.IopsSizeBytes != 0)
        {
            double large = Math.Max(1, LargeRequestBytes / config.IopsSizeBytes);
            yield return $"A request above {QuantityText.Amount(config.IopsSizeBytes, isBytes: true)} (iops-size) counts by its size: 1 MiB is {QuantityText.Number(large)} operations.";
        }
    }

    private static string DirectionLine(ThrottleExplanation explanation, ThrottleDirection direction, string noun)
    {
        IReadOnlyList<ThrottleMeterExplanation> binding = explanation.Binding(direction);
        string keys = string.Join(" and ", binding.Select(meter => meter.Key));
        if (binding.Count < 2)
        {
            return binding.Count == 0 ? $"A {noun} is not limited." : $"A {noun} is limited by {keys}.";
        }

        string crossover = explanation.CrossoverBytes(direction) is { } bytes and >= LeastCrossoverBytes
            ? $" In the long run operations bind {noun}s below {QuantityText.ExactAmount(bytes, isBytes: true)}, bytes those above."
            : string.Empty;
        return $"A {noun} waits for whichever of {keys} makes it wait longest.{crossover}";
    }
}
