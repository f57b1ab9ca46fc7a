namespace BlockGraph.Tools.Tests;

/// <summary>The program as it was built, for tests that need a process of its own. The copy beside the tests is measured for coverage, and writes it down when it ends.</summary>
internal static class BuiltProgram
{
    /// <summary>Where it is.</summary>
    public static string Path { get; } = System.IO.Path.Combine(AppContext.BaseDirectory.Replace("/tests/Tools.Tests/", "/src/Tools/", StringComparison.Ordinal), "blockgraph");
}
