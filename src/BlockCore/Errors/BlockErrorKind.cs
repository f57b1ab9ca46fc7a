namespace BlockGraph.BlockCore.Errors;

/// <summary>What went wrong in the world, in terms a caller can switch on. <i>QEMU: the negative errno beside an Error.</i></summary>
public enum BlockErrorKind
{
    /// <summary>An option, argument or request is malformed (EINVAL).</summary>
    InvalidArgument,

    /// <summary>The named file, node, group or object does not exist (ENOENT).</summary>
    NotFound,

    /// <summary>The name is taken already (EEXIST).</summary>
    AlreadyExists,

    /// <summary>The operation is not allowed on this object in its present state (EPERM).</summary>
    NotPermitted,

    /// <summary>The operating system, or a read-only image, refuses access (EACCES).</summary>
    AccessDenied,

    /// <summary>The storage is mounted or exported read-only (EROFS).</summary>
    ReadOnlyStorage,

    /// <summary>Another process or another backend holds a lock or permission that excludes this one (EAGAIN).</summary>
    Locked,

    /// <summary>The object is in use and cannot change now (EBUSY).</summary>
    Busy,

    /// <summary>The storage is full (ENOSPC).</summary>
    NoSpace,

    /// <summary>A read or write failed, or lies outside the image (EIO).</summary>
    InputOutput,

    /// <summary>There is no medium in the device (ENOMEDIUM).</summary>
    NoMedium,

    /// <summary>The driver or the platform cannot do this at all (ENOTSUP).</summary>
    NotSupported,

    /// <summary>The image contradicts its own format (EINVAL, reported apart from bad arguments).</summary>
    CorruptImage,

    /// <summary>A size is beyond a named maximum (EFBIG).</summary>
    TooLarge,

    /// <summary>The file is a directory where data was expected (EISDIR).</summary>
    IsDirectory,

    /// <summary>The operation was cancelled before it had any effect (ECANCELED).</summary>
    Cancelled,

    /// <summary>Limits held the request back for longer than it may wait; it had no effect and was not charged (ETIMEDOUT).</summary>
    ThrottleTimeout,
}

/// <summary>The errno that each <see cref="BlockErrorKind"/> stands for on the wire and in exit paths.</summary>
public static class BlockErrorKindExtensions
{
    /// <summary>The positive Linux errno of <paramref name="kind"/>.</summary>
    public static int ToErrno(this BlockErrorKind kind) => kind switch
    {
        BlockErrorKind.NotPermitted => 1,
        BlockErrorKind.NotFound => 2,
        BlockErrorKind.InputOutput => 5,
        BlockErrorKind.Locked => 11,
        BlockErrorKind.AccessDenied => 13,
        BlockErrorKind.Busy => 16,
        BlockErrorKind.AlreadyExists => 17,
        BlockErrorKind.IsDirectory => 21,
        BlockErrorKind.TooLarge => 27,
        BlockErrorKind.NoSpace => 28,
        BlockErrorKind.ReadOnlyStorage => 30,
        BlockErrorKind.NotSupported => 95,
        BlockErrorKind.NoMedium => 123,
        BlockErrorKind.ThrottleTimeout => 110,
        BlockErrorKind.Cancelled => 125,
        _ => 22,
    };

    /// <summary>The words that the C library has for the errno of <paramref name="kind"/>; users match on them.</summary>
    public static string ToErrnoText(this BlockErrorKind kind) => kind switch
    {
        BlockErrorKind.NotPermitted => "Operation not permitted",
        BlockErrorKind.NotFound => "No such file or directory",
        BlockErrorKind.InputOutput => "Input/output error",
        BlockErrorKind.Locked => "Resource temporarily unavailable",
        BlockErrorKind.AccessDenied => "Permission denied",
        BlockErrorKind.Busy => "Device or resource busy",
        BlockErrorKind.AlreadyExists => "File exists",
        BlockErrorKind.IsDirectory => "Is a directory",
        BlockErrorKind.TooLarge => "File too large",
        BlockErrorKind.NoSpace => "No space left on device",
        BlockErrorKind.ReadOnlyStorage => "Read-only file system",
        BlockErrorKind.NotSupported => "Operation not supported",
        BlockErrorKind.NoMedium => "No medium found",
        BlockErrorKind.ThrottleTimeout => "Connection timed out",
        BlockErrorKind.Cancelled => "Operation canceled",
        _ => "Invalid argument",
    };
}
