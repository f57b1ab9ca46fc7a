using System.Buffers.Binary;
using System.Text;

namespace BlockGraph.Tools.Tests.Qcow2;

/// <summary>The bitmaps that a file has, found by a reader of its own that shares nothing with the driver.</summary>
internal static class StoredBitmaps
{
    private const uint Extension = 0x23852875;
    private const ulong OffsetMask = 0x00ff_ffff_ffff_fe00;

    /// <summary>By name: flags, and the numbers of the bits that are set.</summary>
    public static Dictionary<string, (uint Flags, List<long> Set)> Read(string fileName)
    {
        byte[] image = File.ReadAllBytes(fileName);
        Dictionary<string, (uint Flags, List<long> Set)> found = [];
        int clusterBytes = 1 << (int)U32(image, 20);
        for (long at = U32(image, 100); U32(image, at) != 0; at += 8 + ((U32(image, at + 4) + 7) & ~7u))
        {
            if (U32(image, at) == Extension)
            {
                ReadDirectory(image, (long)U64(image, at + 24), (long)U64(image, at + 16), clusterBytes, found);
            }
        }

        return found;
    }

    private static void ReadDirectory(byte[] image, long at, long lengthBytes, int clusterBytes, Dictionary<string, (uint Flags, List<long> Set)> found)
    {
        for (long end = at + lengthBytes; at < end;)
        {
            int nameBytes = (int)(U32(image, at + 16) & 0xffff);
            string name = Encoding.UTF8.GetString(image, (int)at + 24, nameBytes);
            found.Add(name, (U32(image, at + 12), ReadBits(image, (long)U64(image, at), U32(image, at + 8), clusterBytes)));
            at += (24 + nameBytes + 7) & ~7;
        }
    }

    private static List<long> ReadBits(byte[] image, long table, uint entryCount, int clusterBytes)
    {
        List<long> set = [];
        for (long bit = 0; bit < entryCount * clusterBytes * 8L; bit++)
        {
            ulong entry = U64(image, table + (bit / (clusterBytes * 8L) * 8));
            long place = (long)(entry & OffsetMask) + (bit / 8 % clusterBytes);
            if ((entry & OffsetMask) == 0 ? (entry & 1) != 0 : place < image.Length && (image[place] >> (int)(bit % 8) & 1) != 0)
            {
                set.Add(bit);
            }
        }

        return set;
    }

    private static uint U32(byte[] image, long at) => BinaryPrimitives.ReadUInt32BigEndian(image.AsSpan((int)at));

    private static ulong U64(byte[] image, long at) => BinaryPrimitives.ReadUInt64BigEndian(image.AsSpan((int)at));
}
