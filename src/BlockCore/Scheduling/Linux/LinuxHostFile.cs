using BlockGraph.BlockCore.Errors;
using Microsoft.Win32.SafeHandles;
using static BlockGraph.BlockCore.Scheduling.Linux.FileNative;

namespace BlockGraph.BlockCore.Scheduling.Linux;

/// <summary>A file on Linux's own calls: this part has its length, its durability and its locks.</summary>
internal sealed unsafe partial class LinuxHostFile : HostFile
{
    // Owns the descriptor; calls use the number itself, and keep this object alive meanwhile.
    private readonly SafeFileHandle _handle;
    private readonly int _descriptor;
    private bool _hasLocked;

    /// <summary>Takes <paramref name="handle"/> over.</summary>
    public LinuxHostFile(SafeFileHandle handle, in HostFileOptions options, bool isBlockDevice)
        : base(options)
    {
        _handle = handle;
        _descriptor = (int)handle.DangerousGetHandle();
        IsBlockDevice = isBlockDevice;
        _rangeAlignmentBytes = isBlockDevice ? LogicalBlockBytes(_descriptor) : 1;
        SupportsByteLocks = HasByteLocks(_descriptor);
        _aio = options.Aio;
        _isInMemory = !isBlockDevice && IsInMemory(_descriptor);
        if (options.IsDirect)
        {
            (RequestAlignmentBytes, MemoryAlignmentBytes) = DirectAlignment.Of(_descriptor);
        }
    }

    public override bool SupportsByteLocks { get; }

    /// <summary>A path that leads to the open file itself; null where the system shows none.</summary>
    public string? DescriptorPath
    {
        get
        {
            string path = $"/proc/self/fd/{_descriptor}";
            return File.Exists(path) || IsBlockDevice ? path : null;
        }
    }

    public override long GetLengthBytes()
    {
        CheckOpen();
        long length = Seek(_descriptor, 0, SeekEnd);
        GC.KeepAlive(this);
        return length >= 0 ? length : throw LinuxErrno.ToException(LinuxErrno.Last);
    }

    public override void SetLengthBytes(long lengthBytes)
    {
        CheckOpen();
        CheckRange(0, lengthBytes);
        Invariant.Check(!IsReadOnly);
        if (IsBlockDevice)
        {
            if (lengthBytes != GetLengthBytes())
            {
                throw new BlockException(BlockErrorKind.NotSupported, "Cannot resize device files");
            }

            return;
        }

        while (Truncate(_descriptor, lengthBytes) != 0)
        {
            ThrowUnlessInterrupted();
        }

        GC.KeepAlive(this);
    }

    public override bool TryLockShared(long offset)
    {
        Invariant.Check(SupportsByteLocks);
        if (SetLock(ReadLock, offset))
        {
            _hasLocked = true;
            return true;
        }

        int errno = LinuxErrno.Last;
        return errno is LinuxErrno.Again or LinuxErrno.AccessDenied ? false : throw LinuxErrno.ToException(errno);
    }

    public override void Unlock(long offset)
    {
        Invariant.Check(SupportsByteLocks);
        _ = SetLock(NoLock, offset);
    }

    public override bool IsLockedByOthers(long offset)
    {
        Invariant.Check(SupportsByteLocks);
        CheckOpen();
        FileLock fileLock = new() { Type = WriteLock, Start = offset, Length = 1 };
        while (Control(_descriptor, GetOpenFileLock, (nint)(&fileLock)) != 0)
        {
            ThrowUnlessInterrupted();
        }

        GC.KeepAlive(this);
        return fileLock.Type != NoLock;
    }

    protected override void Dispose(bool disposing)
    {
        if (!disposing || _handle.IsClosed)
        {
            return;
        }

        // A ring may keep the file open for a moment more, and the locks with it: they go now.
        LeaveRings();
        if (_hasLocked)
        {
            _ = SetLock(NoLock, 0, lengthBytes: 0);
        }

        _handle.Dispose();
    }

    private protected override void FlushCore()
    {
        CheckOpen();
        while (SyncData(_descriptor) != 0)
        {
            ThrowUnlessInterrupted();
        }

        GC.KeepAlive(this);
    }

    // A kernel before 3.15 does not know the command. Any other failure is one of the file system: to go without locks
    // because of it would be to lie.
    private static bool HasByteLocks(int descriptor)
    {
        FileLock fileLock = new() { Type = WriteLock, Start = 0, Length = 1 };
        return Control(descriptor, GetOpenFileLock, (nint)(&fileLock)) == 0 || LinuxErrno.Last != LinuxErrno.Invalid;
    }

    private static void ThrowUnlessInterrupted()
    {
        int errno = LinuxErrno.Last;
        if (errno != LinuxErrno.Interrupted)
        {
            throw LinuxErrno.ToException(errno);
        }
    }

    // A length of 0 reaches to the end of all files.
    private bool SetLock(short type, long offset, long lengthBytes = 1)
    {
        CheckOpen();
        FileLock fileLock = new() { Type = type, Start = offset, Length = lengthBytes };
        int result;
        do
        {
            result = Control(_descriptor, SetOpenFileLock, (nint)(&fileLock));
        }
        while (result != 0 && LinuxErrno.Last == LinuxErrno.Interrupted);

        GC.KeepAlive(this);
        return result == 0;
    }

    // A number that was closed may be somebody else's by now.
    private void CheckOpen() => Invariant.Check(!_handle.IsClosed);
}
