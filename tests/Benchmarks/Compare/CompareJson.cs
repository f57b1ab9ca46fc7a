using System.Text;
using System.Text.Json;

namespace BlockGraph.Benchmarks.Compare;

/// <summary>A comparison as one JSON object.</summary>
internal static class CompareJson
{
    /// <summary>The text of <paramref name="comparison"/>.</summary>
    public static string Print(Comparison comparison)
    {
        using MemoryStream bytes = new();
        using (Utf8JsonWriter writer = new(bytes, new JsonWriterOptions { Indented = true }))
        {
            writer.WriteStartObject();
            writer.WriteStartObject("machine");
            foreach ((string name, string value) in comparison.Machine)
            {
                writer.WriteString(name, value);
            }

            writer.WriteEndObject();
            writer.WriteNumber("rounds", comparison.Rounds);
            writer.WriteNumber("count-scale", comparison.CountScale);
            WriteAll(writer, "rows", comparison.Rows, WriteRow);
            WriteAll(writer, "figures", comparison.Figures, WriteFigure);
            WriteAll(writer, "curves", comparison.Curves, WriteCurve);
            WriteAll(writer, "notes", comparison.Notes, (w, note) => w.WriteStringValue(note));
            writer.WriteBoolean("missed", comparison.HasMissed);
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(bytes.ToArray());
    }

    private static void WriteAll<T>(Utf8JsonWriter writer, string name, List<T> items, Action<Utf8JsonWriter, T> write)
    {
        writer.WriteStartArray(name);
        items.ForEach(item => write(writer, item));
        writer.WriteEndArray();
    }

    private static void WriteRow(Utf8JsonWriter writer, RowResult result)
    {
        writer.WriteStartObject();
        writer.WriteString("name", result.Row.Name);
        WriteContender(writer, "ours", result.Ours);
        WriteContender(writer, "qemu", result.Qemu);
        WriteSpread(writer, "cpu-ratio", result.CpuRatio);
        writer.WriteNumber("must", result.Row.Must);
        writer.WriteNumber("aim", result.Row.Aim);
        WriteSpread(writer, "wall-ratio", result.WallRatio);
        if (result.FioCpuNs is { } fio)
        {
            writer.WriteNumber("fio-cpu-ns", fio);
        }

        writer.WriteBoolean("bytes-right", result.AreBytesRight);
        writer.WriteString("verdict", result.Verdict);
        writer.WriteEndObject();
    }

    private static void WriteContender(Utf8JsonWriter writer, string name, Contender contender)
    {
        writer.WriteStartObject(name);
        writer.WriteString("way", contender.Name);
        writer.WriteNumber("requests", contender.Count);
        WriteSpread(writer, "cpu-ns", Spread.Of(contender.CpuNs));
        WriteSpread(writer, "wall-ns", Spread.Of(contender.WallNs));
        writer.WriteEndObject();
    }

    private static void WriteFigure(Utf8JsonWriter writer, FigureResult figure)
    {
        writer.WriteStartObject();
        writer.WriteString("name", figure.Name);
        writer.WriteString("unit", figure.Unit);
        WriteSpread(writer, "value", figure.Value);
        writer.WriteNumber("must", figure.Must);
        if (figure.Aim is { } aim)
        {
            writer.WriteNumber("aim", aim);
        }

        writer.WriteString("verdict", figure.Verdict);
        writer.WriteEndObject();
    }

    private static void WriteCurve(Utf8JsonWriter writer, CostCurve curve)
    {
        writer.WriteStartObject();
        writer.WriteString("name", curve.Name);
        writer.WriteString("how", curve.How);
        writer.WriteStartArray("points");
        foreach (CostPoint point in curve.Points)
        {
            writer.WriteStartObject();
            writer.WriteNumber("at", point.At);
            writer.WriteNumber("ours-ns", point.OursNs);
            if (point.QemuNs is { } qemu)
            {
                writer.WriteNumber("qemu-ns", qemu);
            }

            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void WriteSpread(Utf8JsonWriter writer, string name, Spread spread)
    {
        writer.WriteStartObject(name);
        writer.WriteNumber("median", spread.Median);
        writer.WriteNumber("low", spread.Low);
        writer.WriteNumber("high", spread.High);
        writer.WriteEndObject();
    }
}
