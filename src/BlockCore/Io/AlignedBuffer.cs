using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Io;

/// <summary>Memory at an aligned, unmoving address, for requests that bypass the page cache. <i>QEMU: qemu_blockalign().</i></summary>
public static unsafe class AlignedBuffer
{
    /// <summary>
    /// <paramref name="lengthBytes"/> bytes of zeros at an address that is a multiple of <paramref name="alignmentBytes"/>
    /// (a power of two). The garbage collector frees them and never moves them.
    /// </summary>
    public static Memory<byte> Allocate(int lengthBytes, int alignmentBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(lengthBytes);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(alignmentBytes);
        byte[] array = GC.AllocateArray<byte>(lengthBytes + alignmentBytes - 1, pinned: true);
        if (array.Length == 0)
        {
            return array;
        }

        nuint misalignment = (nuint)Unsafe.AsPointer(ref array[0]) & (nuint)(alignmentBytes - 1);
        int skip = misalignment == 0 ? 0 : alignmentBytes - (int)misalignment;

        // Says that it does not move: whoever pins it need not ask the collector.
        return MemoryMarshal.CreateFromPinnedArray(array, skip, lengthBytes);
    }

    /// <summary>True where the address and the length of every piece of <paramref name="vector"/> are multiples of <paramref name="alignmentBytes"/>, a power of two. <i>QEMU: bdrv_qiov_is_aligned().</i></summary>
    public static bool IsAligned(IoVector vector, int alignmentBytes)
    {
        Invariant.Check(alignmentBytes > 0);
        foreach (Memory<byte> segment in vector)
        {
            fixed (byte* address = segment.Span)
            {
                if ((((nuint)address | (nuint)segment.Length) & (nuint)(alignmentBytes - 1)) != 0)
                {
                    return false;
                }
            }
        }

        return true;
    }
}
