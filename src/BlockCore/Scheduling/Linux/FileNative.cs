using System.Runtime.InteropServices;

namespace BlockGraph.BlockCore.Scheduling.Linux;

/// <summary>The system calls of the file engine, as 64-bit Linux has them.</summary>
internal static unsafe partial class FileNative
{
    public const int OpenReadOnly = 0;
    public const int OpenReadWrite = 2;
    public const int OpenCreate = 0x40;
    public const int OpenExclusive = 0x80;
    public const int OpenNonBlocking = 0x800;
    public const int OpenCloseOnExec = 0x80000;

    public const int GetStatusFlags = 3; // F_GETFL
    public const int SetStatusFlags = 4;
    public const int GetOpenFileLock = 36; // F_OFD_GETLK
    public const int SetOpenFileLock = 37;
    public const short ReadLock = 0;
    public const short WriteLock = 1;
    public const short NoLock = 2;

    public const int SeekEnd = 2;
    public const int SeekData = 3;
    public const int SeekHole = 4;

    public const int AllocateSpace = 0;
    public const int PunchHole = 1 | 2; // FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE
    public const int ZeroRange = 0x10;

    public const int CurrentDirectory = -100; // AT_FDCWD
    public const int EmptyPath = 0x1000;
    private const nuint GetAttributes = 0x80086601;
    private const nuint SetAttributes = 0x40086602;
    private const int NoCopyOnWrite = 0x00800000;
    private const nuint GetExtendedAttributes = 0x801C581F;
    private const nuint SetExtendedAttributes = 0x401C5820;
    private const uint HasExtentSize = 0x800;

    public const uint StatTypeAndMode = 1 | 2;
    public const uint StatInode = 0x100;
    public const uint StatBlocks = 0x400;
    public const uint StatDirectAlignment = 0x2000;

    public const int IoVectorCountMax = TransferRun.PieceCountMax;

    public const int NeverWait = 8; // RWF_NOWAIT
    public const int DataDurably = 2; // RWF_DSYNC

    private const int BlockGetReadOnly = 0x125E; // BLKROGET
    private const int BlockGetSectorSize = 0x1268; // BLKSSZGET
    private const int SectorBytes = 512;

