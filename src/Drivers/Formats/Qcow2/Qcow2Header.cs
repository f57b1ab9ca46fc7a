using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using BlockGraph.BlockCore.Errors;

namespace BlockGraph.Drivers.Formats.Qcow2;

/// <summary>
/// The fixed fields of the header (specification: Header). All numbers are big-endian. What <see cref="TryParse"/> returns is in range by itself; whether it
/// fits the file is seen where it is used.
/// </summary>
internal readonly record struct Qcow2Header
{
    /// <summary>The length of a version 2 header, in bytes.</summary>
    public const int SizeVersion2 = 72;

    /// <summary>The least length of a version 3 header, in bytes.</summary>
    public const int SizeVersion3 = 104;

    /// <summary>The length of a header that this driver writes: with the compression type and its padding.</summary>
    public const int Size = 112;

    /// <summary>The longest name of a backing file, in bytes.</summary>
    public const int BackingNameBytesMax = 1023;

    /// <summary>"QFI" and 0xfb.</summary>
    public const uint Magic = 0x514649fb;

    /// <summary>2 or 3.</summary>
    public required int Version { get; init; }

    /// <summary>Where the name of the backing file stands in the first cluster; 0 for none.</summary>
    public long BackingNameOffset { get; init; }

    /// <summary>The length of that name, in bytes.</summary>
    public int BackingNameBytes { get; init; }

    /// <summary>9 to 21.</summary>
    public required int ClusterBits { get; init; }

    /// <summary>The length that the guest sees, in bytes.</summary>
    public required long LengthBytes { get; init; }

    /// <summary>How guest data is encrypted.</summary>
    public Qcow2Encryption Encryption { get; init; }

    /// <summary>How many entries the active L1 table has.</summary>
    public required int L1EntryCount { get; init; }

    /// <summary>Where the active L1 table lies.</summary>
    public required long L1Offset { get; init; }

    /// <summary>Where the refcount table lies.</summary>
    public required long RefcountTableOffset { get; init; }

    /// <summary>How many clusters the refcount table takes.</summary>
    public required int RefcountTableClusters { get; init; }

    /// <summary>How many snapshots there are.</summary>
    public uint SnapshotCount { get; init; }

    /// <summary>Where the snapshot table lies.</summary>
    public ulong SnapshotsOffset { get; init; }

    /// <summary>What a reader must know.</summary>
    public Qcow2IncompatibleFeatures Incompatible { get; init; }

    /// <summary>What a reader may ignore.</summary>
    public Qcow2CompatibleFeatures Compatible { get; init; }

    /// <summary>What a writer who does not know it must clear.</summary>
    public Qcow2AutoclearFeatures Autoclear { get; init; }

    /// <summary>The binary logarithm of the width of a reference count: 0 to 6; 4 in version 2.</summary>
    public required int RefcountOrder { get; init; }

    /// <summary>How long the header is, in bytes: extensions follow.</summary>
    public required int HeaderBytes { get; init; }

    /// <summary>How clusters are compressed.</summary>
    public Qcow2Compression Compression { get; init; }

    /// <summary>The units that follow from it.</summary>
    public Qcow2Geometry CreateGeometry() => new(
        ClusterBits, RefcountOrder, (Incompatible & Qcow2IncompatibleFeatures.ExtendedL2) != 0, (Incompatible & Qcow2IncompatibleFeatures.DataFile) != 0);

    /// <summary>True where <paramref name="head"/> begins as an image does.</summary>
    public static bool HasSignature(ReadOnlySpan<byte> head) =>
        head.Length >= 8 && BinaryPrimitives.ReadUInt32BigEndian(head) == Magic && BinaryPrimitives.ReadUInt32BigEndian(head[4..]) >= 2;

    /// <summary>Reads the fields from the first bytes of a file, at least <see cref="Size"/> of them. Of unknown features it says nothing: their names may follow.</summary>
    public static bool TryParse(ReadOnlySpan<byte> bytes, out Qcow2Header header, [NotNullWhen(false)] out BlockException? refusal)
    {
        header = default;
        refusal = null;
        if (BinaryPrimitives.ReadUInt32BigEndian(bytes) != Magic)
        {
            refusal = new BlockException("Image is not in qcow2 format");
            return false;
        }

        try
        {
            header = Parse(bytes);
            return true;
        }
        catch (BlockException error)
        {
            refusal = error;
            return false;
        }
    }

    /// <summary>Writes the fields; what a version does not have is left out.</summary>
    public void WriteTo(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt32BigEndian(bytes, Magic);
        BinaryPrimitives.WriteInt32BigEndian(bytes[4..], Version);
        BinaryPrimitives.WriteInt64BigEndian(bytes[8..], BackingNameOffset);
        BinaryPrimitives.WriteInt32BigEndian(bytes[16..], BackingNameBytes);
        BinaryPrimitives.WriteInt32BigEndian(bytes[20..], ClusterBits);
        BinaryPrimitives.WriteInt64BigEndian(bytes[24..], LengthBytes);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[32..], (uint)Encryption);
        BinaryPrimitives.WriteInt32BigEndian(bytes[36..], L1EntryCount);
        BinaryPrimitives.WriteInt64BigEndian(bytes[40..], L1Offset);
        BinaryPrimitives.WriteInt64BigEndian(bytes[48..], RefcountTableOffset);
        BinaryPrimitives.WriteInt32BigEndian(bytes[56..], RefcountTableClusters);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[60..], SnapshotCount);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[64..], SnapshotsOffset);
        if (Version >= 3)
        {
            BinaryPrimitives.WriteUInt64BigEndian(bytes[72..], (ulong)Incompatible);
            BinaryPrimitives.WriteUInt64BigEndian(bytes[80..], (ulong)Compatible);
            BinaryPrimitives.WriteUInt64BigEndian(bytes[88..], (ulong)Autoclear);
            BinaryPrimitives.WriteInt32BigEndian(bytes[96..], RefcountOrder);
            BinaryPrimitives.WriteInt32BigEndian(bytes[100..], HeaderBytes);
            if (HeaderBytes > SizeVersion3)
            {
                bytes[SizeVersion3] = (byte)Compression;
            }
        }
    }

    private static Qcow2Header Parse(ReadOnlySpan<byte> bytes)
    {
        uint version = BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]);
        Require(version is 2 or 3, $"Unsupported qcow2 version {version}", BlockErrorKind.NotSupported);
        uint clusterBits = BinaryPrimitives.ReadUInt32BigEndian(bytes[20..]);
        Require(clusterBits is >= Qcow2Geometry.ClusterBitsMin and <= Qcow2Geometry.ClusterBitsMax, $"Unsupported cluster size: 2^{clusterBits}");
        int clusterBytes = 1 << (int)clusterBits;
        bool isLong = version >= 3;
        uint headerBytes = isLong ? BinaryPrimitives.ReadUInt32BigEndian(bytes[100..]) : SizeVersion2;
        Require(!isLong || headerBytes >= SizeVersion3, "qcow2 header too short");
        Require(headerBytes <= clusterBytes, "qcow2 header exceeds cluster size");
        ulong backingOffset = BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]);
        Require(backingOffset <= (ulong)clusterBytes, "Invalid backing file offset");
        uint backingBytes = backingOffset == 0 ? 0 : BinaryPrimitives.ReadUInt32BigEndian(bytes[16..]);
        Require(backingBytes <= Math.Min(BackingNameBytesMax, (ulong)clusterBytes - backingOffset), "Backing file name too long");
        uint order = isLong ? BinaryPrimitives.ReadUInt32BigEndian(bytes[96..]) : 4;
        Require(order <= 6, "Reference count entry width too large; may not exceed 64 bits");
        uint encryption = BinaryPrimitives.ReadUInt32BigEndian(bytes[32..]);
        Require(encryption <= (uint)Qcow2Encryption.Luks, $"Unsupported encryption method {encryption}");
        ulong length = BinaryPrimitives.ReadUInt64BigEndian(bytes[24..]);
        Require(length <= long.MaxValue, "Image is too big", BlockErrorKind.TooLarge);
        uint refcountClusters = BinaryPrimitives.ReadUInt32BigEndian(bytes[56..]);
        Require(refcountClusters <= Qcow2Geometry.RefcountTableBytesMax / clusterBytes, "Reference count table too large");
        long refcountOffset = TableOffset(bytes[48..], clusterBytes, (long)refcountClusters * clusterBytes, "Reference count table offset invalid");
        uint l1Count = BinaryPrimitives.ReadUInt32BigEndian(bytes[36..]);
        Require(l1Count <= Qcow2Geometry.L1BytesMax / sizeof(ulong), "Active L1 table too large", BlockErrorKind.TooLarge);
        long l1Offset = TableOffset(bytes[40..], clusterBytes, (long)l1Count * sizeof(ulong), "Active L1 table offset invalid");
        Qcow2IncompatibleFeatures incompatible = isLong ? (Qcow2IncompatibleFeatures)BinaryPrimitives.ReadUInt64BigEndian(bytes[72..]) : Qcow2IncompatibleFeatures.None;
        Require((incompatible & Qcow2IncompatibleFeatures.ExtendedL2) == 0 || clusterBits >= 14, "Extended L2 entries are only supported with cluster sizes of at least 16384 bytes");
        return new Qcow2Header
        {
            Version = (int)version,
            BackingNameOffset = (long)backingOffset,
            BackingNameBytes = (int)backingBytes,
            ClusterBits = (int)clusterBits,
            LengthBytes = (long)length,
            Encryption = (Qcow2Encryption)encryption,
            L1EntryCount = (int)l1Count,
            L1Offset = l1Offset,
            RefcountTableOffset = refcountOffset,
            RefcountTableClusters = (int)refcountClusters,
            SnapshotCount = BinaryPrimitives.ReadUInt32BigEndian(bytes[60..]),
            SnapshotsOffset = BinaryPrimitives.ReadUInt64BigEndian(bytes[64..]),
            Incompatible = incompatible,
            Compatible = isLong ? (Qcow2CompatibleFeatures)BinaryPrimitives.ReadUInt64BigEndian(bytes[80..]) : Qcow2CompatibleFeatures.None,
            Autoclear = isLong ? (Qcow2AutoclearFeatures)BinaryPrimitives.ReadUInt64BigEndian(bytes[88..]) : Qcow2AutoclearFeatures.None,
            RefcountOrder = (int)order,
            HeaderBytes = (int)headerBytes,
            Compression = ParseCompression(headerBytes > SizeVersion3 ? bytes[SizeVersion3] : (byte)0, incompatible),
        };
    }

    private static Qcow2Compression ParseCompression(byte type, Qcow2IncompatibleFeatures incompatible)
    {
        bool isMarked = (incompatible & Qcow2IncompatibleFeatures.CompressionType) != 0;
        Require(type <= (byte)Qcow2Compression.Zstd, $"qcow2: unknown compression type: {type}", BlockErrorKind.NotSupported);
        Require(type == 0 || isMarked, "qcow2: Compression type incompatible feature bit must be set");
        Require(type != 0 || !isMarked, "qcow2: Compression type incompatible feature bit must not be set");
        return (Qcow2Compression)type;
    }

    private static long TableOffset(ReadOnlySpan<byte> bytes, int clusterBytes, long tableBytes, string refusal)
    {
        ulong offset = BinaryPrimitives.ReadUInt64BigEndian(bytes);
        Require((offset & (ulong)(clusterBytes - 1)) == 0 && offset <= (ulong)(long.MaxValue - tableBytes), refusal);
        return (long)offset;
    }

    private static void Require(bool holds, string refusal, BlockErrorKind kind = BlockErrorKind.CorruptImage)
    {
        if (!holds)
        {
            throw new BlockException(kind, refusal);
        }
    }
}
