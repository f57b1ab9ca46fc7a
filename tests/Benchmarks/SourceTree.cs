namespace BlockGraph.Benchmarks;

/// <summary>The tree that this program was built in.</summary>
public static class SourceTree
{
    /// <summary>The folder of the solution, found upwards from the program.</summary>
    /// <exception cref="DirectoryNotFoundException">The program was taken out of its tree.</exception>
    public static string Root { get; } = Find();

    private static string Find()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "BlockGraph.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new DirectoryNotFoundException("BlockGraph.sln is in no folder above this program");
    }
}
