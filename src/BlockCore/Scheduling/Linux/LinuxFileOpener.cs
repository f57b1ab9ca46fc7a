using BlockGraph.BlockCore.Errors;
using Microsoft.Win32.SafeHandles;
using static BlockGraph.BlockCore.Scheduling.Linux.FileNative;

namespace BlockGraph.BlockCore.Scheduling.Linux;

/// <summary>
/// Turns a path into a descriptor that is certainly a regular file or a block device. The name is looked at before it is
/// opened, because opening a FIFO may wait and opening a device may have effects; the descriptor is looked at again,
/// because the name may stand for something else by then.
/// </summary>
internal static unsafe class LinuxFileOpener
{
    private const uint NewFileMode = 0x1A4; // 0644, before the umask

    public static LinuxHostFile Open(in HostFileOptions options)
    {
        FileType type = TypeOf(options);
        int descriptor = OpenDescriptor(options, type);
        SafeFileHandle handle = new(descriptor, ownsHandle: true);
        try
        {
            CheckDescriptor(descriptor, type, options);
            return new LinuxHostFile(handle, options, type == FileType.BlockDevice);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    public static bool IsBlockDevice(string path)
    {
        FileStatus status = default;
        return !path.Contains('\0', StringComparison.Ordinal)
            && Stat(CurrentDirectory, path, 0, StatTypeAndMode, &status) == 0 && status.Type == FileType.BlockDevice;
    }

    /// <summary>What tells the file or device from every other, by whatever name; null where there is nothing of that name.</summary>
    public static string? Identify(string path)
    {
        FileStatus status = default;
        if (path.Contains('\0', StringComparison.Ordinal) || Stat(CurrentDirectory, path, 0, StatTypeAndMode | StatInode, &status) != 0)
        {
            return null;
        }

        return status.Type is FileType.BlockDevice or FileType.CharacterDevice ? $"device {status.OwnDevice}" : $"inode {status.Inode} of {status.Device}";
    }

    /// <summary>Makes the file, or takes the one that is there; gives it its length under the locks of a creator.</summary>
    public static bool Create(string path, long lengthBytes)
    {
        Invariant.Check(lengthBytes >= 0);
        bool isNew = TryMake(path);
        try
        {
            using LinuxHostFile file = OpenForCreation(path);

            // Never committed: the locks go when the file is closed.
            new ImageLocks(file).Prepare(ImageLocks.WritePermission | ImageLocks.ResizePermission, ImageLocks.AllPermissions & ~ImageLocks.ResizePermission);
            Resize(file, lengthBytes);
            return isNew;
        }
        catch (BlockException) when (isNew)
        {
            _ = Unlink(path);
            throw;
        }
    }

    private static LinuxHostFile OpenForCreation(string path)
    {
        try
        {
            return Open(new HostFileOptions(path) { IsWritable = true });
        }
        catch (BlockException error) when (error.InnerException is BlockException cause)
        {
            throw HostFileError.CannotCreate(path, cause);
        }
    }

    // The final length first: whether it is possible shows before anything is lost.
    private static void Resize(LinuxHostFile file, long lengthBytes)
    {
        try
        {
            file.SetLengthBytes(lengthBytes);
            file.SetLengthBytes(0);
            file.SetLengthBytes(lengthBytes);
        }
        catch (BlockException error)
        {
            throw HostFileError.CannotResize(error);
        }
    }

    private static bool TryMake(string path)
    {
        if (path.Contains('\0', StringComparison.Ordinal))
        {
            throw HostFileError.CannotCreate(path, LinuxErrno.ToException(LinuxErrno.Invalid));
        }

        int descriptor;
        do
        {
            descriptor = FileNative.Open(path, OpenReadWrite | OpenCreate | OpenExclusive | OpenCloseOnExec | OpenNonBlocking, NewFileMode);
        }
        while (descriptor < 0 && LinuxErrno.Last == LinuxErrno.Interrupted);

        if (descriptor >= 0)
        {
            _ = LoopNative.Close(descriptor);
            return true;
        }

        int errno = LinuxErrno.Last;
        return errno == LinuxErrno.Exists ? false : throw HostFileError.CannotCreate(path, LinuxErrno.ToException(errno));
    }

    private static FileType TypeOf(in HostFileOptions options)
    {
        string path = options.Path;
        FileStatus status = default;
        if (path.Contains('\0', StringComparison.Ordinal))
        {
            throw HostFileError.CannotOpen(path, BlockErrorKind.InvalidArgument);
        }

        if (Stat(CurrentDirectory, options.SystemPath, 0, StatTypeAndMode, &status) != 0)
        {
            throw HostFileError.CannotOpen(path, LinuxErrno.ToException(LinuxErrno.Last));
        }

        return status.Type switch
        {
            FileType.BlockDevice when options.IsDevice => status.Type,
            FileType.Regular when !options.IsDevice => status.Type,
            _ when options.IsDevice => throw HostFileError.NotDevice(path),
            FileType.Directory when options.IsWritable => throw HostFileError.CannotOpen(path, BlockErrorKind.IsDirectory),
            FileType.Socket => throw HostFileError.CannotOpen(path, LinuxErrno.ToException(LinuxErrno.NoDevice)),
            _ => throw HostFileError.NotRegular(path),
        };
    }

    private static int OpenDescriptor(in HostFileOptions options, FileType type)
    {
        // Non-blocking only guards against a FIFO put in the file's place; for a device it would mean "without its medium".
        int flags = OpenCloseOnExec
            | (options.IsWritable ? OpenReadWrite : OpenReadOnly)
            | (options.IsDirect ? OpenDirect : 0)
            | (type == FileType.BlockDevice ? 0 : OpenNonBlocking);
        while (true)
        {
            int descriptor = FileNative.Open(options.SystemPath, flags, 0);
            if (descriptor >= 0)
            {
                return descriptor;
            }

            int errno = LinuxErrno.Last;
            if (errno != LinuxErrno.Interrupted)
            {
                throw errno == LinuxErrno.Invalid && options.IsDirect
                    ? HostFileError.NoDirect(options.Path)
                    : HostFileError.CannotOpen(options.Path, LinuxErrno.ToException(errno));
            }
        }
    }

    private static void CheckDescriptor(int descriptor, FileType type, in HostFileOptions options)
    {
        FileStatus status = default;
        if (Stat(descriptor, "", EmptyPath, StatTypeAndMode, &status) != 0)
        {
            throw HostFileError.CannotOpen(options.Path, LinuxErrno.ToException(LinuxErrno.Last));
        }

        if (status.Type != type)
        {
            throw options.IsDevice ? HostFileError.NotDevice(options.Path) : HostFileError.NotRegular(options.Path);
        }

        if (type == FileType.BlockDevice && options.IsWritable && IsReadOnlyDevice(descriptor))
        {
            throw LinuxErrno.ToException(LinuxErrno.AccessDenied).Prefixed("The device is not writable: ");
        }

        // On a regular file the flag would mean nothing to reads and writes, but a ring must not take it for "never wait".
        int flags = Control(descriptor, GetStatusFlags, 0);
        if (flags >= 0)
        {
            _ = Control(descriptor, SetStatusFlags, flags & ~OpenNonBlocking);
        }
    }
}
