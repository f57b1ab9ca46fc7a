namespace BlockGraph.Architecture.Tests.Tidy;

/// <summary>No file of the tree names a folder of the machine it was written on, or a package feed: both differ elsewhere.</summary>
internal static class MachineTraceRule
{
    // Put together here, so that this file does not contain them.
    private static readonly string[] Traces = [$"/{"work"}/", $"nuget{"."}org", $"api{"."}nuget"];

    private static readonly HashSet<string> TextExtensions = new(StringComparer.OrdinalIgnoreCase)
    {
        "", ".cs", ".csproj", ".props", ".targets", ".sln", ".md", ".txt", ".json", ".yml", ".yaml", ".xml", ".config", ".editorconfig",
        ".gitignore", ".gitattributes", ".runsettings", ".sh", ".out", ".raw", ".qcow2", ".luks",
    };

    /// <summary>Whether a file is text by its name; images and archives are not read.</summary>
    public static bool IsText(string path) => TextExtensions.Contains(Path.GetExtension(path));

    public static IEnumerable<string> Violations(string path, string text)
    {
        string[] lines = text.Split('\n');
        for (int index = 0; index < lines.Length; index++)
        {
            foreach (string trace in Traces.Where(trace => lines[index].Contains(trace, StringComparison.OrdinalIgnoreCase)))
            {
                yield return $"{path}:{index + 1}: mentions {trace}";
            }
        }
    }
}
