using System.Runtime.InteropServices;

namespace BlockGraph.BlockCore.Scheduling.Linux;

/// <summary>The structures of Linux native AIO.</summary>
internal static class AioNative
{
    public const ushort Read = 0;
    public const ushort Write = 1;
    public const ushort ReadVector = 7;
    public const ushort WriteVector = 8;
    public const uint TellsDescriptor = 1;

    /// <summary>struct iocb on little-endian systems.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Control
    {
        public ulong Tag;
        public uint Key;
        public uint OperationFlags;
        public ushort Operation;
        public short Priority;
        public int File;
        public nuint Address;
        public nuint Length;
        public long Offset;
        public ulong Reserved;
        public uint Flags;
        public int ToldDescriptor;
    }

    /// <summary>struct io_event.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Event
    {
        public ulong Tag;
        public nuint Control;
        public long Result;
        public long Result2;
    }
}
