using BlockGraph.BlockCore.Errors;

namespace BlockGraph.Tools.Throttle;

/// <summary>Files that a person names, with failures told as one line.</summary>
internal static class InputFile
{
    /// <summary>The whole file.</summary>
    /// <exception cref="BlockException">It cannot be read.</exception>
    public static byte[] ReadAllBytes(string path) => Try(path, "open", () => File.ReadAllBytes(path));

    /// <summary>A reader over the file's text.</summary>
    /// <exception cref="BlockException">It cannot be opened.</exception>
    public static TextReader OpenText(string path) => Try<TextReader>(path, "open", () => File.OpenText(path));

    /// <summary>Writes <paramref name="text"/> as the whole file.</summary>
    /// <exception cref="BlockException">It cannot be written.</exception>
    public static void Write(string path, string text) => Try(path, "write", () =>
    {
        File.WriteAllText(path, text);
        return true;
    });

    private static T Try<T>(string path, string verb, Func<T> action)
    {
        try
        {
            return action();
        }
        catch (Exception failure) when (failure is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new BlockException(BlockErrorKind.NotFound, $"Could not {verb} '{path}': {BlockErrorKind.NotFound.ToErrnoText()}", failure);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new BlockException(BlockErrorKind.InputOutput, $"Could not {verb} '{path}': {failure.Message}", failure);
        }
    }
}
