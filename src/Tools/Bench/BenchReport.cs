using System.Globalization;
using System.Text.Json;
using BlockGraph.BlockCore.Accounting;
using BlockGraph.Tools.Dispatch;
using Spectre.Console;

namespace BlockGraph.Tools.Bench;

/// <summary>Shows what a load has achieved: as a table on a terminal, as plain lines elsewhere, or as one JSON object.</summary>
internal static class BenchReport
{
    private const double NsPerMicrosecond = 1e3;
    private const double BytesPerMegabyte = 1e6;
    private static readonly double[] s_fractions = [0.5, 0.99, 0.999];
    private static readonly string[] s_headings = ["", "p50", "p99", "p99.9", "max"];

    /// <summary>Prints one JSON object on one line.</summary>
    public static void PrintJson(TextWriter output, BenchResult result, BenchMetrics? metrics, SlowestRequests? slowest) => JsonLines.Print(output, isIndented: false, writer =>
    {
        writer.WriteStartObject();
        writer.WriteNumber("requests", result.RequestCount);
        writer.WriteNumber("seconds", result.Seconds);
        writer.WriteNumber("iops", result.RequestsPerSecond);
        writer.WriteNumber("bytes_per_second", result.BytesPerSecond);
        WriteOptional(writer, "limit", result.Limit?.Rate);
        WriteOptional(writer, "error_percent", result.ErrorPercent);
        WriteTimes(writer, "latency_ns", result.Latencies);
        WriteTimes(writer, "throttle_wait_ns", result.ThrottleWaits);
        WriteTimes(writer, "device_ns", result.DeviceTimes);
        metrics?.WriteJson(writer);
        slowest?.WriteJson(writer);
        writer.WriteEndObject();
    });

    /// <summary>Prints lines for a person; a table where <paramref name="isTerminal"/>.</summary>
    public static void PrintText(TextWriter output, BenchResult result, BenchMetrics? metrics, SlowestRequests? slowest, bool isTerminal)
    {
        PrintText(output, result, isTerminal);
        if (metrics is not null)
        {
            output.WriteLine();
            metrics.PrintText(output, isTerminal);
        }

        if (slowest is not null)
        {
            output.WriteLine();
            slowest.PrintText(output);
        }
    }

    private static void PrintText(TextWriter output, BenchResult result, bool isTerminal)
    {
        output.WriteLine($"{result.RequestCount} requests in {Fixed(result.Seconds, 3)} s: {Fixed(result.RequestsPerSecond, 1)} IOPS, {Fixed(result.BytesPerSecond / BytesPerMegabyte, 3)} MB/s");
        output.WriteLine(LimitLine(result));
        string[][] rows =
        [
            Row("latency", result.Latencies),
            Row("throttle wait", result.ThrottleWaits),
            Row("device", result.DeviceTimes),
        ];
        if (isTerminal)
        {
            PrintTable(output, rows);
            return;
        }

        output.WriteLine(Line(s_headings) + "   (microseconds)");
        foreach (string[] row in rows)
        {
            output.WriteLine(Line(row));
        }
    }

    private static string LimitLine(BenchResult result)
    {
        if (result.Limit is not { } limit)
        {
            return "no limit";
        }

        string achieved = result.ErrorPercent is { } error
            ? $"steady state {Fixed(result.SteadyRate!.Value, 1)}/s, error {error.ToString("+0.000;-0.000;0.000", CultureInfo.InvariantCulture)} %"
            : "steady state not reached";
        return $"limit {limit.Rate} {limit.Unit}/s ({limit.Key} of '{limit.Group.Name}'): {achieved}";
    }

    private static void PrintTable(TextWriter output, string[][] rows)
    {
        Table table = new() { Border = TableBorder.Rounded };
        table.AddColumn(new TableColumn("microseconds"));
        foreach (string heading in s_headings.Skip(1))
        {
            table.AddColumn(new TableColumn(heading).RightAligned());
        }

        foreach (string[] row in rows)
        {
            table.AddRow(row);
        }

        AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) }).Write(table);
    }

    private static string[] Row(string name, LatencyHistogram times) =>
        [name, .. s_fractions.Select(fraction => Microseconds(times.ValueAt(fraction))), Microseconds(times.MaxNs)];

    private static string Line(string[] cells) => $"{cells[0],-14}{cells[1],12}{cells[2],12}{cells[3],12}{cells[4],12}";

    private static string Microseconds(long ns) => Fixed(ns / NsPerMicrosecond, 1);

    private static string Fixed(double value, int places) => value.ToString("F" + places, CultureInfo.InvariantCulture);

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

    private static void WriteTimes(Utf8JsonWriter writer, string name, LatencyHistogram times)
    {
        writer.WriteStartObject(name);
        writer.WriteNumber("p50", times.ValueAt(s_fractions[0]));
        writer.WriteNumber("p99", times.ValueAt(s_fractions[1]));
        writer.WriteNumber("p999", times.ValueAt(s_fractions[2]));
        writer.WriteNumber("max", times.MaxNs);
        writer.WriteEndObject();
    }
}
