using System.Runtime.InteropServices;

namespace BlockGraph.BlockCore.Scheduling.Linux;

/// <summary>What a ring (io_uring) shares with the kernel: its structures, operations and flags.</summary>
internal static class RingNative
{
    public const byte ReadVector = 1;
    public const byte WriteVector = 2;
    public const byte PollOnce = 6;
    public const byte Read = 22;
    public const byte Write = 23;

    public const byte FileIsRegistered = 1; // IOSQE_FIXED_FILE

    public const uint SetupCompletionCount = 1 << 3;
    public const uint SetupClamp = 1 << 4;
    public const uint SetupCooperative = 1 << 8; // the submitter is not interrupted to do the kernel's work
    public const uint SetupFlagsWork = 1 << 9; // the ring says that there is such work
    public const uint SetupSingleIssuer = 1 << 12;
    public const uint SetupDeferWork = 1 << 13; // such work is done when the issuer asks for completions only

    public const uint FeatureSingleMap = 1 << 0;
    public const uint FeatureNoDrop = 1 << 1;
    public const uint FeatureWaitArgument = 1 << 8;

    public const uint SubmissionHasOverflow = 1 << 1;
    public const uint SubmissionHasWork = 1 << 2;

    public const uint EnterGetEvents = 1 << 0;
    public const uint EnterHasWaitArgument = 1 << 3;

    public const uint RegisterFiles = 2;
    public const uint RegisterEventDescriptor = 4;
    public const uint RegisterFilesUpdate = 6;

    public const long MapSubmissions = 0;
    public const long MapEntries = 0x10000000;
    public const int MapReadWrite = 3;
    public const int MapSharedPopulate = 0x8001;

    public const int TimedOut = 62; // ETIME
    public const int Busy = 16;

    /// <summary>struct io_uring_sqe, as far as transfers and polls use it.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 64)]
    public struct Submission
    {
        [FieldOffset(0)]
        public byte Operation;

        [FieldOffset(1)]
        public byte Flags;

        [FieldOffset(4)]
        public int File;

        [FieldOffset(8)]
        public long Offset;

        [FieldOffset(16)]
        public nuint Address;

        [FieldOffset(24)]
        public uint Length;

        [FieldOffset(28)]
        public uint OperationFlags;

        [FieldOffset(32)]
        public ulong Tag;
    }

    /// <summary>struct io_uring_cqe.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Completion
    {
        public ulong Tag;
        public int Result;
        public uint Flags;
    }

    /// <summary>struct io_uring_params.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 120)]
    public struct Parameters
    {
        [FieldOffset(0)]
        public uint SubmissionCount;

        [FieldOffset(4)]
        public uint CompletionCount;

        [FieldOffset(8)]
        public uint Flags;

        [FieldOffset(20)]
        public uint Features;

        [FieldOffset(40)]
        public SubmissionOffsets Submissions;

        [FieldOffset(80)]
        public CompletionOffsets Completions;
    }

    /// <summary>struct io_sqring_offsets.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct SubmissionOffsets
    {
        public uint Head;
        public uint Tail;
        public uint Mask;
        public uint Count;
        public uint Flags;
        public uint Dropped;
        public uint Array;
        public uint Reserved;
        public ulong UserAddress;
    }

    /// <summary>struct io_cqring_offsets.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct CompletionOffsets
    {
        public uint Head;
        public uint Tail;
        public uint Mask;
        public uint Count;
        public uint Overflow;
        public uint Entries;
        public uint Flags;
        public uint Reserved;
        public ulong UserAddress;
    }

    /// <summary>struct io_uring_getevents_arg.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public unsafe struct WaitArgument
    {
        public void* SignalMask;
        public uint SignalMaskBytes;
        public uint Reserved;
        public LoopNative.TimeSpec* Timeout;
    }

    /// <summary>struct io_uring_files_update.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public unsafe struct FilesUpdate
    {
        public uint Offset;
        public uint Reserved;
        public int* Descriptors;
    }
}
