using System.Globalization;
using System.Text;

namespace BlockGraph.Tools.Throttle.Trace;

/// <summary>Draws one chart over time as SVG, for a page whose style sheet knows its classes.</summary>
internal sealed class ChartSvg
{
    private const int Width = 920;
    private const int Height = 230;
    private const int Left = 78;
    private const int Right = 16;
    private const int Top = 14;
    private const int Bottom = 28;
    private const int PlotWidth = Width - Left - Right;
    private const int PlotHeight = Height - Top - Bottom;
    private readonly StringBuilder _svg = new();
    private readonly StringBuilder _labels = new();
    private readonly TraceSeries _series;
    private readonly double _max;

    /// <summary>A chart of <paramref name="series"/> whose values go up to <paramref name="max"/>.</summary>
    /// <param name="title">What it shows, for those who do not see it.</param>
    /// <param name="series">Whose time it is.</param>
    /// <param name="max">The largest value to show.</param>
    /// <param name="values">The numbers along the axis.</param>
    /// <param name="label">Writes one of them.</param>
    public ChartSvg(string title, TraceSeries series, double max, IReadOnlyList<double> values, Func<double, string> label)
    {
        _series = series;
        _max = max;
        Line($"<svg viewBox=\"0 0 {Width} {Height}\" role=\"img\"><title>{TraceHtml.Escape(title)}</title>");
        foreach (double value in values)
        {
            Line($"<path class=\"grid\" d=\"M{Left} {Y(value)}H{Width - Right}\"/>");
            Line($"<text class=\"tick end\" x=\"{Left - 8}\" y=\"{Y(value, 4)}\">{TraceHtml.Escape(label(value))}</text>");
        }

        foreach (double ns in ChartAxis.Times(series.SpanNs))
        {
            double x = Left + (ns / series.SpanNs * PlotWidth);
            Line($"<path class=\"grid\" d=\"M{Number(x)} {Top + PlotHeight}v4\"/>");
            string anchor = x > Width - Right - 24 ? "tick end" : "tick middle";
            Line($"<text class=\"{anchor}\" x=\"{Number(Math.Min(x, Width - Right))}\" y=\"{Height - 8}\">{TraceHtml.Escape(QuantityText.DurationNs(ns))}</text>");
        }
    }

    /// <summary>Fills the steps below <paramref name="values"/>.</summary>
    public void AddArea(double[] values, string style) => Line($"<path class=\"area {style}\" d=\"M{Left} {Y(0)}{Steps(values)}V{Y(0)}Z\"/>");

    /// <summary>Draws the steps of <paramref name="values"/>.</summary>
    public void AddSteps(double[] values, string style) => Line($"<path class=\"steps {style}\" d=\"M{Left} {Y(values[0])}{Steps(values)}\"/>");

    /// <summary>Draws a line across at <paramref name="value"/>, where the chart has it.</summary>
    public void AddLine(double value, string style, string label)
    {
        if (value <= _max)
        {
            Line($"<path class=\"line {style}\" d=\"M{Left} {Y(value)}H{Width - Right}\"/>");
            _labels.Append(CultureInfo.InvariantCulture, $"<text class=\"label end {style}\" x=\"{Width - Right - 4}\" y=\"{Y(value, value > _max * 0.9 ? 13 : -5)}\">{TraceHtml.Escape(label)}</text>\n");
        }
    }

    /// <summary>Says what is in each bin to whoever points at it.</summary>
    public void AddTips(Func<int, string> tip)
    {
        double width = (double)PlotWidth / _series.BinCount;
        for (int bin = 0; bin < _series.BinCount; bin++)
        {
            string time = $"{QuantityText.DurationNs(_series.StartNs(bin))} to {QuantityText.DurationNs(_series.StartNs(bin + 1))}";
            Line($"<rect class=\"tip\" x=\"{Number(Left + (bin * width))}\" y=\"{Top}\" width=\"{Number(width)}\" height=\"{PlotHeight}\"><title>{TraceHtml.Escape($"{time}: {tip(bin)}")}</title></rect>");
        }
    }

    /// <inheritdoc/>
    public override string ToString() => $"{_svg}<path class=\"axis\" d=\"M{Left} {Top}V{Top + PlotHeight}H{Width - Right}\"/>\n{_labels}</svg>\n";

    private string Steps(double[] values)
    {
        StringBuilder path = new();
        double width = (double)PlotWidth / values.Length;
        for (int bin = 0; bin < values.Length; bin++)
        {
            path.Append(CultureInfo.InvariantCulture, $"V{Y(values[bin])}H{Number(Left + ((bin + 1) * width))}");
        }

        return path.ToString();
    }

    // What goes beyond the top ends there.
    private string Y(double value, double extra = 0) => Number(Top + PlotHeight - (Math.Min(value, _max) / _max * PlotHeight) + extra);

    private static string Number(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);

    private void Line(FormattableString text) => _svg.Append(text.ToString(CultureInfo.InvariantCulture)).Append('\n');
}
