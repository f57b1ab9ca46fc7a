using System.Text;

namespace BlockGraph.Tools.Throttle.Trace;

/// <summary>Draws charts of text: filled columns, a shade behind them, and a line across; in colours on a terminal.</summary>
internal sealed class TextChart(TextWriter output, int width, bool isUnicode, bool isColoured)
{
    /// <summary>How many characters stand before the first column.</summary>
    public const int GutterWidth = 11;

    private const int Eighths = 8;

    // Sums of rounded numbers may be a little above the top that was made from them.
    private const double BeyondFactor = 1.0001;
    private const string Reset = "\x1b[0m";
    private const string BarColour = "\x1b[32m";
    private const string ShadeColour = "\x1b[33m";
    private const string LineColour = "\x1b[31m";

    /// <summary>The sign of a filled column.</summary>
    public string BarSign => Coloured(isUnicode ? "█" : "#", BarColour);

    /// <summary>The sign of the shade.</summary>
    public string ShadeSign => Coloured(isUnicode ? "░" : ":", ShadeColour);

    /// <summary>The sign of the line.</summary>
    public string LineSign => Coloured(isUnicode ? "┄" : "-", LineColour);

    /// <summary>The sign of what goes beyond the top.</summary>
    public string BeyondSign => isUnicode ? "▲" : "^";

    private int PlotWidth => width - GutterWidth;

    /// <summary>Draws one chart; the values of its series are as many as there are columns.</summary>
    /// <param name="title">What stands above it.</param>
    /// <param name="height">How many lines the columns have.</param>
    /// <param name="bars">The filled columns.</param>
    /// <param name="shade">What is behind them; null for nothing.</param>
    /// <param name="line">Where the line is; null for none.</param>
    /// <param name="top">What the full height stands for.</param>
    /// <param name="label">Writes a value for the axis.</param>
    public void Print(string title, int height, double[] bars, double[]? shade, double? line, double top, Func<double, string> label)
    {
        double cell = top / height;
        output.WriteLine(title);
        for (int row = height - 1; row >= 0; row--)
        {
            double low = row * cell;
            bool hasLine = line >= low && (line < low + cell || (row == height - 1 && line <= top));
            string text = row == height - 1 ? label(top) : hasLine ? label(line!.Value) : string.Empty;
            StringBuilder cells = new();
            string? colour = null;
            for (int column = 0; column < PlotWidth; column++)
            {
                (char sign, string? wanted) = SignOf(bars[column], shade?[column] ?? 0, low, cell, hasLine, isTop: row == height - 1);
                Append(cells, sign, wanted, ref colour);
            }

            Append(cells, '\0', null, ref colour);
            output.WriteLine($"{Gutter(text)}{(isUnicode ? '│' : '|')}{cells}".TrimEnd());
        }

        output.WriteLine($"{Gutter("0")}{(isUnicode ? '└' : '+')}{new string(isUnicode ? '─' : '-', PlotWidth)}");
    }

    /// <summary>Writes the instants below the columns: those of the beginning, the middle and the end.</summary>
    public void PrintTimes(string start, string middle, string end)
    {
        string line = start.PadRight(Math.Max(start.Length + 1, (PlotWidth - middle.Length) / 2)) + middle;
        output.WriteLine(new string(' ', GutterWidth) + line + end.PadLeft(Math.Max(end.Length + 1, PlotWidth - line.Length)));
    }

    private (char Sign, string? Colour) SignOf(double bar, double shade, double low, double cell, bool hasLine, bool isTop)
    {
        double beyond = (low + cell) * BeyondFactor;
        if (isTop && bar > beyond)
        {
            return (isUnicode ? '▲' : '^', BarColour);
        }

        int eighths = (int)Math.Clamp(Math.Round((bar - low) / cell * Eighths), 0, Eighths);
        if (eighths == 0 && low == 0 && bar > 0)
        {
            eighths = 1;
        }

        bool isFilled = isUnicode ? eighths > 0 : eighths >= Eighths / 2 || (eighths > 0 && low == 0);
        if (isFilled)
        {
            return (isUnicode ? (char)('▁' + eighths - 1) : '#', BarColour);
        }

        if (isTop && shade > beyond)
        {
            return (isUnicode ? '▲' : '^', ShadeColour);
        }

        return hasLine ? (isUnicode ? '┄' : '-', LineColour)
            : shade > low + (cell / 2) || (low == 0 && shade > 0) ? (isUnicode ? '░' : ':', ShadeColour)
            : (' ', null);
    }

    // A colour is switched where it changes; NUL ends the line.
    private void Append(StringBuilder cells, char sign, string? wanted, ref string? colour)
    {
        if (isColoured && wanted != colour && sign != ' ')
        {
            cells.Append(wanted ?? Reset);
            colour = wanted;
        }

        if (sign != '\0')
        {
            cells.Append(sign);
        }
    }

    private string Coloured(string text, string colour) => isColoured ? $"{colour}{text}{Reset}" : text;

    private static string Gutter(string text) => text.Length >= GutterWidth - 1 ? text[..(GutterWidth - 1)] : text.PadLeft(GutterWidth - 2) + " ";
}
