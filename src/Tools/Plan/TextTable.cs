using System.Text;

namespace BlockGraph.Tools.Plan;

/// <summary>Columns of text, each as wide as its widest cell.</summary>
internal sealed class TextTable
{
    private const string Gap = "  ";
    private readonly List<string[]> _rows = [];

    /// <summary>True where there is a row.</summary>
    public bool HasRows => _rows.Count > 0;

    /// <summary>Adds a row; every row has as many cells.</summary>
    public void Add(params string[] cells) => _rows.Add(cells);

    /// <summary>Prints the rows, each behind <paramref name="indent"/>.</summary>
    public void Print(TextWriter output, string indent)
    {
        int[] widths = [.. Enumerable.Range(0, _rows.Max(row => row.Length)).Select(column => _rows.Max(row => row[column].Length))];
        foreach (string[] row in _rows)
        {
            StringBuilder line = new(indent);
            for (int column = 0; column < row.Length; column++)
            {
                line.Append(row[column].PadRight(widths[column])).Append(Gap);
            }

            output.WriteLine(line.ToString().TrimEnd());
        }
    }
}
