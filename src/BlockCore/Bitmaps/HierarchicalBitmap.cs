using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Bitmaps;

/// <summary>
/// Bits under a pyramid: a bit of a level says whether the word below it has any bit set, so that what is set is found in a few steps however rare it is.
/// Not synchronised. <i>QEMU: HBitmap.</i>
/// </summary>
/// <remarks>
/// Invariants: (1) a bit above the lowest level is set where the word that it stands for is not zero, and only there; (2) bits beyond the end are zero;
/// (3) <see cref="SetCount"/> is the number of bits that are set.
/// <code>
///  level 2   ....1
///  level 1   ..1.. .1...          a word of the level below a bit
///  level 0   1..1. ..... ...11    the bits themselves
/// </code>
/// </remarks>
public sealed class HierarchicalBitmap
{
    /// <summary>The longest bitmap, in bits: its lowest level takes 512 MiB.</summary>
    public const long BitCountMax = 1L << 32;

    private const int WordBits = 64;
    private const int WordShift = 6;

    private ulong[][] _levels;

    /// <summary>Makes one of <paramref name="bitCount"/> bits, none of them set.</summary>
    public HierarchicalBitmap(long bitCount)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bitCount);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bitCount, BitCountMax);
        BitCount = bitCount;
        _levels = CreateLevels(bitCount);
    }

    /// <summary>How many bits there are.</summary>
    public long BitCount { get; private set; }

    /// <summary>How many of them are set.</summary>
    public long SetCount { get; private set; }

    /// <summary>True where bit <paramref name="bit"/> is set.</summary>
    public bool this[long bit]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfNegative(bit);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(bit, BitCount);
            return (_levels[0][bit >> WordShift] >> (int)(bit & (WordBits - 1)) & 1) != 0;
        }
    }

    /// <summary>Sets <paramref name="count"/> bits from <paramref name="start"/> on; true where any of them was not set.</summary>
    public bool SetRange(long start, long count) => ChangeRange(start, count, isSet: true);

    /// <summary>Resets <paramref name="count"/> bits from <paramref name="start"/> on; true where any of them was set.</summary>
    public bool ResetRange(long start, long count) => ChangeRange(start, count, isSet: false);

    /// <summary>The first bit from <paramref name="from"/> on, and before <paramref name="end"/>, that is set; -1 where there is none.</summary>
    public long NextSet(long from, long end)
    {
        Check(from, end);
        long bit = FindSet(from, end);
        return bit < end ? bit : -1;
    }

    /// <summary>The first bit from <paramref name="from"/> on, and before <paramref name="end"/>, that is not set; -1 where there is none.</summary>
    public long NextClear(long from, long end)
    {
        Check(from, end);
        long bit = FindClear(from, end);
        return bit < end ? bit : -1;
    }

    /// <summary>The first run of bits that are set from <paramref name="from"/> on, before <paramref name="end"/>, at most <paramref name="countMax"/> of them; false where none is.</summary>
    public bool TryFindRun(long from, long end, long countMax, out long start, out long count)
    {
        Check(from, end);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(countMax);
        start = FindSet(from, end);
        count = start >= end ? 0 : FindClear(start, countMax < end - start ? start + countMax : end) - start;
        return count > 0;
    }

    /// <summary>Sets what is set in <paramref name="other"/>, which is as long; true where that was not set here.</summary>
    public bool MergeFrom(HierarchicalBitmap other)
    {
        ArgumentNullException.ThrowIfNull(other);
        ArgumentOutOfRangeException.ThrowIfNotEqual(other.BitCount, BitCount, nameof(other));
        long before = SetCount;
        for (int level = 0; level < _levels.Length; level++)
        {
            ulong[] words = _levels[level];
            ulong[] more = other._levels[level];
            for (int i = 0; i < words.Length; i++)
            {
                ulong added = more[i] & ~words[i];
                if (added != 0)
                {
                    words[i] |= added;
                    SetCount += level == 0 ? BitOperations.PopCount(added) : 0;
                }
            }
        }

        return SetCount != before;
    }

    /// <summary>Gives it another length: bits that it grows by are not set.</summary>
    public void Resize(long bitCount)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bitCount);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bitCount, BitCountMax);
        if (bitCount == BitCount)
        {
            return;
        }

        if (bitCount < BitCount)
        {
            ResetRange(bitCount, BitCount - bitCount);
        }

        ulong[][] old = _levels;
        _levels = CreateLevels(bitCount);
        Array.Copy(old[0], _levels[0], Math.Min(old[0].Length, _levels[0].Length));
        BitCount = bitCount;
        RefreshAbove(0, _levels[0].Length);
    }

    /// <summary>Writes bits from <paramref name="startBit"/> on, a multiple of 64, as a file has them: bit n is bit n modulo 8 of byte n / 8. What lies beyond the end is zero.</summary>
    /// <returns>True where any of them is set.</returns>
    public bool Serialise(long startBit, Span<byte> bytes)
    {
        CheckSerial(startBit, bytes.Length);
        ulong[] words = _levels[0];
        bytes.Clear();
        ulong any = 0;
        int first = (int)(startBit >> WordShift);
        for (int i = 0; i < bytes.Length / sizeof(ulong) && first + i < words.Length; i++)
        {
            ulong word = words[first + i];
            any |= word;
            if (word != 0)
            {
                BinaryPrimitives.WriteUInt64LittleEndian(bytes[(i * sizeof(ulong))..], word);
            }
        }

        return any != 0;
    }

    /// <summary>Replaces bits from <paramref name="startBit"/> on, a multiple of 64, by what <see cref="Serialise"/> wrote. What lies beyond the end is left out.</summary>
    public void Deserialise(long startBit, ReadOnlySpan<byte> bytes)
    {
        CheckSerial(startBit, bytes.Length);
        ulong[] words = _levels[0];
        int first = (int)(startBit >> WordShift);
        int end = (int)Math.Min((long)first + (bytes.Length / sizeof(ulong)), words.Length);
        for (int i = first; i < end; i++)
        {
            ulong word = BinaryPrimitives.ReadUInt64LittleEndian(bytes[((i - first) * sizeof(ulong))..]);
            if (i == words.Length - 1)
            {
                word &= MaskBelow((int)((BitCount - 1) & (WordBits - 1)) + 1);
            }

            SetCount += BitOperations.PopCount(word) - BitOperations.PopCount(words[i]);
            words[i] = word;
        }

        if (first < end)
        {
            RefreshAbove(first, end);
        }
    }

    private static ulong[][] CreateLevels(long bitCount)
    {
        List<ulong[]> levels = [];
        long bits = bitCount;
        do
        {
            bits = (bits + WordBits - 1) >> WordShift;
            levels.Add(new ulong[bits]);
        }
        while (bits > 1);
        return [.. levels];
    }

    private bool ChangeRange(long start, long count, bool isSet)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, BitCount - start);
        if (count == 0)
        {
            return false;
        }

        ulong[] words = _levels[0];
        int first = (int)(start >> WordShift);
        int last = (int)((start + count - 1) >> WordShift);
        long before = SetCount;
        for (int i = first; i <= last; i++)
        {
            int from = i == first ? (int)(start & (WordBits - 1)) : 0;
            int to = i == last ? (int)((start + count - 1) & (WordBits - 1)) + 1 : WordBits;
            ulong mask = MaskBelow(to) & ~MaskBelow(from);
            ulong changed = (isSet ? ~words[i] : words[i]) & mask;
            if (changed != 0)
            {
                words[i] ^= changed;
                SetCount += isSet ? BitOperations.PopCount(changed) : -BitOperations.PopCount(changed);
            }
        }

        if (SetCount == before)
        {
            return false;
        }

        RefreshAbove(first, last + 1);
        return true;
    }

    // The words from `first` to `end` of the lowest level are others: so may be what stands above them.
    private void RefreshAbove(int first, int end)
    {
        for (int level = 1; level < _levels.Length; level++)
        {
            ulong[] below = _levels[level - 1];
            ulong[] words = _levels[level];
            for (int i = first; i < end; i++)
            {
                ulong bit = 1UL << (i & (WordBits - 1));
                words[i >> WordShift] = below[i] != 0 ? words[i >> WordShift] | bit : words[i >> WordShift] & ~bit;
            }

            first >>= WordShift;
            end = (end + WordBits - 1) >> WordShift;
        }
    }

    // From the word up to the level where something follows, and down again.
    private long FindSet(long from, long end)
    {
        if (from >= end)
        {
            return end;
        }

        long at = from;
        for (int level = 0; level < _levels.Length; level++)
        {
            ulong[] words = _levels[level];
            long index = at >> WordShift;
            if (index >= words.Length)
            {
                return end;
            }

            ulong word = words[index] & ~MaskBelow((int)(at & (WordBits - 1)));
            if (word != 0)
            {
                return Math.Min(Descend(level, (index << WordShift) + BitOperations.TrailingZeroCount(word)), end);
            }

            at = index + 1;
        }

        return end;
    }

    private long Descend(int level, long at)
    {
        while (level > 0)
        {
            level--;
            at = (at << WordShift) + BitOperations.TrailingZeroCount(_levels[level][at]);
        }

        return at;
    }

    private long FindClear(long from, long end)
    {
        if (from >= end)
        {
            return end;
        }

        ReadOnlySpan<ulong> words = _levels[0];
        int index = (int)(from >> WordShift);
        ulong clear = ~words[index] & ~MaskBelow((int)(from & (WordBits - 1)));
        if (clear == 0)
        {
            int more = words[(index + 1)..].IndexOfAnyExcept(ulong.MaxValue);
            if (more < 0)
            {
                return end;
            }

            index += 1 + more;
            clear = ~words[index];
        }

        return Math.Min(((long)index << WordShift) + BitOperations.TrailingZeroCount(clear), end);
    }

    private void Check(long from, long end)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(from);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(from, end);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(end, BitCount);
    }

    private static void CheckSerial(long startBit, int byteCount)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(startBit);
        Invariant.Check((startBit & (WordBits - 1)) == 0);
        Invariant.Check(byteCount % sizeof(ulong) == 0);
    }

    // The bits below bit `bit`, of which there may be 64.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong MaskBelow(int bit) => bit == WordBits ? ulong.MaxValue : (1UL << bit) - 1;
}
