using BlockGraph.BlockCore.Errors;

namespace BlockGraph.Drivers.Filters.Blkdebug;

/// <summary>The failure that an errno of Linux stands for, on every system.</summary>
internal static class InjectedErrno
{
    /// <summary>The failure, with the C library's words for it.</summary>
    public static BlockException ToException(int errno)
    {
        foreach (BlockErrorKind kind in Enum.GetValues<BlockErrorKind>())
        {
            if (kind.ToErrno() == errno)
            {
                return new BlockException(kind, kind.ToErrnoText());
            }
        }

        return errno switch
        {
            4 => new BlockException(BlockErrorKind.InputOutput, "Interrupted system call"),
            6 => new BlockException(BlockErrorKind.NotFound, "No such device or address"),
            12 => new BlockException(BlockErrorKind.Busy, "Cannot allocate memory"),
            19 => new BlockException(BlockErrorKind.NotFound, "No such device"),
            32 => new BlockException(BlockErrorKind.InputOutput, "Broken pipe"),
            61 => new BlockException(BlockErrorKind.InputOutput, "No data available"),
            71 => new BlockException(BlockErrorKind.InputOutput, "Protocol error"),
            84 => new BlockException(BlockErrorKind.InputOutput, "Invalid or incomplete multibyte or wide character"),
            103 => new BlockException(BlockErrorKind.InputOutput, "Software caused connection abort"),
            104 => new BlockException(BlockErrorKind.InputOutput, "Connection reset by peer"),
            108 => new BlockException(BlockErrorKind.InputOutput, "Cannot send after transport endpoint shutdown"),
            110 => new BlockException(BlockErrorKind.InputOutput, "Connection timed out"),
            121 => new BlockException(BlockErrorKind.InputOutput, "Remote I/O error"),
            122 => new BlockException(BlockErrorKind.NoSpace, "Disk quota exceeded"),
            _ => new BlockException(BlockErrorKind.InputOutput, $"Unknown error {errno}"),
        };
    }
}
