using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.Tools.Io;

/// <summary>The memory of one request: contiguous, so that it can be checked and dumped, and seen as the pieces that the user asked for.</summary>
internal sealed class IoBuffer
{
    /// <summary>What a buffer holds before it is read into, so that bytes that were not read show.</summary>
    public const byte UnreadPattern = 0xab;

    /// <summary>What is written where no pattern is given.</summary>
    public const byte WritePattern = 0xcd;

    // A page suits every file that bypasses the page cache.
    private const int AlignmentBytes = 4096;

    // What the longest request leaves room for in one array.
    private const int LongestAlignmentBytes = 256;

    // As far behind a page as is wrong for every such file.
    private const int MisalignmentBytes = 16;

    private IoBuffer(Memory<byte> memory, IoVector vector)
    {
        Memory = memory;
        Vector = vector;
    }

    /// <summary>The bytes.</summary>
    public Memory<byte> Memory { get; }

    /// <summary>The bytes as the request sees them.</summary>
    public IoVector Vector { get; }

    /// <summary>Makes a buffer of one piece for each of <paramref name="lengths"/>, filled with <paramref name="pattern"/>.</summary>
    /// <param name="lengths">The lengths of the pieces, in bytes; at least one.</param>
    /// <param name="pattern">What to fill it with.</param>
    /// <param name="isMisaligned">Whether it begins where no file that bypasses the page cache can use it as it is.</param>
    /// <param name="buffer">The buffer.</param>
    /// <returns>Null, or why there is none.</returns>
    public static string? TryCreate(IReadOnlyList<long> lengths, byte pattern, bool isMisaligned, out IoBuffer buffer)
    {
        buffer = null!;
        long lengthBytes = lengths.Sum();
        Invariant.Check(lengthBytes <= IoNumbers.LengthBytesMax);
        int skippedBytes = isMisaligned ? MisalignmentBytes : 0;
        int alignmentBytes = lengthBytes <= Array.MaxLength - AlignmentBytes - skippedBytes ? AlignmentBytes : LongestAlignmentBytes;
        Memory<byte> memory;
        try
        {
            memory = AlignedBuffer.Allocate((int)lengthBytes + skippedBytes, alignmentBytes)[skippedBytes..];
        }
        catch (OutOfMemoryException)
        {
            return $"no memory for a buffer of {lengthBytes} bytes";
        }

        memory.Span.Fill(pattern);
        buffer = new IoBuffer(memory, lengths.Count == 1 ? memory : new IoVector(Split(memory, lengths)));
        return null;
    }

    private static IoSegments Split(Memory<byte> memory, IReadOnlyList<long> lengths)
    {
        Memory<byte>[] parts = new Memory<byte>[lengths.Count];
        int start = 0;
        for (int i = 0; i < parts.Length; i++)
        {
            parts[i] = memory.Slice(start, (int)lengths[i]);
            start += parts[i].Length;
        }

        return new IoSegments(parts);
    }
}
