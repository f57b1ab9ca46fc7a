using Spectre.Console;

namespace BlockGraph.Tools.Bench;

/// <summary>Rows under headings: with a frame on a terminal, as plain lines elsewhere.</summary>
/// <param name="headings">One for each column.</param>
/// <param name="leftCount">How many columns, from the left, hold words; the others hold numbers, and stand at the right.</param>
internal sealed class BenchTable(IReadOnlyList<string> headings, int leftCount)
{
    private readonly List<IReadOnlyList<string>> _rows = [];

    /// <summary>Adds a row of as many cells as there are headings.</summary>
    public void Add(params IReadOnlyList<string> cells) => _rows.Add(cells);

    /// <summary>Prints the table; framed, and as wide as it needs to be, where <paramref name="isTerminal"/>.</summary>
    public void Print(TextWriter output, bool isTerminal)
    {
        int[] widths = [.. headings.Select((heading, column) => Math.Max(heading.Length, _rows.Select(row => row[column].Length).DefaultIfEmpty().Max()))];
        if (isTerminal)
        {
            PrintFramed(output, widths);
            return;
        }

        foreach (IReadOnlyList<string> row in _rows.Prepend(headings))
        {
            output.WriteLine(string.Join("  ", row.Select((cell, column) => column < leftCount ? cell.PadRight(widths[column]) : cell.PadLeft(widths[column]))).TrimEnd());
        }
    }

    private void PrintFramed(TextWriter output, int[] widths)
    {
        Table table = new() { Border = TableBorder.Rounded };
        for (int column = 0; column < headings.Count; column++)
        {
            TableColumn heading = new TableColumn(Markup.Escape(headings[column])) { NoWrap = true }.Padding(1, 1, 1, 1);
            table.AddColumn(column < leftCount ? heading.LeftAligned() : heading.RightAligned());
        }

        foreach (IReadOnlyList<string> row in _rows)
        {
            table.AddRow([.. row.Select(Markup.Escape)]);
        }

        // A table that is cut to the window is of no use; one that the terminal wraps can at least be read after it is made wider.
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) });
        console.Profile.Width = Math.Max(console.Profile.Width, widths.Sum() + (3 * widths.Length) + 1);
        console.Write(table);
    }
}
