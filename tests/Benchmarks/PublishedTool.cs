namespace BlockGraph.Benchmarks;

/// <summary>The NativeAOT tool under <c>artifacts/aot</c>, published anew where a source file is younger.</summary>
internal static class PublishedTool
{
    private static readonly string[] s_sourceEndings = [".cs", ".csproj", ".props", ".json"];

    /// <summary>The program's path, or null where publishing has failed; the reason is on standard error.</summary>
    public static string? FindOrPublish()
    {
        string folder = Path.Combine(SourceTree.Root, "artifacts", "aot");
        string program = Path.Combine(folder, OperatingSystem.IsWindows() ? "blockgraph.exe" : "blockgraph");
        DateTime youngestSource = YoungestSource();
        if (File.Exists(program) && File.GetLastWriteTimeUtc(program) >= youngestSource)
        {
            return program;
        }

        Console.Error.WriteLine($"publishing {program}");
        ChildRun run = ChildRun.Of("dotnet", "publish", Path.Combine(SourceTree.Root, "src", "Tools"), "-c", "Release", "-o", folder);
        if (run.ExitCode != 0 || !File.Exists(program))
        {
            Console.Error.WriteLine(run.Output);
            return null;
        }

        // The publisher leaves a program that has not changed as old as it was; this one is as new as what was looked at.
        File.SetLastWriteTimeUtc(program, youngestSource);
        return program;
    }

    private static DateTime YoungestSource()
    {
        string source = Path.Combine(SourceTree.Root, "src");
        string separator = Path.DirectorySeparatorChar.ToString();
        IEnumerable<string> files = Directory.EnumerateFiles(source, "*", SearchOption.AllDirectories)
            .Where(f => !f.Contains($"{separator}obj{separator}", StringComparison.Ordinal) && !f.Contains($"{separator}bin{separator}", StringComparison.Ordinal))
            .Concat(Directory.EnumerateFiles(SourceTree.Root))
            .Where(f => s_sourceEndings.Contains(Path.GetExtension(f)));
        return files.Max(File.GetLastWriteTimeUtc);
    }
}
