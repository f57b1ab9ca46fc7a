using BlockGraph.BlockCore.Errors;
using Microsoft.Win32.SafeHandles;

namespace BlockGraph.BlockCore.Scheduling.Portable;

/// <summary>Opens and creates files through .NET, with the same words as the other engines.</summary>
internal static class PortableFileOpener
{
    public static PortableHostFile Open(in HostFileOptions options)
    {
        string path = options.Path;
        if (options.IsDirect)
        {
            throw new BlockException(BlockErrorKind.NotSupported, $"Could not open '{path}': cache.direct=on is not supported by the portable file engine");
        }

        if (options.IsDevice)
        {
            throw new BlockException(BlockErrorKind.NotSupported, $"Could not open '{path}': the portable file engine has no block devices");
        }

        CheckKind(path, options.IsWritable);
        SafeFileHandle? handle = null;
        try
        {
            handle = File.OpenHandle(path, FileMode.Open, options.IsWritable ? FileAccess.ReadWrite : FileAccess.Read, ShareOf(options));
            _ = RandomAccess.GetLength(handle);
            return new PortableHostFile(handle, options);
        }
        catch (NotSupportedException)
        {
            // It has no length: not a file any more.
            handle?.Dispose();
            throw HostFileError.NotRegular(path);
        }
        catch (Exception error) when (PortableError.IsOfTheWorld(error))
        {
            handle?.Dispose();
            throw OpenFailed(path, PortableError.ToException(error));
        }
    }

    public static bool Create(string path, long lengthBytes)
    {
        Invariant.Check(lengthBytes >= 0);
        bool isNew = !File.Exists(path) && !Directory.Exists(path);
        try
        {
            using SafeFileHandle handle = OpenForCreation(path, isNew);
            Resize(handle, lengthBytes);
            return isNew;
        }
        catch (BlockException error) when (isNew && error.Kind != BlockErrorKind.AlreadyExists)
        {
            TryDelete(path);
            throw;
        }
    }

    private static SafeFileHandle OpenForCreation(string path, bool isNew)
    {
        try
        {
            if (!isNew)
            {
                CheckKind(path, isWritable: true);
            }

            return File.OpenHandle(path, isNew ? FileMode.CreateNew : FileMode.Open, FileAccess.ReadWrite, FileShare.None);
        }
        catch (BlockException error) when (error.InnerException is BlockException cause)
        {
            throw HostFileError.CannotCreate(path, cause);
        }
        catch (Exception error) when (PortableError.IsOfTheWorld(error))
        {
            BlockException cause = PortableError.ToException(error);
            throw cause.Kind == BlockErrorKind.Locked ? LockedOut(path) : HostFileError.CannotCreate(path, cause);
        }
    }

    // The final length first: whether it is possible shows before anything is lost.
    private static void Resize(SafeFileHandle handle, long lengthBytes)
    {
        try
        {
            RandomAccess.SetLength(handle, lengthBytes);
            RandomAccess.SetLength(handle, 0);
            RandomAccess.SetLength(handle, lengthBytes);
        }
        catch (Exception error) when (PortableError.IsOfTheWorld(error))
        {
            throw HostFileError.CannotResize(PortableError.ToException(error));
        }
    }

    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception error) when (PortableError.IsOfTheWorld(error))
        {
            // What failed before is what the caller must hear of.
        }
    }

    private static void CheckKind(string path, bool isWritable)
    {
        if (path.Length == 0)
        {
            // .NET calls the empty name malformed; to a system it is one that does not exist.
            throw HostFileError.CannotOpen(path, BlockErrorKind.NotFound);
        }

        if (Directory.Exists(path))
        {
            throw isWritable ? HostFileError.CannotOpen(path, BlockErrorKind.IsDirectory) : HostFileError.NotRegular(path);
        }

        try
        {
            if (PortableFileKind.IsRegular(path))
            {
                return;
            }
        }
        catch (Exception error) when (PortableError.IsOfTheWorld(error))
        {
            throw HostFileError.CannotOpen(path, PortableError.ToException(error));
        }

        throw HostFileError.NotRegular(path);
    }

    private static FileShare ShareOf(in HostFileOptions options)
    {
        if (!options.IsWritable || !options.ExcludesOtherWriters)
        {
            return FileShare.ReadWrite | FileShare.Delete;
        }

        // Off Windows, .NET knows only "alone" and "not alone".
        return OperatingSystem.IsWindows() ? FileShare.Read | FileShare.Delete : FileShare.None;
    }

    private static BlockException OpenFailed(string path, BlockException cause) =>
        cause.Kind == BlockErrorKind.Locked ? LockedOut(path) : HostFileError.CannotOpen(path, cause);

    private static BlockException LockedOut(string path) => HostFileError.LockConflict("\"write\"", path);
}
