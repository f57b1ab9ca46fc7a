using System.Globalization;
using System.Runtime.InteropServices;

namespace BlockGraph.Benchmarks.Compare;

/// <summary>What the numbers were measured on.</summary>
internal static class MachineDescription
{
    /// <summary>Names and values, in the order shown.</summary>
    public static IReadOnlyList<(string Name, string Value)> Of(ComparedPrograms programs, TestFolders folders)
    {
        List<(string, string)> lines =
        [
            ("date", TimeProvider.System.GetUtcNow().ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture)),
            ("processor", $"{ProcessorName()}, {Environment.ProcessorCount} logical processors"),
            ("memory", $"{GC.GetGCMemoryInfo().TotalAvailableMemoryBytes >> 30} GiB"),
            ("system", RuntimeInformation.OSDescription),
            ("load when it began", LoadAverage()),
            ("runtime", $"{RuntimeInformation.FrameworkDescription}; the tool is NativeAOT"),
            ("disk images", TestFolders.FileSystemOf(folders.DiskParent)),
        ];
        lines.AddRange(programs.Versions.Select(pair => (pair.Key, pair.Value)));
        return lines;
    }

    private static string ProcessorName() =>
        File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal)) is { } line
            ? line[(line.IndexOf(':', StringComparison.Ordinal) + 2)..]
            : RuntimeInformation.ProcessArchitecture.ToString();

    private static string LoadAverage() => string.Join(' ', File.ReadAllText("/proc/loadavg").Split(' ')[..3]);
}
