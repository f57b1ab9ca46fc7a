using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace BlockGraph.Tools.Bench;

/// <summary>What is in a block that was written to be read back: where it belongs, who wrote it and when, a checksum, and bytes that follow from those.</summary>
/// <param name="Offset">Where the block is, in bytes.</param>
/// <param name="Version">How many times it has been written, this time included.</param>
/// <param name="Writer">Who wrote it.</param>
/// <param name="IsZero">True where it was zeroed instead.</param>
internal readonly record struct VerifyStamp(long Offset, long Version, int Writer, bool IsZero)
{
    /// <summary>The shortest block, in bytes; every one is a multiple of <see cref="UnitBytes"/>.</summary>
    public const int BlockBytesMin = 64;

    /// <summary>What a block is made of, in bytes.</summary>
    public const int UnitBytes = sizeof(ulong);

    // "BGVERIFY", then words: offset, version, writer, checksum, and what follows from them.
    private const ulong Magic = 0x5946495245564742;
    private const int OffsetWord = 1;
    private const int VersionWord = 2;
    private const int WriterWord = 3;
    private const int ChecksumWord = 4;
    private const int FirstFreeWord = 5;

    /// <summary>Makes <paramref name="block"/> what was written.</summary>
    public void Fill(Span<byte> block)
    {
        if (IsZero)
        {
            block.Clear();
            return;
        }

        Span<ulong> words = MemoryMarshal.Cast<byte, ulong>(block);
        words[0] = Magic;
        words[OffsetWord] = (ulong)Offset;
        words[VersionWord] = (ulong)Version;
        words[WriterWord] = (ulong)Writer;
        ulong seed = Mix(Mix(Mix((ulong)Offset) ^ (ulong)Version) ^ (ulong)Writer);
        for (int i = FirstFreeWord; i < words.Length; i++)
        {
            words[i] = Mix(seed ^ (ulong)i);
        }

        words[ChecksumWord] = Checksum(block);
    }

    /// <summary>What is the matter with <paramref name="actual"/> where this stamp should be.</summary>
    public string Explain(ReadOnlySpan<byte> actual)
    {
        byte[] expected = new byte[actual.Length];
        Fill(expected);
        string wanted = IsZero ? $"zeros (version {Version} of writer {Writer})" : $"version {Version} of writer {Writer}";
        return $"verify: the block of {actual.Length} bytes at offset {Offset} is wrong from byte {actual.CommonPrefixLength(expected)} on: expected {wanted}, found {Describe(actual)}";
    }

    private static string Describe(ReadOnlySpan<byte> block)
    {
        if (block.IndexOfAnyExcept((byte)0) < 0)
        {
            return "zeros";
        }

        if (Word(block, 0) != Magic)
        {
            return "no stamp";
        }

        string stamp = $"version {Word(block, VersionWord)} of writer {Word(block, WriterWord)} for offset {Word(block, OffsetWord)}";
        return Word(block, ChecksumWord) == Checksum(block) ? stamp : stamp + " with a wrong checksum";
    }

    private static ulong Word(ReadOnlySpan<byte> block, int index) => BinaryPrimitives.ReadUInt64LittleEndian(block[(index * UnitBytes)..]);

    // Of every word but its own.
    private static ulong Checksum(ReadOnlySpan<byte> block)
    {
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(block);
        ulong sum = 0;
        for (int i = 0; i < words.Length; i++)
        {
            sum = i == ChecksumWord ? sum : Mix(sum ^ words[i]);
        }

        return sum;
    }

    private static ulong Mix(ulong value)
    {
        unchecked
        {
            value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
            value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
            return (value ^ (value >> 31)) + 0x9E3779B97F4A7C15;
        }
    }
}
