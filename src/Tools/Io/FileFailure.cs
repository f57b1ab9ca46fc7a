using BlockGraph.BlockCore.Errors;

namespace BlockGraph.Tools.Io;

/// <summary>What a system refuses of a file that the program itself uses, in the words of the storage's errors.</summary>
internal static class FileFailure
{
    /// <summary>The failure of <paramref name="path"/>, said of <paramref name="what"/>.</summary>
    public static BlockException Of(Exception failure, string path, string what)
    {
        BlockErrorKind? kind = failure switch
        {
            FileNotFoundException or DirectoryNotFoundException => BlockErrorKind.NotFound,
            _ when Directory.Exists(path) => BlockErrorKind.IsDirectory,
            UnauthorizedAccessException => BlockErrorKind.AccessDenied,
            _ => null,
        };
        return new BlockException(kind ?? BlockErrorKind.InputOutput, $"{what}: {kind?.ToErrnoText() ?? failure.Message}", failure);
    }
}
