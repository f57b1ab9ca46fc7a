using System.Text.Json;
using BlockGraph.BlockCore.Throttling;
using BlockGraph.Tools.Dispatch;

namespace BlockGraph.Tools.Throttle.Explain;

/// <summary>Prints an explanation of limits as one JSON object. Times are in seconds; what lasts for ever is null.</summary>
internal static class ExplanationJson
{
    /// <summary>Prints <paramref name="explanation"/>.</summary>
    public static void Print(TextWriter output, ThrottleExplanation explanation) => JsonLines.Print(output, isIndented: true, writer =>
    {
        writer.WriteStartObject();
        writer.WriteStartObject("limits");
        foreach ((string key, long value) in explanation.Config.Values)
        {
            writer.WriteNumber(key, value);
        }

        writer.WriteEndObject();
        writer.WriteStartArray("meters");
        foreach (ThrottleMeterExplanation meter in explanation.Meters)
        {
            Write(writer, meter);
        }

        writer.WriteEndArray();
        WriteDirection(writer, explanation, ThrottleDirection.Read);
        WriteDirection(writer, explanation, ThrottleDirection.Write);
        writer.WriteStartArray("notes");
        foreach (ThrottleNote note in explanation.Notes)
        {
            writer.WriteStartObject();
            writer.WriteString("kind", JsonNamingPolicy.KebabCaseLower.ConvertName(note.Kind.ToString()));
            writer.WriteString("meter", ThrottleKeys.Of(note.Meter, ThrottleKeyPart.Rate).Name);
            writer.WriteString("text", note.Text);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    });

    private static void Write(Utf8JsonWriter writer, ThrottleMeterExplanation meter)
    {
        writer.WriteStartObject();
        writer.WriteString("meter", meter.Key);
        writer.WriteString("unit", meter.CountsBytes ? "bytes" : "operations");
        writer.WriteNumber("rate", meter.Limits.Rate);
        writer.WriteNumber("burst", meter.Limits.Burst);
        writer.WriteNumber("burst-length-seconds", meter.Limits.BurstLengthSeconds);
        writer.WriteNumber("capacity", meter.Capacity);
        writer.WriteString("capacity-source", JsonNamingPolicy.KebabCaseLower.ConvertName(meter.CapacitySource.ToString()));
        writer.WriteNumber("at-once", meter.AtOnce);
        writer.WriteBoolean("has-ceiling", meter.HasCeiling);
        WriteSeconds(writer, "burst-seconds", meter.BurstSeconds);
        writer.WriteNumber("refill-seconds", meter.RefillSeconds);
        writer.WriteEndObject();
    }

    private static void WriteDirection(Utf8JsonWriter writer, ThrottleExplanation explanation, ThrottleDirection direction)
    {
        writer.WriteStartObject(direction.ToString().ToLowerInvariant());
        writer.WriteStartArray("meters");
        foreach (ThrottleMeterExplanation meter in explanation.Binding(direction))
        {
            writer.WriteStringValue(meter.Key);
        }

        writer.WriteEndArray();
        WriteSeconds(writer, "crossover-bytes", explanation.CrossoverBytes(direction));
        writer.WriteEndObject();
    }

    private static void WriteSeconds(Utf8JsonWriter writer, string name, double? value)
    {
        if (value is { } number && double.IsFinite(number))
        {
            writer.WriteNumber(name, number);
        }
        else
        {
            writer.WriteNull(name);
        }
    }
}
