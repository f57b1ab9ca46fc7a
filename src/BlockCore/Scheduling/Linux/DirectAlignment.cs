using System.Numerics;
using BlockGraph.BlockCore.Io;
using static BlockGraph.BlockCore.Scheduling.Linux.FileNative;

namespace BlockGraph.BlockCore.Scheduling.Linux;

/// <summary>What direct access asks of offsets, lengths and addresses, in bytes. <i>QEMU: raw_probe_alignment().</i></summary>
internal readonly unsafe record struct DirectAlignment(int RequestBytes, int MemoryBytes)
{
    /// <summary>What serves every disk: used where nobody can say.</summary>
    private const int SafeBytes = 4096;

    private const int SectorBytes = 512;

    /// <summary>Asks the kernel (6.1 and later), and where it does not know, tries.</summary>
    public static DirectAlignment Of(int descriptor)
    {
        FileStatus status = default;
        bool isKnown = Stat(descriptor, "", EmptyPath, StatDirectAlignment, &status) == 0
            && (status.Mask & StatDirectAlignment) != 0
            && IsPossible(status.DirectOffsetAlignment)
            && IsPossible(status.DirectMemoryAlignment);
        return isKnown
            ? new DirectAlignment((int)status.DirectOffsetAlignment, (int)status.DirectMemoryAlignment)
            : Probe(descriptor);
    }

    /// <summary>Reads with growing alignment until the kernel stops refusing.</summary>
    public static DirectAlignment Probe(int descriptor)
    {
        Memory<byte> buffer = AlignedBuffer.Allocate(2 * SafeBytes, SafeBytes);
        fixed (byte* start = buffer.Span)
        {
            // Where even a single byte is not refused (an empty file, a file system that copies), trying tells nothing.
            if (IsAccepted(descriptor, start + 1, 1))
            {
                return new DirectAlignment(SafeBytes, SafeBytes);
            }

            int request = SectorBytes;
            while (request < SafeBytes && !IsAccepted(descriptor, start, request))
            {
                request *= 2;
            }

            int memory = SectorBytes;
            while (memory < SafeBytes && !IsAccepted(descriptor, start + memory, SafeBytes))
            {
                memory *= 2;
            }

            return new DirectAlignment(request, memory);
        }
    }

    // The kernel says 0 where it has no direct access to the file.
    private static bool IsPossible(uint alignment) => BitOperations.IsPow2(alignment) && alignment <= BlockLimits.RequestAlignmentBytesMax;

    // Only "invalid argument" speaks of alignment; a bad sector does not.
    private static bool IsAccepted(int descriptor, byte* data, int lengthBytes)
    {
        nint count;
        do
        {
            count = FileNative.Read(descriptor, data, (nuint)lengthBytes, 0);
        }
        while (count < 0 && LinuxErrno.Last == LinuxErrno.Interrupted);

        return count >= 0 || LinuxErrno.Last != LinuxErrno.Invalid;
    }
}
