using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.Tools.Bench;

/// <summary>Makes the sparse file that a load is to run on, where it is not there yet; it never touches one that is.</summary>
internal static class NewImage
{
    private const string FileNameKey = "filename";
    private const string Prefix = "file:";

    /// <summary>
    /// Makes the file that <paramref name="options"/> name, <paramref name="lengthBytes"/> long. One that is exactly as long
    /// already is left as it is, so that a command can be repeated.
    /// </summary>
    /// <returns>The path of the new file, or null where none had to be made.</returns>
    /// <exception cref="BlockException">The options name no file, the name is taken by something else, or the file cannot be made.</exception>
    public static string? Create(OptionsDictionary options, long lengthBytes)
    {
        string path = PathIn(options) ?? throw new BlockException("--create needs a file name in OPTIONS");
        FileInfo existing = new(path);
        if (existing.Exists && existing.Length == lengthBytes)
        {
            return null;
        }

        if (existing.Exists || Directory.Exists(path))
        {
            throw new BlockException(BlockErrorKind.AlreadyExists, $"--create does not overwrite '{path}', which is there already and is not a file of {lengthBytes} bytes");
        }

        try
        {
            using FileStream file = new(path, FileMode.CreateNew, FileAccess.Write);
            file.SetLength(lengthBytes);
            return path;
        }
        catch (DirectoryNotFoundException)
        {
            throw new BlockException(BlockErrorKind.NotFound, $"Could not create '{path}': {BlockErrorKind.NotFound.ToErrnoText()}");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new BlockException(BlockErrorKind.AccessDenied, $"Could not create '{path}': {failure.Message}", failure);
        }
    }

    // The file child of the file child, and so on: the lowest name is the storage's.
    private static string? PathIn(OptionsDictionary options)
    {
        OptionsDictionary flat = options.Flatten();
        string? lowest = null;
        for (string key = FileNameKey; ; key = "file." + key)
        {
            lowest = flat.GetText(key) ?? lowest;
            if (!flat.Keys.Any(other => other.StartsWith("file." + key[..^FileNameKey.Length], StringComparison.Ordinal)))
            {
                break;
            }
        }

        // Another protocol's name is no path of the host.
        return lowest is null ? null
            : lowest.StartsWith(Prefix, StringComparison.Ordinal) ? lowest[Prefix.Length..]
            : DriverRegistry.ProtocolPrefix(lowest) is null ? lowest
            : null;
    }
}
