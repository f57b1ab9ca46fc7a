using System.Text;

namespace BlockGraph.Drivers.Tests.Qcow2;

/// <content>The bitmaps that the image keeps.</content>
internal sealed partial class ImageAudit
{
    private const uint BitmapsExtension = 0x23852875;

    /// <summary>The bitmaps, in the order of the directory: name, flags, and the numbers of the bits that are set.</summary>
    public List<(string Name, uint Flags, List<long> Set)> Bitmaps { get; } = [];

    private void UseBitmaps()
    {
        if (U32(4) < 3 || (U64(88) & 1) == 0 || FindExtension() is not { } extension)
        {
            return;
        }

        long directory = (long)U64(extension + 16);
        long end = directory + (long)U64(extension + 8);
        Use(directory, end - directory);
        for (long at = directory; at < end;)
        {
            long table = (long)U64(at);
            uint entryCount = U32(at + 8);
            int nameBytes = (int)(U32(at + 16) & 0xffff);
            int extraBytes = (int)U32(at + 20);
            byte[] name = [.. Enumerable.Range(0, nameBytes).Select(i => Byte(at + 24 + extraBytes + i))];
            Use(table, entryCount * 8L);
            Bitmaps.Add((Encoding.UTF8.GetString(name), U32(at + 12), ReadBits(table, entryCount)));
            at += (24 + extraBytes + nameBytes + 7) & ~7;
        }

        if (Bitmaps.Count != U32(extension))
        {
            Errors.Add($"the header has {U32(extension)} bitmaps, the directory {Bitmaps.Count}");
        }
    }

    private List<long> ReadBits(long table, uint entryCount)
    {
        List<long> set = [];
        for (long i = 0; i < entryCount; i++)
        {
            long cluster = (long)(U64(table + (i * 8)) & OffsetMask);
            if (cluster == 0)
            {
                continue;
            }

            Use(cluster, ClusterBytes);
            for (long bit = 0; bit < ClusterBytes * 8; bit++)
            {
                if ((Byte(cluster + (bit / 8)) >> (int)(bit % 8) & 1) != 0)
                {
                    set.Add((i * ClusterBytes * 8) + bit);
                }
            }
        }

        return set;
    }

    // Where the data of the extension begins.
    private long? FindExtension()
    {
        long at = U32(100);
        while (at < ClusterBytes && U32(at) != 0)
        {
            if (U32(at) == BitmapsExtension)
            {
                return at + 8;
            }

            at += 8 + ((U32(at + 4) + 7) & ~7u);
        }

        return null;
    }
}
