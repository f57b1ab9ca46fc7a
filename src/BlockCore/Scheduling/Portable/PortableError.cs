using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Scheduling.Portable;

/// <summary>What the exceptions of .NET's file calls mean to callers.</summary>
/// <remarks>
/// An <see cref="IOException"/> has the Windows code (0x8007xxxx) or the errno as its HResult, and an
/// <see cref="UnauthorizedAccessException"/> an inner one of that kind. Of the errnos only those are read that Linux, macOS and
/// the BSDs number alike, besides the two that say "try again".
/// </remarks>
internal static class PortableError
{
    private const int WindowsFacility = unchecked((int)0x80070000);
    private const int WindowsFacilityMask = unchecked((int)0xFFFF0000);

    /// <summary>True where the system, not this program, is to blame for <paramref name="error"/>.</summary>
    public static bool IsOfTheWorld(Exception error) =>
        error is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException;

    /// <summary>The failure that <paramref name="error"/> reports, with the C library's words and nothing else.</summary>
    public static BlockException ToException(Exception error)
    {
        BlockErrorKind kind = KindOf(error);
        return new BlockException(kind, kind.ToErrnoText(), error);
    }

    private static BlockErrorKind KindOf(Exception error) => error switch
    {
        FileNotFoundException or DirectoryNotFoundException or DriveNotFoundException => BlockErrorKind.NotFound,
        UnauthorizedAccessException { InnerException: IOException { HResult: 1 } } => BlockErrorKind.NotPermitted,
        UnauthorizedAccessException => BlockErrorKind.AccessDenied,
        ArgumentOutOfRangeException => BlockErrorKind.TooLarge, // a length that the file system cannot have
        PathTooLongException or ArgumentException => BlockErrorKind.InvalidArgument,
        NotSupportedException => BlockErrorKind.NotSupported,
        _ when (error.HResult & WindowsFacilityMask) == WindowsFacility => KindOfWindows(error.HResult & 0xFFFF),
        _ => KindOfUnix(error.HResult),
    };

    private static BlockErrorKind KindOfWindows(int code) => code switch
    {
        2 or 3 => BlockErrorKind.NotFound,
        5 => BlockErrorKind.AccessDenied,
        19 => BlockErrorKind.ReadOnlyStorage, // the medium is write-protected
        32 or 33 => BlockErrorKind.Locked, // sharing violation, lock violation
        39 or 112 or 1295 => BlockErrorKind.NoSpace, // disk full (two of them), quota
        80 or 183 => BlockErrorKind.AlreadyExists,
        87 or 123 => BlockErrorKind.InvalidArgument,
        223 => BlockErrorKind.TooLarge,
        _ => BlockErrorKind.InputOutput,
    };

    private static BlockErrorKind KindOfUnix(int errno) => errno switch
    {
        1 => BlockErrorKind.NotPermitted,
        2 or 6 or 20 => BlockErrorKind.NotFound,
        11 or 35 => BlockErrorKind.Locked, // EAGAIN on Linux; elsewhere
        13 => BlockErrorKind.AccessDenied,
        16 or 23 or 24 or 26 => BlockErrorKind.Busy,
        17 => BlockErrorKind.AlreadyExists,
        21 => BlockErrorKind.IsDirectory,
        22 => BlockErrorKind.InvalidArgument,
        27 => BlockErrorKind.TooLarge,
        28 => BlockErrorKind.NoSpace,
        30 => BlockErrorKind.ReadOnlyStorage,
        _ => BlockErrorKind.InputOutput,
    };
}
