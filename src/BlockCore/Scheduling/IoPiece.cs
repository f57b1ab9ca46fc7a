using System.Runtime.InteropServices;

namespace BlockGraph.BlockCore.Scheduling;

/// <summary>A piece of memory that stays where it is, as vectored system calls take it: <c>struct iovec</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct IoPiece
{
    public byte* Start;
    public nuint LengthBytes;
}
