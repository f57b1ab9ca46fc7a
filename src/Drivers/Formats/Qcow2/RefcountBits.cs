using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace BlockGraph.Drivers.Formats.Qcow2;

/// <summary>Reference counts in a piece of a block (specification: Refcount block entry): 1 to 64 bits each; narrower than a byte, the lowest bits come first.</summary>
internal static class RefcountBits
{
    /// <summary>The count at <paramref name="index"/>.</summary>
    public static ulong Get(ReadOnlySpan<byte> bytes, int index, int order) => order switch
    {
        6 => BinaryPrimitives.ReadUInt64BigEndian(bytes[(index * 8)..]),
        5 => BinaryPrimitives.ReadUInt32BigEndian(bytes[(index * 4)..]),
        4 => BinaryPrimitives.ReadUInt16BigEndian(bytes[(index * 2)..]),
        3 => bytes[index],
        _ => (ulong)(bytes[index >> (3 - order)] >> ShiftOf(index, order)) & MaskOf(order),
    };

    /// <summary>Sets the count at <paramref name="index"/>, which fits.</summary>
    public static void Set(Span<byte> bytes, int index, int order, ulong value)
    {
        switch (order)
        {
            case 6:
                BinaryPrimitives.WriteUInt64BigEndian(bytes[(index * 8)..], value);
                break;
            case 5:
                BinaryPrimitives.WriteUInt32BigEndian(bytes[(index * 4)..], (uint)value);
                break;
            case 4:
                BinaryPrimitives.WriteUInt16BigEndian(bytes[(index * 2)..], (ushort)value);
                break;
            case 3:
                bytes[index] = (byte)value;
                break;
            default:
                int shift = ShiftOf(index, order);
                int at = index >> (3 - order);
                bytes[at] = (byte)((bytes[at] & ~((int)MaskOf(order) << shift)) | ((int)value << shift));
                break;
        }
    }

    /// <summary>Sets <paramref name="count"/> counts from <paramref name="index"/> on to 1.</summary>
    public static void SetOnes(Span<byte> bytes, int index, int count, int order)
    {
        if (order == 4)
        {
            MemoryMarshal.Cast<byte, ushort>(bytes).Slice(index, count).Fill(BitConverter.IsLittleEndian ? (ushort)0x100 : (ushort)1);
            return;
        }

        for (int i = index; i < index + count; i++)
        {
            Set(bytes, i, order, 1);
        }
    }

    /// <summary>Sets <paramref name="count"/> counts from <paramref name="index"/> on to 0.</summary>
    public static void SetZeros(Span<byte> bytes, int index, int count, int order)
    {
        if (order >= 3)
        {
            bytes.Slice(index << (order - 3), count << (order - 3)).Clear();
            return;
        }

        for (int i = index; i < index + count; i++)
        {
            Set(bytes, i, order, 0);
        }
    }

    /// <summary>How many counts from <paramref name="index"/> on, of at most <paramref name="countMax"/>, are 1.</summary>
    public static int OnesRun(ReadOnlySpan<byte> bytes, int index, int countMax, int order)
    {
        if (order == 4)
        {
            int other = MemoryMarshal.Cast<byte, ushort>(bytes).Slice(index, countMax).IndexOfAnyExcept(BitConverter.IsLittleEndian ? (ushort)0x100 : (ushort)1);
            return other < 0 ? countMax : other;
        }

        int count = 0;
        while (count < countMax && Get(bytes, index + count, order) == 1)
        {
            count++;
        }

        return count;
    }

    /// <summary>The first index from <paramref name="index"/> on whose count is 0; <paramref name="count"/> where there is none.</summary>
    public static int IndexOfFree(ReadOnlySpan<byte> bytes, int index, int count, int order)
    {
        if (order == 4)
        {
            int found = MemoryMarshal.Cast<byte, ushort>(bytes)[index..count].IndexOf((ushort)0);
            return found < 0 ? count : index + found;
        }

        while (index < count && Get(bytes, index, order) != 0)
        {
            index++;
        }

        return index;
    }

    /// <summary>The first index from <paramref name="index"/> on whose count is not 0; <paramref name="count"/> where there is none.</summary>
    public static int IndexOfUsed(ReadOnlySpan<byte> bytes, int index, int count, int order)
    {
        // Most of a block is zeros: whole bytes of them are passed over at once.
        while (index < count && Get(bytes, index, order) == 0)
        {
            index++;
            long bit = (long)index << order;
            if ((bit & 7) == 0)
            {
                int first = (int)(bit >> 3);
                int end = (int)((((long)count << order) + 7) >> 3);
                int zeros = bytes[first..end].IndexOfAnyExcept((byte)0);
                index = zeros < 0 ? count : (int)((first + (long)zeros) << 3 >> order);
            }
        }

        return Math.Min(index, count);
    }

    /// <summary>The last index before <paramref name="end"/> whose count is not 0; -1 where there is none.</summary>
    public static int LastIndexOfUsed(ReadOnlySpan<byte> bytes, int end, int order)
    {
        int index = end - 1;
        while (index >= 0 && Get(bytes, index, order) == 0)
        {
            long bit = (long)index << order;
            if ((bit & 7) != 0)
            {
                index--;
                continue;
            }

            // The count that has the last bit of the last byte before it that is not zero.
            int used = bytes[..(int)(bit >> 3)].LastIndexOfAnyExcept((byte)0);
            index = (int)((((long)used << 3) | 7) >> order);
        }

        return index;
    }

    /// <summary>How many counts from <paramref name="index"/> on, of at most <paramref name="countMax"/>, are 0.</summary>
    public static int FreeRun(ReadOnlySpan<byte> bytes, int index, int countMax, int order) => IndexOfUsed(bytes, index, index + countMax, order) - index;

    private static int ShiftOf(int index, int order) => (index & ((8 >> order) - 1)) << order;

    private static ulong MaskOf(int order) => (1UL << (1 << order)) - 1;
}
