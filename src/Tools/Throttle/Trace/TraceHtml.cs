using System.Globalization;
using System.Text;
using BlockGraph.BlockCore.Throttling;

namespace BlockGraph.Tools.Throttle.Trace;

/// <summary>Writes what limits have done to a trace as one page: numbers and charts, in light or dark colours as the viewer likes it. It needs no other file and no script.</summary>
internal sealed class TraceHtml
{
    private const int BinCount = 206;
    private const double Headroom = 1.08;
    private const double LevelFactor = 5;
    private readonly StringBuilder _page = new();
    private readonly TraceSummary _summary;
    private readonly TraceSeries _series;

    private TraceHtml(TraceSummary summary)
    {
        _summary = summary;
        _series = TraceSeries.Of(summary.Replay, BinCount);
    }

    /// <summary>The whole page. It is well-formed XML, too.</summary>
    public static string Compose(TraceSummary summary)
    {
        TraceHtml html = new(summary);
        html.Write();
        return html._page.ToString();
    }

    /// <summary>Text as it stands between tags and in attributes. What no document may hold is shown by a sign for it.</summary>
    public static string Escape(string text)
    {
        StringBuilder escaped = new(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
        {
            escaped.Append(rune.Value switch
            {
                '&' => "&amp;",
                '<' => "&lt;",
                '>' => "&gt;",
                '"' => "&quot;",
                < ' ' or 0xFFFE or 0xFFFF => Rune.ReplacementChar.ToString(),
                _ => rune.ToString(),
            });
        }

        return escaped.ToString();
    }

    private void Write()
    {
        string title = $"{Path.GetFileName(_summary.Replay.Trace.Name)} under {_summary.LimitsText}";
        Line("<!DOCTYPE html>");
        Line("<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\">");
        Line("<head>");
        Line("<meta charset=\"utf-8\"/>");
        Line("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>");
        Line($"<title>{Escape(title)}</title>");
        Line("<style>");
        _page.Append(TraceHtmlStyle.Sheet.ReplaceLineEndings("\n"));
        Line("</style>");
        Line("</head>");
        Line("<body>");
        Line("<main>");
        Line($"<h1>What these limits would have done to {Escape(Path.GetFileName(_summary.Replay.Trace.Name))}</h1>");
        Line($"<p><code>{Escape(_summary.LimitsText)}</code></p>");
        WriteCards();
        WriteRates();
        WriteWaits();
        WriteQueue();
        WriteLevel();
        WriteTables();
        Line("</main>");
        Line("</body>");
        Line("</html>");
    }

    private void WriteCards()
    {
        TraceRow all = _summary.All;
        Line("<div class=\"cards\">");
        Card(QuantityText.Number(all.Count), $"requests, {QuantityText.Axis(all.LengthBytes, isBytes: true)}");
        Card($"{QuantityText.Short(all.DelayedShare * 100)} %", $"delayed ({QuantityText.Number(all.DelayedCount)})");
        Card(QuantityText.DurationNs(all.MeanNs), "mean added wait");
        Card(QuantityText.DurationNs(all.ValueAt(0.99)), "added wait of 99 %");
        Card(QuantityText.DurationNs(all.MaxNs), "longest added wait");
        Card(QuantityText.DurationNs(_summary.AdmittedNs - _summary.OfferedNs), "later over than without");
        Line("</div>");
    }

    private void Card(string value, string text) => Line($"<div class=\"card\"><b>{Escape(value)}</b><span>{Escape(text)}</span></div>");

    private void WriteRates()
    {
        bool isBytes = _series.CountsBytes;
        ThrottleLimits limits = _series.Limits;
        double max = _series.RateShown * Headroom;
        double peak = Math.Max(_series.Offered.Max(), _series.Admitted.Max());
        string key = ThrottleKeys.Of(_series.Meter, ThrottleKeyPart.Rate).Name;
        Line($"<h2>Offered and admitted, {(isBytes ? "bytes" : "operations")} a second</h2>");
        string beyond = peak > max ? $"(the highest column stands for {QuantityText.Rate(peak, isBytes)})" : "";
        Line($"<p class=\"key\"><i class=\"offered\"></i>offered<i class=\"admitted\"></i>admitted{(limits.Rate == 0 ? "" : "<i class=\"limit\"></i>limit")} {Escape(beyond)}</p>");
        ChartSvg chart = new("Offered and admitted rate over time", _series, max, ChartAxis.Values(max, isBytes), value => QuantityText.Axis(value, isBytes));
        chart.AddArea(_series.Offered, "offered");
        chart.AddSteps(_series.Offered, "offered");
        chart.AddArea(_series.Admitted, "admitted");
        chart.AddSteps(_series.Admitted, "admitted");
        if (limits.Rate != 0)
        {
            chart.AddLine(limits.Rate, "limit", $"{key} {QuantityText.Rate(limits.Rate, isBytes)}");
        }

        if (limits.BurstLengthSeconds > 1)
        {
            chart.AddLine(limits.Burst, "limit", $"{key}-max {QuantityText.Rate(limits.Burst, isBytes)}");
        }

        chart.AddTips(bin => $"offered {QuantityText.Rate(_series.Offered[bin], isBytes)}, admitted {QuantityText.Rate(_series.Admitted[bin], isBytes)}");
        _page.Append(chart);
    }

