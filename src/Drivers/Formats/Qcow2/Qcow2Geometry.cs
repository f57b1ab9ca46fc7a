using BlockGraph.BlockCore.Errors;

namespace BlockGraph.Drivers.Formats.Qcow2;

/// <summary>The units an image is laid out in, and the arithmetic between them. Guest offsets and host offsets are never mixed: parameters say which.</summary>
internal sealed class Qcow2Geometry
{
    /// <summary>The smallest cluster: 512 bytes.</summary>
    public const int ClusterBitsMin = 9;

    /// <summary>The largest cluster: 2 MiB.</summary>
    public const int ClusterBitsMax = 21;

    /// <summary>The longest top table that is read: 32 MiB.</summary>
    public const int L1BytesMax = 32 << 20;

    /// <summary>The longest table of reference count blocks that is read: 8 MiB.</summary>
    public const int RefcountTableBytesMax = 8 << 20;

    /// <summary>Bits 9 to 55 of an entry: where its cluster lies.</summary>
    public const ulong OffsetMask = 0x00ff_ffff_ffff_fe00;

    /// <summary>Subclusters of a cluster with extended L2 entries.</summary>
    private const int ExtendedSubclusterCount = 32;

    private readonly int _l2Bits;

    public Qcow2Geometry(int clusterBits, int refcountOrder, bool hasSubclusters, bool hasDataFile)
    {
        Invariant.Check(clusterBits is >= ClusterBitsMin and <= ClusterBitsMax);
        Invariant.Check(refcountOrder is >= 0 and <= 6);
        ClusterBits = clusterBits;
        ClusterBytes = 1 << clusterBits;
        HasSubclusters = hasSubclusters;
        HasDataFile = hasDataFile;
        L2EntryBytes = hasSubclusters ? 16 : 8;
        _l2Bits = clusterBits - (hasSubclusters ? 4 : 3);
        L2EntryCount = 1 << _l2Bits;
        SubclusterCount = hasSubclusters ? ExtendedSubclusterCount : 1;
        SubclusterBytes = ClusterBytes / SubclusterCount;
        UseRefcountOrder(refcountOrder);
        CompressedOffsetBits = 62 - (clusterBits - 8);
    }

    /// <summary>A cluster has 2 to the power of this bytes.</summary>
    public int ClusterBits { get; }

    /// <summary>How long a cluster is.</summary>
    public int ClusterBytes { get; }

    /// <summary>A reference count has 2 to the power of this bits.</summary>
    public int RefcountOrder { get; private set; }

    /// <summary>The largest reference count.</summary>
    public ulong RefcountMax => RefcountOrder == 6 ? ulong.MaxValue : (1UL << (1 << RefcountOrder)) - 1;

    /// <summary>How many reference counts a block holds.</summary>
    public long RefcountsPerBlock { get; private set; }

    /// <summary>L2 entries have bitmaps of subclusters.</summary>
    public bool HasSubclusters { get; }

    /// <summary>Guest data lies in another file, each cluster where the guest has it.</summary>
    public bool HasDataFile { get; }

    /// <summary>How long an L2 entry is.</summary>
    public int L2EntryBytes { get; }

    /// <summary>How many entries an L2 table has.</summary>
    public int L2EntryCount { get; }

    /// <summary>How many subclusters a cluster has: 32, or itself.</summary>
    public int SubclusterCount { get; }

    /// <summary>In which units guest data is allocated.</summary>
    public int SubclusterBytes { get; }

    /// <summary>How many bits of a compressed cluster's descriptor are its offset.</summary>
    public int CompressedOffsetBits { get; }

    /// <summary>How many bytes of the guest an L1 entry stands for.</summary>
    public long L1SpanBytes => 1L << (ClusterBits + _l2Bits);

    /// <summary>Reference counts are of another width now.</summary>
    public void UseRefcountOrder(int order)
    {
        RefcountOrder = order;
        RefcountsPerBlock = (ClusterBytes * 8L) >> order;
    }

    /// <summary>The L1 entry of a guest offset.</summary>
    public int L1Index(long guestOffset) => (int)(guestOffset >> (ClusterBits + _l2Bits));

    /// <summary>The entry of a guest offset in its L2 table.</summary>
    public int L2Index(long guestOffset) => (int)(guestOffset >> ClusterBits) & (L2EntryCount - 1);

    /// <summary>How many L1 entries an image of this length has.</summary>
    public long L1EntryCount(long lengthBytes) => (lengthBytes >> (ClusterBits + _l2Bits)) + ((lengthBytes & (L1SpanBytes - 1)) == 0 ? 0 : 1);

    /// <summary>How far an offset lies in its cluster.</summary>
    public int InCluster(long offset) => (int)(offset & (ClusterBytes - 1));

    /// <summary>The offset where its cluster begins.</summary>
    public long ClusterStart(long offset) => offset & ~(ClusterBytes - 1L);

    /// <summary>The offset, or the next one where a cluster begins.</summary>
    public long RoundUp(long offset) => (offset + ClusterBytes - 1) & ~(ClusterBytes - 1L);

    /// <summary>How many clusters so many bytes take.</summary>
    public long ClusterCount(long lengthBytes) => RoundUp(lengthBytes) >> ClusterBits;

    /// <summary>The subcluster of a guest offset in its cluster.</summary>
    public int Subcluster(long guestOffset) => InCluster(guestOffset) / SubclusterBytes;

    /// <summary>True where a cluster begins.</summary>
    public bool IsClusterStart(long offset) => InCluster(offset) == 0;
}
