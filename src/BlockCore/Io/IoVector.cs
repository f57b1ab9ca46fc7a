using System.Runtime.InteropServices;
using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Io;

/// <summary>
/// A scatter/gather view over the caller's memory: sixteen bytes, passed in registers, sliced without copying. The memory
/// stays the caller's and must not be touched until the request completes. <i>QEMU: QEMUIOVector.</i>
/// </summary>
public readonly struct IoVector : IEquatable<IoVector>
{
    // One segment: any Memory. Several: a slice of an IoSegments, recovered by TryGetMemoryManager.
    private readonly Memory<byte> _memory;

    /// <summary>A vector of one segment.</summary>
    public IoVector(Memory<byte> memory) => _memory = memory;

    /// <summary>A vector over <paramref name="segments"/>, in their order.</summary>
    public IoVector(IoSegments segments)
    {
        ArgumentNullException.ThrowIfNull(segments);
        _memory = segments.Memory;
    }

    /// <summary>A vector over memory that is not the runtime's.</summary>
    public IoVector(NativeSegment segment)
    {
        ArgumentNullException.ThrowIfNull(segment);
        _memory = segment.Memory;
    }

    /// <summary>The length of all segments together, in bytes.</summary>
    public int Length => _memory.Length;

    /// <summary>True where the vector is one contiguous piece of memory.</summary>
    public bool IsSingle => !MemoryMarshal.TryGetMemoryManager<byte, IoSegments>(_memory, out _);

    /// <summary>Wraps contiguous memory.</summary>
    public static implicit operator IoVector(Memory<byte> memory) => new(memory);

    /// <summary>Wraps an array.</summary>
    public static implicit operator IoVector(byte[] array) => new(array);

    /// <summary>Wraps contiguous memory.</summary>
    public static IoVector FromMemory(Memory<byte> memory) => new(memory);

    /// <summary>Wraps an array.</summary>
    public static IoVector FromArray(byte[] array) => new(array);

    /// <summary>The part of <paramref name="length"/> bytes that begins <paramref name="start"/> bytes in.</summary>
    public IoVector Slice(int start, int length) => new(_memory.Slice(start, length));

    /// <summary>The memory, where it is one contiguous piece.</summary>
    public bool TryGetSingle(out Memory<byte> memory)
    {
        memory = _memory;
        return !MemoryMarshal.TryGetMemoryManager<byte, IoSegments>(_memory, out _);
    }

    /// <summary>The contiguous pieces, in order.</summary>
    public SegmentEnumerator GetEnumerator() => new(_memory);

    /// <summary>Copies the vector's bytes to <paramref name="destination"/>, which is at least as long.</summary>
    public void CopyTo(Span<byte> destination)
    {
        int done = 0;
        foreach (Memory<byte> segment in this)
        {
            segment.Span.CopyTo(destination[done..]);
            done += segment.Length;
        }
    }

    /// <summary>Fills the vector from <paramref name="source"/>, which is exactly as long.</summary>
    public void CopyFrom(ReadOnlySpan<byte> source)
    {
        Invariant.Check(source.Length == Length);
        foreach (Memory<byte> segment in this)
        {
            source[..segment.Length].CopyTo(segment.Span);
            source = source[segment.Length..];
        }
    }

    /// <summary>Sets every byte of the vector to <paramref name="value"/>.</summary>
    public void Fill(byte value)
    {
        foreach (Memory<byte> segment in this)
        {
            segment.Span.Fill(value);
        }
    }

    /// <inheritdoc/>
    public bool Equals(IoVector other) => _memory.Equals(other._memory);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is IoVector other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => _memory.GetHashCode();

    /// <summary>True where both name the same memory.</summary>
    public static bool operator ==(IoVector left, IoVector right) => left.Equals(right);

    /// <summary>True where they name different memory.</summary>
    public static bool operator !=(IoVector left, IoVector right) => !left.Equals(right);

    /// <summary>Walks the contiguous pieces of a vector without allocating.</summary>
    public struct SegmentEnumerator
    {
        private readonly IoSegments? _segments;
        private readonly Memory<byte> _single;
        private int _skip;
        private int _left;
        private int _index;

        internal SegmentEnumerator(Memory<byte> memory)
        {
            _single = memory;
            _left = memory.Length;
            if (MemoryMarshal.TryGetMemoryManager<byte, IoSegments>(memory, out IoSegments? segments, out int start, out _))
            {
                _segments = segments;
                _skip = start;
            }
        }

        /// <summary>The piece the enumerator stands on.</summary>
        public Memory<byte> Current { get; private set; }

        /// <summary>Moves to the next non-empty piece.</summary>
        public bool MoveNext()
        {
            if (_left == 0)
            {
                return false;
            }

            if (_segments is null)
            {
                Current = _single;
                _left = 0;
                return true;
            }

            while (_skip >= _segments[_index].Length)
            {
                _skip -= _segments[_index++].Length;
            }

            Memory<byte> part = _segments[_index++][_skip..];
            _skip = 0;
            Current = part.Length > _left ? part[.._left] : part;
            _left -= Current.Length;
            return true;
        }
    }
}
