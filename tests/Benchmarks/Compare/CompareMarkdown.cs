using System.Globalization;
using System.Text;

namespace BlockGraph.Benchmarks.Compare;

/// <summary>A comparison as tables for a person.</summary>
internal static class CompareMarkdown
{
    /// <summary>The text of <paramref name="comparison"/>.</summary>
    public static string Print(Comparison comparison)
    {
        StringBuilder text = new();
        foreach ((string name, string value) in comparison.Machine)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"- {name}: {value}");
        }

        text.AppendLine(CultureInfo.InvariantCulture, $"- medians of {comparison.Rounds} rounds in turns{(comparison.CountScale == 1 ? "" : $", numbers of requests times {comparison.CountScale}")}; the middle half of the rounds in brackets").AppendLine();
        PrintRows(text, comparison.Rows);
        PrintFigures(text, comparison.Figures);
        comparison.Curves.ForEach(curve => PrintCurve(text, curve));
        comparison.Notes.ForEach(note => text.AppendLine(CultureInfo.InvariantCulture, $"- {note}"));
        return text.ToString();
    }

    private static void PrintRows(StringBuilder text, List<RowResult> rows)
    {
        if (rows.Count == 0)
        {
            return;
        }

        text.AppendLine("| row | ours, ns CPU | QEMU, ns CPU (way) | CPU ratio | must | aim | wall ratio | fio, ns CPU | verdict |");
        text.AppendLine("|---|---|---|---|---|---|---|---|---|");
        foreach (RowResult result in rows)
        {
            CompareRow row = result.Row;
            text.AppendLine(
                $"| {row.Name} | {Number(Sample.Median(result.Ours.CpuNs))} | {Number(Sample.Median(result.Qemu.CpuNs))} ({result.Qemu.Name}) | {Ratio(result.CpuRatio)} " +
                $"| {Two(row.Must)} | {Two(row.Aim)} | {Ratio(result.WallRatio)} | {(result.FioCpuNs is { } fio ? Number(fio) : "")} | {result.Verdict} |");
        }

        text.AppendLine();
    }

    private static void PrintFigures(StringBuilder text, List<FigureResult> figures)
    {
        if (figures.Count == 0)
        {
            return;
        }

        text.AppendLine("| figure | measured | must | aim | verdict |");
        text.AppendLine("|---|---|---|---|---|");
        foreach (FigureResult figure in figures)
        {
            Spread value = figure.Value;
            text.AppendLine(
                $"| {figure.Name} | {Number(value.Median)} {figure.Unit} [{Number(value.Low)}..{Number(value.High)}] | {Number(figure.Must)} | {(figure.Aim is { } aim ? Number(aim) : "")} | {figure.Verdict} |");
        }

        text.AppendLine();
    }

    private static void PrintCurve(StringBuilder text, CostCurve curve)
    {
        text.AppendLine(CultureInfo.InvariantCulture, $"{curve.Name} ({curve.How}), ns CPU a request:").AppendLine();
        text.AppendLine($"| | {string.Join(" | ", curve.Points.Select(point => point.At.ToString("N0", CultureInfo.InvariantCulture)))} |");
        text.AppendLine($"|---|{string.Concat(Enumerable.Repeat("---|", curve.Points.Count))}");
        text.AppendLine($"| ours | {string.Join(" | ", curve.Points.Select(point => Number(point.OursNs)))} |");
        if (curve.Points.All(point => point.QemuNs is not null))
        {
            text.AppendLine($"| QEMU | {string.Join(" | ", curve.Points.Select(point => Number(point.QemuNs!.Value)))} |");
        }

        text.AppendLine();
    }

    private static string Ratio(Spread ratio) => $"{Two(ratio.Median)} [{Two(ratio.Low)}..{Two(ratio.High)}]";

    private static string Two(double value) => value.ToString("0.00", CultureInfo.InvariantCulture);

    private static string Number(double value) => value.ToString(Math.Abs(value) >= 100 ? "0" : "0.##", CultureInfo.InvariantCulture);
}