    /// <summary>O_DIRECT, which the architectures number differently.</summary>
    public static int OpenDirect { get; } = RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.Arm64 => 0x10000,
        Architecture.Ppc64le => 0x20000,
        _ => 0x4000,
    };

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Open(string path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "unlink", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Unlink(string path);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Stat(int directory, string path, int flags, uint mask, FileStatus* status);

    /// <summary>pread, without the C library's care for threads that are cancelled in the middle of it: a twentieth of a short read.</summary>
    public static nint Read(int descriptor, byte* data, nuint length, long offset) =>
        KernelNative.Call(KernelNative.Read, descriptor, (nint)data, (nint)length, (nint)offset, 0, 0);

    /// <summary>pwrite, likewise.</summary>
    public static nint Write(int descriptor, byte* data, nuint length, long offset) =>
        KernelNative.Call(KernelNative.Write, descriptor, (nint)data, (nint)length, (nint)offset, 0, 0);

    [LibraryImport("libc", EntryPoint = "preadv", SetLastError = true)]
    public static partial nint ReadVector(int descriptor, IoPiece* segments, int count, long offset);

    [LibraryImport("libc", EntryPoint = "pwritev", SetLastError = true)]
    public static partial nint WriteVector(int descriptor, IoPiece* segments, int count, long offset);

    /// <summary>preadv2, by its number: not every C library has it.</summary>
    public static nint ReadVectorNow(int descriptor, IoPiece* pieces, int count, long offset, int flags) =>
        KernelNative.Call(KernelNative.ReadVector2, descriptor, (nint)pieces, count, (nint)offset, 0, flags);

    /// <summary>pwritev2.</summary>
    public static nint WriteVectorNow(int descriptor, IoPiece* pieces, int count, long offset, int flags) =>
        KernelNative.Call(KernelNative.WriteVector2, descriptor, (nint)pieces, count, (nint)offset, 0, flags);

    [LibraryImport("libc", EntryPoint = "fstatfs", SetLastError = true)]
    public static partial int StatFileSystem(int descriptor, FileSystemStatus* status);

    [LibraryImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    public static partial int SyncData(int descriptor);

    [LibraryImport("libc", EntryPoint = "lseek", SetLastError = true)]
    public static partial long Seek(int descriptor, long offset, int whence);

    [LibraryImport("libc", EntryPoint = "ftruncate", SetLastError = true)]
    public static partial int Truncate(int descriptor, long length);

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    public static partial int Allocate(int descriptor, int mode, long offset, long length);

    [LibraryImport("libc", EntryPoint = "copy_file_range", SetLastError = true)]
    public static partial nint CopyRange(int source, long* sourceOffset, int target, long* targetOffset, nuint length, uint flags);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    public static partial int Control(int descriptor, int command, nint argument);

    /// <summary>Whether the block device refuses writes although it could be opened for them.</summary>
    public static bool IsReadOnlyDevice(int descriptor)
    {
        int isReadOnly = 0;
        return IoControl(descriptor, BlockGetReadOnly, &isReadOnly) == 0 && isReadOnly != 0;
    }

    /// <summary>The smallest unit of the block device, in bytes.</summary>
    public static int LogicalBlockBytes(int descriptor)
    {
        int sizeBytes = SectorBytes;
        return IoControl(descriptor, BlockGetSectorSize, &sizeBytes) == 0 ? sizeBytes : SectorBytes;
    }

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    private static partial int IoControl(int descriptor, nuint request, int* argument);

    /// <summary>Sets the attribute that keeps btrfs from copying on write.</summary>
    public static bool TryAvoidCopyOnWrite(int descriptor)
    {
        // The kernel reads and writes an int, whatever the number of the request says.
        int flags = 0;
        if (IoControl(descriptor, GetAttributes, &flags) != 0)
        {
            return false;
        }

        flags |= NoCopyOnWrite;
        return IoControl(descriptor, SetAttributes, &flags) == 0;
    }

    /// <summary>Sets the size in which an extent-based file system takes space for the file.</summary>
    public static bool TrySetExtentSize(int descriptor, uint pieceBytes)
    {
        ExtendedAttributes attributes = default;
        if (IoControl(descriptor, GetExtendedAttributes, (int*)&attributes) != 0)
        {
            return false;
        }

        attributes.Flags |= HasExtentSize;
        attributes.ExtentSizeBytes = pieceBytes;
        return IoControl(descriptor, SetExtendedAttributes, (int*)&attributes) == 0;
    }

    /// <summary>struct fsxattr.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 28)]
    private struct ExtendedAttributes
    {
        [FieldOffset(0)]
        public uint Flags;

        [FieldOffset(4)]
        public uint ExtentSizeBytes;
    }

    /// <summary>struct flock on 64-bit Linux. The process id stays 0, as open-file-description locks want it.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 32)]
    public struct FileLock
    {
        [FieldOffset(0)]
        public short Type;

        [FieldOffset(2)]
        public short Whence;

        [FieldOffset(8)]
        public long Start;

        [FieldOffset(16)]
        public long Length;
    }

    /// <summary>struct statfs, of which only the first field is read.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    public struct FileSystemStatus
    {
        [FieldOffset(0)]
        public long Magic;

        /// <summary>True for tmpfs and ramfs: what is in them is in memory.</summary>
        public readonly bool IsInMemory => (Magic & 0xFFFFFFFF) is 0x01021994 or 0x858458F6;
    }

    /// <summary>The fields of struct statx that the engine reads; its layout is the same everywhere.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    public struct FileStatus
    {
        [FieldOffset(0)]
        public uint Mask;

        [FieldOffset(28)]
        public ushort Mode;

        [FieldOffset(32)]
        public ulong Inode;

        /// <summary>What it takes, in units of 512 bytes.</summary>
        [FieldOffset(48)]
        public ulong BlockCount;

        /// <summary>The device that this is, major and minor number.</summary>
        [FieldOffset(128)]
        public ulong OwnDevice;

        /// <summary>The device that this lies on, likewise.</summary>
        [FieldOffset(136)]
        public ulong Device;

        [FieldOffset(152)]
        public uint DirectMemoryAlignment;

        [FieldOffset(156)]
        public uint DirectOffsetAlignment;

        public readonly FileType Type => (FileType)(Mode & 0xF000);
    }

    /// <summary>What a name stands for: the upper bits of a mode.</summary>
    public enum FileType
    {
        Fifo = 0x1000,
        CharacterDevice = 0x2000,
        Directory = 0x4000,
        BlockDevice = 0x6000,
        Regular = 0x8000,
        Socket = 0xC000,
    }
}
