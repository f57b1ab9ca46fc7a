using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Scheduling;

/// <summary>The words for what an operating system refuses, the same from every engine.</summary>
internal static class HostFileError
{
    /// <summary>Opening <paramref name="path"/> failed for <paramref name="cause"/>.</summary>
    public static BlockException CannotOpen(string path, BlockException cause) => cause.Prefixed($"Could not open '{path}': ");

    /// <summary>Opening <paramref name="path"/> failed for the reason that <paramref name="kind"/> has words for.</summary>
    public static BlockException CannotOpen(string path, BlockErrorKind kind) => CannotOpen(path, new BlockException(kind, kind.ToErrnoText()));

    /// <summary>Creating <paramref name="path"/> failed for <paramref name="cause"/>.</summary>
    public static BlockException CannotCreate(string path, BlockException cause) => cause.Prefixed($"Could not create '{path}': ");

    /// <summary>Giving a new file its length failed for <paramref name="cause"/>.</summary>
    public static BlockException CannotResize(BlockException cause) => cause.Prefixed("Could not resize file: ");

    /// <summary><paramref name="path"/> is a FIFO, a character device or whatever else holds no image.</summary>
    public static BlockException NotRegular(string path) =>
        new(BlockErrorKind.InvalidArgument, $"'file' driver requires '{path}' to be a regular file");

    /// <summary><paramref name="path"/> is no block device.</summary>
    public static BlockException NotDevice(string path) =>
        new(BlockErrorKind.InvalidArgument, $"'host_device' driver requires '{path}' to be either a character or block device");

    /// <summary>The kernel has no O_DIRECT for <paramref name="path"/>.</summary>
    public static BlockException NoDirect(string path) =>
        new(BlockErrorKind.InvalidArgument, $"Could not open '{path}': filesystem does not support O_DIRECT");

    /// <summary>Someone else's use of <paramref name="path"/> excludes ours; <paramref name="lockName"/> says which right it is about.</summary>
    public static BlockException LockConflict(string lockName, string path) =>
        new(BlockErrorKind.Locked, $"Failed to get {lockName} lock") { Hint = $"Is another process using the image [{path}]?" };
}
