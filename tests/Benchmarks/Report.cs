using System.Globalization;
using System.Text.Json;

namespace BlockGraph.Benchmarks;

/// <summary>Rows of named values, printed as a table or as one JSON array. A row that misses its limit makes the report fail.</summary>
internal sealed class Report(params string[] columns)
{
    private const string Verdict = "verdict";
    private readonly List<object?[]> _rows = [];
    private readonly List<string> _notes = [];

    /// <summary>True where a row missed its limit.</summary>
    public bool HasMissed { get; private set; }

    /// <summary>Adds a row that has no limit to keep.</summary>
    public void Add(params object?[] values) => _rows.Add([.. values, null]);

    /// <summary>Adds a row that has kept its limit, or missed it.</summary>
    public void AddChecked(bool isKept, params object?[] values)
    {
        HasMissed |= !isKept;
        _rows.Add([.. values, isKept ? "ok" : "MISSED"]);
    }

    /// <summary>Adds a line under the table.</summary>
    public void Note(string text) => _notes.Add(text);

    /// <summary>Prints everything and returns the command's exit code.</summary>
    public int Print(bool isJson)
    {
        if (isJson)
        {
            PrintJson();
        }
        else
        {
            PrintTable();
        }

        return HasMissed ? 1 : 0;
    }

    private static string Format(object? value) => value switch
    {
        null => string.Empty,
        double number => number.ToString(Math.Abs(number) >= 100 ? "0" : Math.Abs(number) >= 10 ? "0.0" : "0.####", CultureInfo.InvariantCulture),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? string.Empty,
    };

    private void PrintTable()
    {
        string[] head = [.. columns, _rows.Exists(r => r[^1] is not null) ? Verdict : string.Empty];
        List<string[]> lines = [head, .. _rows.Select(r => Array.ConvertAll(r, Format))];
        int[] widths = [.. head.Select((_, i) => lines.Max(l => l[i].Length))];
        foreach (string[] line in lines)
        {
            // The first column names the row; the others are numbers.
            IEnumerable<string> cells = line.Select((cell, i) => i == 0 ? cell.PadRight(widths[i]) : cell.PadLeft(widths[i]));
            Console.WriteLine(string.Join("  ", cells).TrimEnd());
        }

        _notes.ForEach(Console.WriteLine);
    }

    private void PrintJson()
    {
        using Utf8JsonWriter writer = new(Console.OpenStandardOutput(), new JsonWriterOptions { Indented = true });
        writer.WriteStartArray();
        foreach (object?[] row in _rows)
        {
            writer.WriteStartObject();
            for (int i = 0; i < row.Length; i++)
            {
                if (row[i] is { } value)
                {
                    WriteValue(writer, i < columns.Length ? columns[i] : Verdict, value);
                }
            }

            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.Flush();
        Console.WriteLine();
    }

    private static void WriteValue(Utf8JsonWriter writer, string name, object value)
    {
        switch (value)
        {
            case double number:
                writer.WriteNumber(name, number);
                break;
            case int number:
                writer.WriteNumber(name, number);
                break;
            case long number:
                writer.WriteNumber(name, number);
                break;
            default:
                writer.WriteString(name, Format(value));
                break;
        }
    }
}
