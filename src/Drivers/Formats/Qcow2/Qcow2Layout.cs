using System.Buffers.Binary;
using BlockGraph.BlockCore.Errors;

namespace BlockGraph.Drivers.Formats.Qcow2;

/// <summary>
/// The bytes of a new image: header, refcount table, its blocks, the L1 table, one behind the other. What the guest has is nowhere yet. The L1 table is zeros, which
/// a file has where nothing was written.
/// </summary>
internal sealed class Qcow2Layout
{
    private readonly Qcow2Geometry _geometry;
    private readonly long _tableClusters;

    /// <param name="area">The first cluster, without the places of tables.</param>
    /// <param name="lengthBytesMax">For how long an image there are entries in the L1 table; null for as long as it is.</param>
    /// <param name="encryptionHeader">What is to stand in the clusters of the encryption header; empty for none.</param>
    public Qcow2Layout(Qcow2HeaderArea area, long? lengthBytesMax = null, ReadOnlyMemory<byte> encryptionHeader = default)
    {
        _geometry = area.Header.CreateGeometry();
        long topCount = _geometry.L1EntryCount(lengthBytesMax ?? area.Header.LengthBytes);
        if (topCount * sizeof(ulong) > Qcow2Geometry.L1BytesMax)
        {
            throw new BlockException(BlockErrorKind.TooLarge, "Image size too large");
        }

        long topClusters = _geometry.ClusterCount(topCount * sizeof(ulong));
        long encryptionClusters = _geometry.ClusterCount(encryptionHeader.Length);
        (_tableClusters, long blockCount) = CountRefcounts(_geometry, 1 + topClusters + encryptionClusters);
        EncryptionOffset = (1 + _tableClusters + blockCount + topClusters) << _geometry.ClusterBits;
        EncryptionHeader = encryptionHeader;
        long used = 1 + _tableClusters + blockCount + topClusters + encryptionClusters;
        LengthBytes = used << _geometry.ClusterBits;
        Head = (area with
        {
            Header = area.Header with
            {
                RefcountTableOffset = TableOffset,
                RefcountTableClusters = (int)_tableClusters,
                L1Offset = topCount == 0 ? 0 : (1 + _tableClusters + blockCount) << _geometry.ClusterBits,
                L1EntryCount = (int)topCount,
            },
            EncryptionHeader = encryptionHeader.IsEmpty ? null : (EncryptionOffset, encryptionHeader.Length),
        }).Format(out _);
        Table = new byte[_tableClusters << _geometry.ClusterBits];
        Blocks = new byte[blockCount << _geometry.ClusterBits];
        for (int i = 0; i < blockCount; i++)
        {
            BinaryPrimitives.WriteInt64BigEndian(Table.AsSpan(i * sizeof(long)), BlocksOffset + ((long)i << _geometry.ClusterBits));
        }

        RefcountBits.SetOnes(Blocks, 0, (int)used, _geometry.RefcountOrder);
    }

    /// <summary>How long the file is.</summary>
    public long LengthBytes { get; }

    /// <summary>The first cluster.</summary>
    public byte[] Head { get; }

    /// <summary>The refcount table.</summary>
    public byte[] Table { get; }

    /// <summary>Where that lies.</summary>
    public long TableOffset => _geometry.ClusterBytes;

    /// <summary>The blocks of reference counts.</summary>
    public byte[] Blocks { get; }

    /// <summary>Where these lie.</summary>
    public long BlocksOffset => (1 + _tableClusters) << _geometry.ClusterBits;

    /// <summary>The encryption header; empty for none.</summary>
    public ReadOnlyMemory<byte> EncryptionHeader { get; }

    /// <summary>Where it lies.</summary>
    public long EncryptionOffset { get; }

    /// <summary>All of the file.</summary>
    public byte[] ToArray()
    {
        byte[] image = new byte[LengthBytes];
        Head.CopyTo(image, 0);
        Table.CopyTo(image, TableOffset);
        Blocks.CopyTo(image, BlocksOffset);
        EncryptionHeader.CopyTo(image.AsMemory((int)EncryptionOffset));
        return image;
    }

    /// <summary>How many clusters the refcount table and its blocks take, which count themselves as well as <paramref name="otherClusters"/>.</summary>
    public static (long TableClusters, long BlockCount) CountRefcounts(Qcow2Geometry geometry, long otherClusters)
    {
        long tableClusters = 1;
        long blockCount = 1;
        while (true)
        {
            long blocks = (otherClusters + tableClusters + blockCount + geometry.RefcountsPerBlock - 1) / geometry.RefcountsPerBlock;
            long table = geometry.ClusterCount(blocks * sizeof(long));
            if (blocks <= blockCount && table <= tableClusters)
            {
                return (tableClusters, blockCount);
            }

            (tableClusters, blockCount) = (Math.Max(table, tableClusters), Math.Max(blocks, blockCount));
        }
    }
}
