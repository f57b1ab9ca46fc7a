using BlockGraph.BlockCore.Errors;

namespace BlockGraph.Tools.Dispatch;

/// <summary>Makes links by the names of other programs that lead to this one. Making them again changes nothing.</summary>
internal static class LinkInstaller
{
    /// <summary>Makes the links in <paramref name="directory"/> and returns the paths of those that were not there yet.</summary>
    /// <param name="directory">An existing directory.</param>
    /// <param name="target">The file that the links lead to.</param>
    /// <exception cref="BlockException">A name is taken by something else; then no link was made.</exception>
    public static IReadOnlyList<string> Install(string directory, string target)
    {
        if (!Directory.Exists(directory))
        {
            throw new BlockException(BlockErrorKind.NotFound, $"There is no directory '{directory}' to put links in");
        }

        string targetPath = Path.GetFullPath(target);
        List<string> missing = [];
        foreach (string name in CalledName.Links)
        {
            string path = Path.Combine(directory, name);
            if (!LeadsTo(path, targetPath))
            {
                missing.Add(path);
            }
        }

        foreach (string path in missing)
        {
            Create(path, targetPath);
        }

        return missing;
    }

    private static bool LeadsTo(string path, string targetPath)
    {
        // A link that leads nowhere does not exist as a file, but its name is taken all the same.
        FileInfo file = new(path);
        if (!file.Exists && file.LinkTarget is null && !Directory.Exists(path))
        {
            return false;
        }

        if (file.LinkTarget is { } link && Path.GetFullPath(link, Path.GetDirectoryName(Path.GetFullPath(path))!) == targetPath)
        {
            return true;
        }

        throw new BlockException(BlockErrorKind.AlreadyExists, $"'{path}' is there already and is no link to this program");
    }

    private static void Create(string path, string targetPath)
    {
        try
        {
            File.CreateSymbolicLink(path, targetPath);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new BlockException(BlockErrorKind.AccessDenied, $"Could not make the link '{path}': {failure.Message}", failure);
        }
    }
}
