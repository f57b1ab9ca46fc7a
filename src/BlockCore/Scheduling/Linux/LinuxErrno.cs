using System.Runtime.InteropServices;
using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Scheduling.Linux;

/// <summary>What each errno of a file call means to callers, and the C library's words for it.</summary>
internal static class LinuxErrno
{
    public const int NotPermitted = 1;
    public const int NotFound = 2;
    public const int Interrupted = 4;
    public const int NoDevice = 6;
    public const int Again = 11;
    public const int AccessDenied = 13;
    public const int Exists = 17;
    public const int OtherFileSystem = 18;
    public const int WrongDevice = 19;
    public const int Invalid = 22;
    public const int NoSystemCall = 38;
    public const int NotSupported = 95;

    /// <summary>The errno of this thread's last call.</summary>
    public static int Last => Marshal.GetLastPInvokeError();

    /// <summary>The failure that <paramref name="errno"/> reports, with the C library's words and nothing else.</summary>
    public static BlockException ToException(int errno)
    {
        BlockErrorKind kind = KindOf(errno);
        return new BlockException(kind, kind.ToErrno() == errno ? kind.ToErrnoText() : TextOf(errno));
    }

    private static BlockErrorKind KindOf(int errno) => errno switch
    {
        1 => BlockErrorKind.NotPermitted,
        2 or 6 or 19 or 20 => BlockErrorKind.NotFound, // ENOENT, ENXIO, ENODEV, ENOTDIR
        11 => BlockErrorKind.Locked,
        13 => BlockErrorKind.AccessDenied,
        12 or 16 or 23 or 24 or 26 => BlockErrorKind.Busy, // ENOMEM, EBUSY, ENFILE, EMFILE, ETXTBSY
        17 => BlockErrorKind.AlreadyExists,
        21 => BlockErrorKind.IsDirectory,
        22 or 36 or 40 => BlockErrorKind.InvalidArgument, // EINVAL, ENAMETOOLONG, ELOOP
        27 or 75 => BlockErrorKind.TooLarge, // EFBIG, EOVERFLOW
        28 or 122 => BlockErrorKind.NoSpace, // ENOSPC, EDQUOT
        30 => BlockErrorKind.ReadOnlyStorage,
        25 or 37 or 38 or 95 => BlockErrorKind.NotSupported, // ENOTTY, ENOLCK, ENOSYS, EOPNOTSUPP
        123 => BlockErrorKind.NoMedium,
        125 => BlockErrorKind.Cancelled,
        _ => BlockErrorKind.InputOutput,
    };

    // Spelt out where users match on it: the system's own table speaks the user's language.
    private static string TextOf(int errno) => errno switch
    {
        6 => "No such device or address",
        12 => "Cannot allocate memory",
        19 => "No such device",
        20 => "Not a directory",
        23 => "Too many open files in system",
        24 => "Too many open files",
        26 => "Text file busy",
        36 => "File name too long",
        37 => "No locks available",
        40 => "Too many levels of symbolic links",
        122 => "Disk quota exceeded",
        _ => Marshal.GetPInvokeErrorMessage(errno),
    };
}
