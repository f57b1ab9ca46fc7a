using System.Text.Json;
using BlockGraph.BlockCore.Throttling;
using BlockGraph.Tools.Dispatch;

namespace BlockGraph.Tools.Throttle.Trace;

/// <summary>Prints what limits have done to a trace as one JSON object. Times are in nanoseconds.</summary>
internal static class TraceJson
{
    /// <summary>Prints <paramref name="summary"/>.</summary>
    public static void Print(TextWriter output, TraceSummary summary) => JsonLines.Print(output, isIndented: true, writer =>
    {
        writer.WriteStartObject();
        writer.WriteString("trace", summary.Replay.Trace.Name);
        writer.WriteStartObject("limits");
        foreach ((string key, long value) in summary.Replay.Config.Values)
        {
            writer.WriteNumber(key, value);
        }

        writer.WriteEndObject();
        writer.WriteStartArray("members");
        foreach (string member in summary.Replay.Trace.Members)
        {
            writer.WriteStringValue(member);
        }

        writer.WriteEndArray();
        writer.WriteNumber("offered-ns", summary.OfferedNs);
        writer.WriteNumber("admitted-ns", summary.AdmittedNs);
        WriteOptional(writer, "offered-requests-per-second", summary.OfferedRequestsPerSecond);
        WriteOptional(writer, "admitted-requests-per-second", summary.AdmittedRequestsPerSecond);
        WriteOptional(writer, "offered-bytes-per-second", summary.OfferedBytesPerSecond);
        WriteOptional(writer, "admitted-bytes-per-second", summary.AdmittedBytesPerSecond);
        writer.WriteNumber("longest-queue", summary.LongestQueue);
        writer.WriteNumber("longest-queue-at-ns", summary.LongestQueueAtNs);
        WriteRow(writer, summary.All);
        writer.WriteStartArray("kinds");
        foreach (TraceRow row in summary.Kinds)
        {
            WriteRow(writer, row);
        }

        writer.WriteEndArray();
        writer.WriteStartArray("bound");
        foreach ((ThrottleKey key, long ns) in summary.Replay.Bound)
        {
            writer.WriteStartObject();
            writer.WriteString("limit", key.Name);
            writer.WriteNumber("ns", ns);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    });

    private static void WriteRow(Utf8JsonWriter writer, TraceRow row)
    {
        if (writer.CurrentDepth == 1)
        {
            writer.WriteStartObject(row.Name);
        }
        else
        {
            writer.WriteStartObject();
            writer.WriteString("kind", row.Name);
        }

        writer.WriteNumber("requests", row.Count);
        writer.WriteNumber("bytes", row.LengthBytes);
        writer.WriteNumber("delayed", row.DelayedCount);
        writer.WriteStartObject("wait-ns");
        writer.WriteNumber("total", row.TotalNs);
        writer.WriteNumber("mean", row.MeanNs);
        writer.WriteNumber("p50", row.ValueAt(0.5));
        writer.WriteNumber("p99", row.ValueAt(0.99));
        writer.WriteNumber("max", row.MaxNs);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static void WriteOptional(Utf8JsonWriter writer, string name, double? value)
    {
        if (value is { } number)
        {
            writer.WriteNumber(name, number);
        }
        else
        {
            writer.WriteNull(name);
        }
    }
}
