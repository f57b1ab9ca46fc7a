namespace BlockGraph.Architecture.Tests.Repository;

/// <summary>The source tree that these tests were built from, found upwards from the test assembly.</summary>
internal static class RepositoryTree
{
    private const string Landmark = "BlockGraph.sln";

    private static readonly HashSet<string> OutputFolders = new(StringComparer.Ordinal)
    {
        "bin", "obj", "artifacts", "scratch", "BenchmarkDotNet.Artifacts", "TestResults", "OUT",
    };

    private static readonly HashSet<string> DottedFolders = new(StringComparer.Ordinal) { ".ci", ".config", ".github" };

    private static readonly Lazy<IReadOnlyList<SourceFile>> LazySources = new(ReadSources);

    public static string Root { get; } = FindRoot(AppContext.BaseDirectory);

    /// <summary>Every C# file under <c>src/</c> and <c>tests/</c>, parsed at most once a run.</summary>
    public static IReadOnlyList<SourceFile> Sources => LazySources.Value;

    /// <summary>The C# files under <c>src/</c>.</summary>
    public static IEnumerable<SourceFile> ProductSources => Sources.Where(file => file.IsProduct);

    /// <summary>The C# files under <c>tests/</c>.</summary>
    public static IEnumerable<SourceFile> TestSources => Sources.Where(file => !file.IsProduct);

    /// <summary>Every file that belongs to the tree, as a path relative to the root with forward slashes.</summary>
    public static IEnumerable<string> Files() => Walk(Root).Select(Relative).Order(StringComparer.Ordinal);

    public static string FullPath(string relative) => Path.Combine(Root, relative.Replace('/', Path.DirectorySeparatorChar));

    public static string ReadText(string relative) => File.ReadAllText(FullPath(relative));

    private static string Relative(string full) => Path.GetRelativePath(Root, full).Replace(Path.DirectorySeparatorChar, '/');

    private static string FindRoot(string start)
    {
        for (DirectoryInfo? folder = new(start); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, Landmark)))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException($"No {Landmark} above {start}: run the tests from where they were built.");
    }

    private static IEnumerable<string> Walk(string folder)
    {
        foreach (string file in Directory.EnumerateFiles(folder))
        {
            yield return file;
        }

        foreach (string child in Directory.EnumerateDirectories(folder))
        {
            string name = Path.GetFileName(child);
            bool hidden = name.StartsWith('.') && !DottedFolders.Contains(name);
            if (hidden || OutputFolders.Contains(name))
            {
                continue;
            }

            foreach (string file in Walk(child))
            {
                yield return file;
            }
        }
    }

    private static List<SourceFile> ReadSources() =>
        [.. Files()
            .Where(path => path.EndsWith(".cs", StringComparison.Ordinal))
            .Where(path => path.StartsWith("src/", StringComparison.Ordinal) || path.StartsWith("tests/", StringComparison.Ordinal))
            .Select(path => new SourceFile(path, ReadText(path)))];
}
