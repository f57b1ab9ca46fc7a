using System.Globalization;
using System.Text;

namespace BlockGraph.Tools.Bench;

/// <summary>
/// Draws how a load is doing, as lines that fit a terminal:
/// <code>
/// load   ████████████░░░░░░░░░░░░   5.0 s   10016 requests
/// rate   ████████████████████████   2000 IOPS   8.19 MB/s   100 % of iops-total=2000
/// time   ▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒█████   wait 7.4 ms   device 601 us   p99 9.1 ms
/// queue  ████████████████████████   16 of 16 under way
/// trend  ▁▂▅▇████████████████████   IOPS of the last 6.0 s, at most 2004
/// </code>
/// A narrow terminal gets no bars; no line is ever longer than the terminal is wide.
/// </summary>
internal sealed class BenchScreen(int width, bool hasColour)
{
    private const int BarWidthMax = 32;
    private const int BarWidthMin = 8;
    private const int TextWidth = 50;
    private const int NameWidth = 7;
    private const double NsPerSecond = 1e9;
    private const string Steps = "▁▂▃▄▅▆▇█";
    private const string Parts = " ▏▎▍▌▋▊▉";

    private readonly int _barWidth = Math.Min(BarWidthMax, width - 1 - NameWidth - TextWidth);

    /// <summary>How many moments the trend shows.</summary>
    public const int HistoryCount = BarWidthMax;

    private bool HasBars => _barWidth >= BarWidthMin;

    /// <summary>The lines, from top to bottom.</summary>
    public string[] Draw(BenchSnapshot now) =>
    [
        Line("load", Bar(now.Progress, Colour.Plain), $"{Fixed(now.ElapsedNs / NsPerSecond, 1)} s   {now.DoneCount.ToString(CultureInfo.InvariantCulture)} requests"),
        Line("rate", Bar(now.RateShare, Colour.Rate), $"{Fixed(now.RequestsPerSecond, 0)} IOPS   {Fixed(now.BytesPerSecond / 1e6, 2)} MB/s{Limit(now)}"),
        Line("time", TimeBar(now), $"{Tinted(Colour.Wait, "wait")} {Duration(now.WaitNs)}   {Tinted(Colour.Device, "device")} {Duration(now.DeviceNs)}   p99 {Duration(now.P99Ns)}"),
        Line("queue", Bar((double)now.InFlightCount / now.Depth, Colour.Plain), string.Create(CultureInfo.InvariantCulture, $"{now.InFlightCount} of {now.Depth} under way")),
        Line("trend", Trend(now.History), History(now)),
    ];

    /// <summary>A duration with three digits and a unit.</summary>
    public static string Duration(double ns) => ns switch
    {
        < 999.5 => $"{Fixed(ns, 0)} ns",
        < 999.5e3 => $"{Digits(ns / 1e3)} us",
        < 999.5e6 => $"{Digits(ns / 1e6)} ms",
        _ => $"{Digits(ns / 1e9)} s",
    };

    private static string Digits(double value) => Fixed(value, value < 9.995 ? 2 : value < 99.95 ? 1 : 0);

    private static string Fixed(double value, int places) => value.ToString("F" + places, CultureInfo.InvariantCulture);

    private static string Limit(BenchSnapshot now) =>
        now.Limit is { } limit ? string.Create(CultureInfo.InvariantCulture, $"   {now.RateShare * 100:F0} % of {limit.Key}={limit.Rate}") : "";

    private static string History(BenchSnapshot now)
    {
        int count = Math.Min(now.History.Count, HistoryCount);
        return count == 0 ? "" : $"IOPS of the last {Fixed(count * now.MomentNs / NsPerSecond, 1)} s, at most {Fixed(now.History.TakeLast(count).Max(), 0)}";
    }

    private string Line(string name, string bar, string text)
    {
        string line = $"{name.PadRight(NameWidth)}{(HasBars ? bar + "   " : "")}{text}";
        return Cut(line, width - 1);
    }

    private string Bar(double share, Colour colour)
    {
        int eighths = (int)Math.Round(Math.Clamp(share, 0, 1) * Math.Max(0, _barWidth) * 8);
        string full = new string('█', eighths / 8) + (eighths % 8 == 0 ? "" : Parts[eighths % 8]);
        return Tinted(colour, full) + Tinted(Colour.Faint, new string('░', Math.Max(0, _barWidth - full.Length)));
    }

    // What is neither was spent on the way between the two.
    private string TimeBar(BenchSnapshot now)
    {
        double sumNs = now.WaitNs + now.DeviceNs;
        int bar = Math.Max(0, _barWidth);
        int wait = sumNs == 0 ? 0 : (int)Math.Round(now.WaitNs / sumNs * bar);
        return sumNs == 0 ? Tinted(Colour.Faint, new string('░', bar)) : Tinted(Colour.Wait, new string('▒', wait)) + Tinted(Colour.Device, new string('█', bar - wait));
    }

    private string Trend(IReadOnlyList<double> history)
    {
        double[] shown = [.. history.TakeLast(Math.Max(0, _barWidth))];
        double most = shown.DefaultIfEmpty().Max();
        string line = string.Concat(shown.Select(value => Steps[most == 0 ? 0 : (int)Math.Round(value / most * (Steps.Length - 1))]));
        return Tinted(Colour.Rate, line.PadRight(Math.Max(0, _barWidth)));
    }

    private string Tinted(Colour colour, string text) => !hasColour || colour == Colour.Plain || text.Length == 0 ? text : $"\x1b[{(int)colour}m{text}\x1b[0m";

    // Escape sequences take no room, and are never cut in two.
    private static string Cut(string line, int widthMax)
    {
        StringBuilder result = new();
        int room = Math.Max(0, widthMax);
        for (int i = 0; i < line.Length; i++)
        {
            if (line[i] == '\x1b')
            {
                int end = line.IndexOf('m', i);
                result.Append(line, i, end - i + 1);
                i = end;
            }
            else if (room > 0)
            {
                result.Append(line[i]);
                room--;
            }
        }

        return result.ToString().TrimEnd(' ');
    }

    /// <summary>What terminals call their colours.</summary>
    private enum Colour
    {
        Plain = 0,
        Faint = 90,
        Device = 32,
        Wait = 33,
        Rate = 36,
    }
}
