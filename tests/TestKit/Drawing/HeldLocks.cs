using System.Globalization;

namespace BlockGraph.TestKit.Drawing;

/// <summary>The byte locks that this process holds on a file, as the kernel tells of each descriptor. Nothing where the system has no such list.</summary>
internal static class HeldLocks
{
    private const string Descriptors = "/proc/self/fd";

    /// <summary>The locked bytes of the file at <paramref name="path"/>, in order.</summary>
    public static IReadOnlyList<long> Of(string path)
    {
        SortedSet<long> held = [];
        if (!Directory.Exists(Descriptors))
        {
            return [];
        }

        string target = Path.GetFullPath(path);
        foreach (string descriptor in Directory.GetFiles(Descriptors).Where(d => LinkOf(d) == target))
        {
            // The other kind, that of the portable engine's files, is about the whole file.
            foreach (string line in InfoOf(descriptor).Where(l => l.StartsWith("lock:", StringComparison.Ordinal) && !l.Contains(" FLOCK ", StringComparison.Ordinal)))
            {
                // Neighbours are told of as one range.
                string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
                long last = long.Parse(words[^1], CultureInfo.InvariantCulture);
                for (long at = long.Parse(words[^2], CultureInfo.InvariantCulture); at <= last; at++)
                {
                    held.Add(at);
                }
            }
        }

        return [.. held];
    }

    // A descriptor may be closed between the two looks: then it holds nothing.
    private static string? LinkOf(string descriptor)
    {
        try
        {
            return new FileInfo(descriptor).LinkTarget;
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static string[] InfoOf(string descriptor)
    {
        try
        {
            return File.ReadAllLines(descriptor.Replace("/fd/", "/fdinfo/", StringComparison.Ordinal));
        }
        catch (IOException)
        {
            return [];
        }
    }
}
