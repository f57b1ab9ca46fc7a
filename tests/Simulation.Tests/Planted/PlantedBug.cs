using BlockGraph.Benchmarks;

namespace BlockGraph.Simulation.Tests.Planted;

/// <summary>One description of a bug to compile in: README.md beside it says how it is written.</summary>
internal sealed record PlantedBug(string Name, string File, string What, string Old, string New)
{
    /// <summary>Where the descriptions lie.</summary>
    public static string Folder { get; } = Path.Combine(SourceTree.Root, "tests", "Simulation.Tests", "Planted");

    /// <summary>Every description, by name.</summary>
    public static IEnumerable<PlantedBug> All() => Directory.GetFiles(Folder, "*.txt").Order(StringComparer.Ordinal).Select(Read);

    /// <inheritdoc/>
    public override string ToString() => Name;

    private static PlantedBug Read(string path)
    {
        string[] parts = System.IO.File.ReadAllText(path).Split(["\n--- old\n", "\n--- new\n"], StringSplitOptions.None);
        string[] head = parts[0].Split('\n');
        return new PlantedBug(Path.GetFileNameWithoutExtension(path), Value(head[0], "file: "), Value(head[1], "what: "), parts[1].TrimEnd('\n'), parts[2].TrimEnd('\n'));
    }

    private static string Value(string line, string key) =>
        line.StartsWith(key, StringComparison.Ordinal) ? line[key.Length..].Trim() : throw new InvalidDataException($"'{line}' does not begin with '{key}'");
}
