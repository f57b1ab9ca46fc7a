namespace BlockGraph.Drivers.Tests.Throttle.Surfaces;

/// <summary>One cell of <c>surfaces.md</c>.</summary>
/// <param name="Row">The row's cells by the heads of their columns.</param>
/// <param name="Surface">The head of its column.</param>
/// <param name="Content">What it says.</param>
internal sealed record SurfaceCell(IReadOnlyDictionary<string, string> Row, string Surface, string Content)
{
    /// <summary>The row's first cell.</summary>
    public string RowName => Row.Values.First();
}

/// <summary>The tables of <c>surfaces.md</c>.</summary>
internal sealed class SurfaceMatrix
{
    private const string Resource = "surfaces.md";
    private readonly Dictionary<string, List<IReadOnlyDictionary<string, string>>> _tables = new(StringComparer.Ordinal);

    private SurfaceMatrix(IEnumerable<string> lines)
    {
        string section = string.Empty;
        string[]? heads = null;
        foreach (string line in lines)
        {
            if (line.StartsWith("## ", StringComparison.Ordinal))
            {
                section = line[3..];
            }

            string[] cells = line.StartsWith('|') ? [.. line.Trim('|').Split('|').Select(cell => cell.Trim())] : [];
            if (cells.Length == 0)
            {
                heads = null;
            }
            else if (heads is null)
            {
                heads = cells;
                _tables[section] = [];
            }
            else if (!cells[0].StartsWith("---", StringComparison.Ordinal))
            {
                _tables[section].Add(heads.Zip(cells).ToDictionary(pair => pair.First, pair => pair.Second, StringComparer.Ordinal));
            }
        }
    }

    /// <summary>The file.</summary>
    public static SurfaceMatrix Read()
    {
        using Stream stream = typeof(SurfaceMatrix).Assembly.GetManifestResourceStream(Resource)!;
        using StreamReader reader = new(stream);
        return new SurfaceMatrix(reader.ReadToEnd().Split('\n'));
    }

    /// <summary>The rows of the table under the heading <paramref name="section"/>.</summary>
    public IReadOnlyList<IReadOnlyDictionary<string, string>> Rows(string section) => _tables[section];

    /// <summary>The heads of the columns of places.</summary>
    public IEnumerable<string> Surfaces => Rows("Validation")[0].Keys.SkipWhile(head => head != "given").Skip(1);

    /// <summary>The cells of the table under the heading <paramref name="section"/>.</summary>
    public IEnumerable<SurfaceCell> Cells(string section) =>
        from row in Rows(section)
        from surface in Surfaces
        select new SurfaceCell(row, surface, row.GetValueOrDefault(surface, string.Empty));

    /// <summary>The text called <paramref name="name"/> as <paramref name="surface"/> spells it, or null.</summary>
    public string? Text(string name, IThrottleSurface surface)
    {
        string? text = Rows("Texts").FirstOrDefault(row => row["name"] == name)?["text"];
        return text is null ? null : Spelled(Spelled(text, "{name:", surface.NameOf), "{rule:", surface.RuleNameOf);
    }

    /// <summary>True where <paramref name="name"/> is a reason to have no test.</summary>
    public bool IsReason(string name) => Rows("Reasons").Any(row => row["name"] == name);

    private static string Spelled(string text, string mark, Func<string, string> spell)
    {
        for (int start; (start = text.IndexOf(mark, StringComparison.Ordinal)) >= 0;)
        {
            int end = text.IndexOf('}', start);
            text = text[..start] + spell(text[(start + mark.Length)..end]) + text[(end + 1)..];
        }

        return text;
    }
}
