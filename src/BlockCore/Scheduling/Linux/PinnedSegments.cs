using System.Buffers;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using static BlockGraph.BlockCore.Scheduling.Linux.FileNative;

namespace BlockGraph.BlockCore.Scheduling.Linux;

/// <summary>The first pieces of a vector, held in place and listed for one vectored call; disposing lets them go.</summary>
internal readonly unsafe ref struct PinnedSegments : IDisposable
{
    private const int RentedCountMin = 16;

    private readonly MemoryHandle[] _pins;
    private readonly int _pinCount;

    /// <summary>
    /// Lists up to <see cref="IoVectorCountMax"/> pieces of <paramref name="vector"/> in <paramref name="segments"/>, which
    /// has room for so many. Where more are left, what is listed is a multiple of <paramref name="alignmentBytes"/> long, so
    /// that the next call begins aligned.
    /// </summary>
    public PinnedSegments(IoVector vector, Span<IoPiece> segments, int alignmentBytes)
    {
        _pins = ArrayPool<MemoryHandle>.Shared.Rent(RentedCountMin);
        int listedBytes = 0;
        foreach (Memory<byte> piece in vector)
        {
            if (_pinCount == IoVectorCountMax)
            {
                break;
            }

            if (_pinCount == _pins.Length)
            {
                _pins = Grow(_pins);
            }

            MemoryHandle pin = piece.Pin();
            _pins[_pinCount] = pin;
            segments[_pinCount++] = new IoPiece { Start = (byte*)pin.Pointer, LengthBytes = (nuint)piece.Length };
            listedBytes += piece.Length;
        }

        Count = listedBytes == vector.Length ? _pinCount : Trim(segments, _pinCount, listedBytes & (alignmentBytes - 1));
    }

    /// <summary>How many pieces are listed.</summary>
    public int Count { get; }

    public void Dispose()
    {
        for (int i = 0; i < _pinCount; i++)
        {
            _pins[i].Dispose();
        }

        ArrayPool<MemoryHandle>.Shared.Return(_pins);
    }

    private static MemoryHandle[] Grow(MemoryHandle[] pins)
    {
        MemoryHandle[] larger = ArrayPool<MemoryHandle>.Shared.Rent(pins.Length * 2);
        pins.CopyTo(larger, 0);
        ArrayPool<MemoryHandle>.Shared.Return(pins);
        return larger;
    }

    private static int Trim(Span<IoPiece> segments, int count, int excessBytes)
    {
        nuint excess = (nuint)excessBytes;
        while (excess > 0)
        {
            Invariant.Check(count > 0);
            nuint cut = nuint.Min(excess, segments[count - 1].LengthBytes);
            segments[count - 1].LengthBytes -= cut;
            excess -= cut;
            count -= segments[count - 1].LengthBytes == 0 ? 1 : 0;
        }

        // So many pieces shorter than a block together cannot have aligned addresses: whoever asked should have copied.
        Invariant.Check(count > 0);
        return count;
    }
}
