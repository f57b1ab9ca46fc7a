using BlockGraph.BlockCore.Throttling;
using BlockGraph.Tools.Plan;

namespace BlockGraph.Tools.Throttle.Trace;

/// <summary>Shows a person what limits have done to a trace: a table, and charts of text.</summary>
internal static class TraceReport
{
    /// <summary>The narrowest charts.</summary>
    public const int WidthMin = 40;

    private const int RateHeight = 10;
    private const int QueueHeight = 4;
    private const double Headroom = 1.02;
    private static readonly (string Name, double Fraction)[] s_percentiles = [("p50", 0.5), ("p75", 0.75), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99), ("p99.9", 0.999), ("max", 1)];

    /// <summary>The headings of the table, for every form of the report.</summary>
    public static IReadOnlyList<string> Headings { get; } = ["requests", "count", "bytes", "delayed", "wait total", "mean", "p50", "p99", "max"];

    /// <summary>Prints the table and what else there is to say.</summary>
    public static void PrintSummary(TextWriter output, TraceSummary summary)
    {
        output.WriteLine($"{summary.Replay.Trace.Name} under {summary.LimitsText}");
        output.WriteLine();
        TextTable table = new();
        table.Add([.. Headings]);
        foreach (TraceRow row in Rows(summary))
        {
            table.Add([.. Cells(row)]);
        }

        table.Print(output, string.Empty);
        output.WriteLine();
        foreach ((string name, string value) in Facts(summary))
        {
            output.WriteLine($"{name,-14}{value}");
        }
    }

    /// <summary>Draws the rates and the queue.</summary>
    public static void PrintCharts(TextWriter output, TraceSummary summary, int width, bool isUnicode, bool isColoured)
    {
        TraceSeries series = TraceSeries.Of(summary.Replay, width - TextChart.GutterWidth);
        TextChart chart = new(output, width, isUnicode, isColoured);
        double? limit = series.Limits.Rate == 0 ? null : series.Limits.Rate;
        double top = series.RateShown * Headroom;
        double peak = Math.Max(series.Offered.Max(), series.Admitted.Max());
        string beyond = peak > top ? $" ({chart.BeyondSign} up to {QuantityText.Rate(peak, series.CountsBytes)})" : "";
        string key = ThrottleKeys.Of(series.Meter, ThrottleKeyPart.Rate).Name;
        string legend = $"{chart.BarSign} admitted  {chart.ShadeSign} offered{beyond}{(limit is null ? "" : $"  {chart.LineSign} {key}")}";
        output.WriteLine();
        chart.Print($"{(series.CountsBytes ? "bytes/s" : "operations/s")}  {legend}", RateHeight, series.Admitted, series.Offered, limit, top, value => QuantityText.Axis(value, series.CountsBytes));
        chart.PrintTimes("0 s", QuantityText.DurationNs(series.SpanNs / 2.0), QuantityText.DurationNs(series.SpanNs));
        if (summary.LongestQueue > 0)
        {
            output.WriteLine();
            chart.Print("requests that wait", QueueHeight, series.QueueDepth, null, null, series.QueueDepth.Max(), value => QuantityText.Axis(value, isBytes: false));
        }
    }

    /// <summary>The rows of the table: each kind, and where there are several, all.</summary>
    public static IEnumerable<TraceRow> Rows(TraceSummary summary) => summary.Kinds.Count == 1 ? summary.Kinds : [.. summary.Kinds, summary.All];

    /// <summary>The cells of one row.</summary>
    public static IEnumerable<string> Cells(TraceRow row) =>
    [
        row.Name,
        QuantityText.Number(row.Count),
        QuantityText.Axis(row.LengthBytes, isBytes: true),
        $"{QuantityText.Number(row.DelayedCount)} ({QuantityText.Short(row.DelayedShare * 100)} %)",
        QuantityText.DurationNs(row.TotalNs),
        QuantityText.DurationNs(row.MeanNs),
        QuantityText.DurationNs(row.ValueAt(0.5)),
        QuantityText.DurationNs(row.ValueAt(0.99)),
        QuantityText.DurationNs(row.MaxNs),
    ];

    /// <summary>What there is to say besides the table.</summary>
    public static IEnumerable<(string Name, string Value)> Facts(TraceSummary summary)
    {
        yield return ("offered", RatesText(summary.OfferedRequestsPerSecond, summary.OfferedBytesPerSecond, summary.OfferedNs));
        yield return ("achieved", RatesText(summary.AdmittedRequestsPerSecond, summary.AdmittedBytesPerSecond, summary.AdmittedNs));
        if (summary.LongestQueue == 0)
        {
            yield return ("waits", "none: the limits do not touch this trace");
            yield break;
        }

        yield return ("added wait", string.Join(", ", s_percentiles.Select(item => $"{item.Name} {QuantityText.DurationNs(summary.All.ValueAt(item.Fraction))}")));
        yield return ("longest queue", $"{summary.LongestQueue} {(summary.LongestQueue == 1 ? "request" : "requests")}, {QuantityText.DurationNs(summary.LongestQueueAtNs)} in");
        foreach ((ThrottleKey key, long ns) in summary.Replay.Bound)
        {
            yield return ("bound by", $"{key.Name} for {QuantityText.DurationNs(ns)} ({QuantityText.Short(ns * 100.0 / Math.Max(1, summary.AdmittedNs))} % of the time)");
        }
    }

    private static string RatesText(double? requests, double? bytes, long ns) => requests is null
        ? "everything at once"
        : $"{QuantityText.Axis(requests.Value, isBytes: false)} requests/s, {QuantityText.Rate(bytes!.Value, isBytes: true)} over {QuantityText.DurationNs(ns)}";
}
