using System.Buffers.Binary;
using System.Numerics;

namespace BlockGraph.Drivers.Formats.Qcow2;

/// <summary>What an L2 entry says of one subcluster.</summary>
internal enum SubclusterKind
{
    /// <summary>Nothing: the backing node shows.</summary>
    Unallocated,

    /// <summary>It reads as zeros.</summary>
    Zero,

    /// <summary>Its bytes are in the entry's cluster.</summary>
    Data,

    /// <summary>Its cluster is compressed.</summary>
    Compressed,

    /// <summary>It says that it has data and that it is zeros, or has data nowhere.</summary>
    Invalid,
}

/// <summary>
/// One entry of an L2 table (specification: Cluster mapping, Extended L2 Entries). A plain entry is read as one of a single subcluster, so that
/// nobody else has to tell the two apart.
/// </summary>
/// <param name="Descriptor">The first 64 bits; of a plain entry without the zero flag.</param>
/// <param name="Bitmap">Bit n: subcluster n has data; bit 32 + n: it reads as zeros. 0 of a compressed cluster.</param>
internal readonly record struct L2Entry(ulong Descriptor, ulong Bitmap)
{
    /// <summary>The reference count of the cluster is exactly one: it may be written in place.</summary>
    public const ulong CopiedFlag = 1UL << 63;

    /// <summary>The cluster is compressed.</summary>
    public const ulong CompressedFlag = 1UL << 62;

    /// <summary>Without subclusters: the cluster reads as zeros.</summary>
    public const ulong ZeroFlag = 1;

    private const ulong PlainZero = 1UL << 32;

    /// <summary>Nothing is there.</summary>
    public static L2Entry Unallocated => default;

    /// <summary>True where the entry says nothing.</summary>
    public bool IsEmpty => Descriptor == 0 && Bitmap == 0;

    /// <summary>The cluster is compressed.</summary>
    public bool IsCompressed => (Descriptor & CompressedFlag) != 0;

    /// <summary>The cluster belongs to this entry alone.</summary>
    public bool IsCopied => (Descriptor & CopiedFlag) != 0;

    /// <summary>Where the cluster lies, of one that is not compressed; 0 for nowhere.</summary>
    public long HostOffset => (long)(Descriptor & Qcow2Geometry.OffsetMask);

    /// <summary>A cluster is taken, whatever it holds. Of an external data file the first one lies at 0.</summary>
    public bool HasCluster => !IsCompressed && (HostOffset != 0 || IsCopied);

    /// <summary>The bits that have no meaning are not all zero.</summary>
    public bool HasReservedBits => !IsCompressed && (Descriptor & ~(Qcow2Geometry.OffsetMask | CopiedFlag)) != 0;

    /// <summary>What the entry says of a subcluster.</summary>
    public SubclusterKind KindOf(int subcluster)
    {
        ulong bits = (Bitmap >> subcluster) & 0x1_0000_0001;
        return IsCompressed ? SubclusterKind.Compressed
            : bits == 0 ? SubclusterKind.Unallocated
            : bits == 1 ? (HasCluster ? SubclusterKind.Data : SubclusterKind.Invalid)
            : bits == PlainZero ? SubclusterKind.Zero
            : SubclusterKind.Invalid;
    }

    /// <summary>How many subclusters from <paramref name="subcluster"/> on, of <paramref name="count"/>, are of one kind with it.</summary>
    public int RunOf(int subcluster, int count)
    {
        if (IsCompressed)
        {
            return count - subcluster;
        }

        uint data = DataBits >> subcluster;
        uint zero = (uint)(Bitmap >> 32) >> subcluster;
        uint changes = ((data & 1) == 0 ? data : ~data) | ((zero & 1) == 0 ? zero : ~zero);
        return Math.Min(BitOperations.TrailingZeroCount(changes), count - subcluster);
    }

    /// <summary>True where any subcluster has data here.</summary>
    public bool HasData => IsCompressed || DataBits != 0;

    /// <summary>The first subcluster that has data here, of those where any has.</summary>
    public int FirstData => IsCompressed ? 0 : BitOperations.TrailingZeroCount(DataBits);

    /// <summary>Behind the last of <paramref name="count"/> subclusters that has data here.</summary>
    public int DataEnd(int count) => IsCompressed ? count : 32 - BitOperations.LeadingZeroCount(DataBits);

    /// <summary>True where any subcluster is said to have data and to be zeros, or to have data nowhere.</summary>
    public bool IsContradictory => !IsCompressed && ((DataBits & (uint)(Bitmap >> 32)) != 0 || (DataBits != 0 && !HasCluster));

    private uint DataBits => (uint)(Bitmap & uint.MaxValue);

    /// <summary>The same with <paramref name="count"/> subclusters from <paramref name="first"/> on as data, in the cluster at <paramref name="hostOffset"/>, which is its own.</summary>
    public L2Entry WithData(long hostOffset, int first, int count)
    {
        ulong mask = MaskOf(first, count);
        ulong bitmap = IsCompressed ? 0 : Bitmap;
        return new L2Entry((ulong)hostOffset | CopiedFlag, (bitmap | mask) & ~(mask << 32));
    }

    /// <summary>The same with subclusters that read as zeros, in the cluster that is there or not.</summary>
    public L2Entry WithZeros(int first, int count)
    {
        ulong mask = MaskOf(first, count);
        return this with { Bitmap = (Bitmap & ~mask) | (mask << 32) };
    }

    /// <summary>The same without a cluster; what it had there must not be data any more.</summary>
    public L2Entry WithoutCluster() => new(0, Bitmap & ~(ulong)uint.MaxValue);

    /// <summary>The same, with the mark of a cluster that is its own or without it.</summary>
    public L2Entry WithCopied(bool isCopied) => this with { Descriptor = isCopied ? Descriptor | CopiedFlag : Descriptor & ~CopiedFlag };

    /// <summary>An entry of a compressed cluster.</summary>
    public static L2Entry OfCompressed(ulong descriptor) => new(descriptor | CompressedFlag, 0);

    /// <summary>Reads the entry at the start of <paramref name="bytes"/>.</summary>
    public static L2Entry Read(ReadOnlySpan<byte> bytes, Qcow2Geometry geometry)
    {
        ulong descriptor = BinaryPrimitives.ReadUInt64BigEndian(bytes);
        if ((descriptor & (CompressedFlag | Qcow2Geometry.OffsetMask)) == 0 && !geometry.HasDataFile)
        {
            // Nothing of the guest lies where the header does: the mark means nothing.
            descriptor &= ~CopiedFlag;
        }

        if (geometry.HasSubclusters)
        {
            return new L2Entry(descriptor, BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]));
        }

        return (descriptor & CompressedFlag) != 0 ? new L2Entry(descriptor, 0)
            : (descriptor & ZeroFlag) != 0 ? new L2Entry(descriptor & ~ZeroFlag, PlainZero)
            : new L2Entry(descriptor, (descriptor & (Qcow2Geometry.OffsetMask | CopiedFlag)) == 0 ? 0UL : 1UL);
    }

    /// <summary>Writes the entry to the start of <paramref name="bytes"/>.</summary>
    public void WriteTo(Span<byte> bytes, Qcow2Geometry geometry)
    {
        BinaryPrimitives.WriteUInt64BigEndian(bytes, geometry.HasSubclusters || IsCompressed || Bitmap != PlainZero ? Descriptor : Descriptor | ZeroFlag);
        if (geometry.HasSubclusters)
        {
            BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], Bitmap);
        }
    }

    /// <summary>The bits of <paramref name="count"/> subclusters.</summary>
    private static ulong MaskOf(int first, int count) => (count == 32 ? uint.MaxValue : (1UL << count) - 1) << first;
}
