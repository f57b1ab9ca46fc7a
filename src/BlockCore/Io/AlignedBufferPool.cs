using System.Numerics;

namespace BlockGraph.BlockCore.Io;

/// <summary>Aligned buffers that are used again, in sizes of powers of two. Any thread; nothing is allocated while there are enough. What is kept is bounded.</summary>
public sealed class AlignedBufferPool(int alignmentBytes)
{
    /// <summary>Longer buffers are not kept, in bytes.</summary>
    public const int KeptBytesMax = 1 << 20;

    private const int SmallestBits = 12;
    private const int LargestBits = 20;

    // As many of each size, or one: 4 MiB of a size at most.
    private const int KeptBytesOfSize = 4 << 20;
    private const int KeptCountMax = 128;

    // Protects the fields below.
    private readonly Lock _lock = new();
    private readonly Memory<byte>[][] _free = [.. Enumerable.Range(SmallestBits, LargestBits - SmallestBits + 1).Select(bits => new Memory<byte>[Math.Min(KeptBytesOfSize >> bits, KeptCountMax)])];
    private readonly int[] _freeCounts = new int[LargestBits - SmallestBits + 1];

    /// <summary>A buffer of <paramref name="lengthBytes"/> at least; there may be anything in it.</summary>
    public Memory<byte> Rent(int lengthBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(lengthBytes);
        if (lengthBytes > KeptBytesMax)
        {
            return AlignedBuffer.Allocate(lengthBytes, alignmentBytes);
        }

        int bits = Math.Max(SmallestBits, 32 - BitOperations.LeadingZeroCount((uint)Math.Max(lengthBytes, 1) - 1));
        lock (_lock)
        {
            ref int count = ref _freeCounts[bits - SmallestBits];
            if (count > 0)
            {
                return _free[bits - SmallestBits][--count];
            }
        }

        return AlignedBuffer.Allocate(1 << bits, alignmentBytes);
    }

    /// <summary>Gives back what <see cref="Rent"/> has returned, once, as it was returned.</summary>
    public void Return(Memory<byte> buffer)
    {
        int bits = BitOperations.Log2((uint)buffer.Length);
        if (bits is < SmallestBits or > LargestBits || buffer.Length != 1 << bits)
        {
            return;
        }

        lock (_lock)
        {
            ref int count = ref _freeCounts[bits - SmallestBits];
            Memory<byte>[] free = _free[bits - SmallestBits];
            if (count < free.Length)
            {
                free[count++] = buffer;
            }
        }
    }
}