    private void WriteWaits()
    {
        double max = _series.WaitMaxNs.Max() * Headroom;
        if (max == 0)
        {
            return;
        }

        Line("<h2>Added wait, by when a request came</h2>");
        Line("<p class=\"key\"><i class=\"wait\"></i>longest<i class=\"median\"></i>median</p>");
        ChartSvg chart = new("Added wait over time", _series, max, [.. ChartAxis.Times(max).Where((_, index) => index % 2 == 0)], QuantityText.DurationNs);
        chart.AddArea(_series.WaitMaxNs, "wait");
        chart.AddArea(_series.WaitMedianNs, "median");
        chart.AddSteps(_series.WaitMaxNs, "wait");
        chart.AddTips(bin => $"longest {QuantityText.DurationNs(_series.WaitMaxNs[bin])}, median {QuantityText.DurationNs(_series.WaitMedianNs[bin])}");
        _page.Append(chart);
    }

    private void WriteQueue()
    {
        double max = _series.QueueDepth.Max() * Headroom;
        if (max == 0)
        {
            return;
        }

        Line("<h2>Requests that wait</h2>");
        ChartSvg chart = new("Requests that wait over time", _series, max, [.. ChartAxis.Values(max, isBytes: false).Where(double.IsInteger)], value => QuantityText.Axis(value, isBytes: false));
        chart.AddArea(_series.QueueDepth, "queue");
        chart.AddSteps(_series.QueueDepth, "queue");
        chart.AddTips(bin => $"up to {QuantityText.Number(_series.QueueDepth[bin])}");
        _page.Append(chart);
    }

    private void WriteLevel()
    {
        if (_series.Limits.Rate == 0)
        {
            return;
        }

        bool isBytes = _series.CountsBytes;
        string key = ThrottleKeys.Of(_series.Meter, ThrottleKeyPart.Rate).Name;
        double max = Math.Min(Math.Max(_series.Level.Max(), _series.Capacity), LevelFactor * _series.Capacity) * Headroom;
        Line($"<h2>Level of the bucket of {Escape(key)}</h2>");
        string ceiling = _series.Limits.BurstLengthSeconds > 1 ? $" They also wait for {key}-max, which has a bucket of its own." : "";
        Line($"<p class=\"key\">Above its capacity requests wait.{Escape(ceiling)}</p>");
        ChartSvg chart = new("Level of the bucket over time", _series, max, ChartAxis.Values(max, isBytes), value => QuantityText.Axis(value, isBytes));
        chart.AddArea(_series.Level, "level");
        chart.AddSteps(_series.Level, "level");
        chart.AddLine(_series.Capacity, "limit", $"capacity {QuantityText.Amount(_series.Capacity, isBytes)}");
        chart.AddTips(bin => $"up to {QuantityText.Amount(Math.Round(_series.Level[bin], 3), isBytes)}");
        _page.Append(chart);
    }

    private void WriteTables()
    {
        Line("<h2>In numbers</h2>");
        Line("<div class=\"wide\"><table>");
        Line($"<tr>{string.Concat(TraceReport.Headings.Select(heading => $"<th>{Escape(heading)}</th>"))}</tr>");
        foreach (TraceRow row in TraceReport.Rows(_summary))
        {
            Line($"<tr>{string.Concat(TraceReport.Cells(row).Select(cell => $"<td>{Escape(cell)}</td>"))}</tr>");
        }

        Line("</table></div>");
        Line("<table class=\"facts\">");
        foreach ((string name, string value) in TraceReport.Facts(_summary))
        {
            Line($"<tr><td>{Escape(name)}</td><td>{Escape(value)}</td></tr>");
        }

        Line("</table>");
    }

    private void Line(string text) => _page.Append(CultureInfo.InvariantCulture, $"{text}\n");
}
