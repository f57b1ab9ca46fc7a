using System.Buffers.Binary;

namespace BlockGraph.Benchmarks;

/// <summary>
/// A qcow2 image all of whose clusters are mapped, with counts of 16 bits, written without a driver: header, refcount table and blocks, L1 table, L2 tables, and behind them the clusters, which are a
/// hole of the file. So what takes a program long is the tables, and the longest image there can be is made in seconds.
/// </summary>
internal static class MappedImage
{
    private const int HeaderBytes = 104;
    private const int PieceEntries = 1 << 16;
    private const long CopiedFlag = 1L << 63;

    /// <summary>Writes one of <paramref name="lengthBytes"/> in clusters of 2^<paramref name="clusterBits"/> bytes to <paramref name="path"/>.</summary>
    public static void Write(string path, long lengthBytes, int clusterBits)
    {
        long clusterBytes = 1L << clusterBits;
        long Clusters(long bytes) => (bytes + clusterBytes - 1) >> clusterBits;
        long data = Clusters(lengthBytes);
        long tables = Clusters(data * sizeof(long));
        long top = Clusters(tables * sizeof(long));
        long total = 1 + top + tables + data;
        long blocks = 0;
        long refcountTable = 0;
        for (long known = -1; known != total;)
        {
            known = total;
            blocks = Clusters(total * sizeof(ushort));
            refcountTable = Clusters(blocks * sizeof(long));
            total = 1 + top + tables + data + blocks + refcountTable;
        }

        long firstBlock = 1 + refcountTable;
        long firstTop = firstBlock + blocks;
        long firstTable = firstTop + top;
        using FileStream file = new(path, FileMode.Create);
        file.Write(Header(lengthBytes, clusterBits, (int)tables, firstTop, (int)refcountTable));
        WriteEntries(file, clusterBytes, blocks, i => (firstBlock + i) << clusterBits);
        file.Position = firstBlock << clusterBits;
        WriteOnes(file, total);
        WriteEntries(file, firstTop << clusterBits, tables, i => ((firstTable + i) << clusterBits) | CopiedFlag);
        WriteEntries(file, firstTable << clusterBits, data, i => ((firstTable + tables + i) << clusterBits) | CopiedFlag);
        file.SetLength(total << clusterBits);
    }

    private static byte[] Header(long lengthBytes, int clusterBits, int topEntries, long firstTop, int refcountTableClusters)
    {
        byte[] header = new byte[HeaderBytes];
        void Put32(int at, int value) => BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(at), value);
        void Put64(int at, long value) => BinaryPrimitives.WriteInt64BigEndian(header.AsSpan(at), value);
        Put32(0, 0x514649fb);
        Put32(4, 3);
        Put32(20, clusterBits);
        Put64(24, lengthBytes);
        Put32(36, topEntries);
        Put64(40, firstTop << clusterBits);
        Put64(48, 1L << clusterBits);
        Put32(56, refcountTableClusters);
        Put32(96, 4);
        Put32(100, HeaderBytes);
        return header;
    }

    private static void WriteEntries(FileStream file, long offset, long count, Func<long, long> entry)
    {
        file.Position = offset;
        byte[] piece = new byte[PieceEntries * sizeof(long)];
        for (long done = 0; done < count; done += PieceEntries)
        {
            int entries = (int)Math.Min(PieceEntries, count - done);
            for (int i = 0; i < entries; i++)
            {
                BinaryPrimitives.WriteInt64BigEndian(piece.AsSpan(i * sizeof(long)), entry(done + i));
            }

            file.Write(piece, 0, entries * sizeof(long));
        }
    }

    private static void WriteOnes(FileStream file, long count)
    {
        byte[] piece = new byte[PieceEntries * sizeof(ushort)];
        for (int i = 1; i < piece.Length; i += sizeof(ushort))
        {
            piece[i] = 1;
        }

        for (long done = 0; done < count; done += PieceEntries)
        {
            file.Write(piece, 0, (int)Math.Min(PieceEntries, count - done) * sizeof(ushort));
        }
    }
}
