namespace BlockGraph.Architecture.Tests.Repository;

/// <summary>
/// A checked-in list of permitted exceptions: one row a line, columns separated by <c>|</c>, comments from <c>#</c> at the start of a line.
/// </summary>
internal static class AllowanceFile
{
    /// <summary>Reads a list beside these tests; <paramref name="name"/> is relative to <c>tests/Architecture.Tests/</c>.</summary>
    public static IReadOnlyList<string[]> Read(string name, int columnCount) =>
        Parse(RepositoryTree.ReadText($"tests/Architecture.Tests/{name}"), name, columnCount);

    public static IReadOnlyList<string[]> Parse(string text, string name, int columnCount)
    {
        List<string[]> rows = [];
        foreach (string line in text.Split('\n', StringSplitOptions.TrimEntries))
        {
            if (line.Length == 0 || line.StartsWith('#'))
            {
                continue;
            }

            string[] columns = line.Split('|', columnCount, StringSplitOptions.TrimEntries);
            if (columns.Length != columnCount || columns.Any(column => column.Length == 0))
            {
                throw new FormatException($"{name}: '{line}' has not {columnCount} columns with a text in each.");
            }

            rows.Add(columns);
        }

        return rows;
    }
}
