using System.Buffers.Binary;
using System.Text;
using BlockGraph.BlockCore.Errors;

namespace BlockGraph.Drivers.Formats.Qcow2.Bitmaps;

/// <summary>One entry of the directory of bitmaps (specification: Bitmap directory).</summary>
internal readonly record struct BitmapDirectoryEntry
{
    /// <summary>How long a name is at most, in bytes.</summary>
    public const int NameBytesMax = 1023;

    /// <summary>The binary logarithm of the largest granularity.</summary>
    public const int GranularityBitsMax = 31;

    /// <summary>How long a bitmap is at most, in bytes: 512 MiB.</summary>
    public const long BitmapBytesMax = 512L << 20;

    /// <summary>A flag: the bitmap was not stored since something was written, and may lack that.</summary>
    public const uint InUse = 1;

    /// <summary>A flag: the bitmap follows writes.</summary>
    public const uint Auto = 2;

    /// <summary>The only type there is: of a bitmap that says what was written.</summary>
    public const byte DirtyTracking = 1;

    private const int HeadBytes = 24;
    private const int GranularityBitsMin = 9;

    // Who does not know the extra data may use the bitmap all the same.
    private const uint ExtraDataCompatible = 4;
    private const uint KnownFlags = InUse | Auto | ExtraDataCompatible;

    /// <summary>The bits of an entry of a bitmap's table that must be zero.</summary>
    public const ulong ReservedTableBits = 0xff00_0000_0000_01fe;

    /// <summary>Where its table lies.</summary>
    public required ulong TableOffset { get; init; }

    /// <summary>How many entries its table has.</summary>
    public required uint TableEntryCount { get; init; }

    /// <summary>What it is for, bit by bit.</summary>
    public required uint Flags { get; init; }

    /// <summary>What kind of bitmap it is.</summary>
    public required byte Type { get; init; }

    /// <summary>A bit stands for 2 to the power of this bytes of the guest.</summary>
    public required byte GranularityBits { get; init; }

    /// <summary>Its name, in UTF-8.</summary>
    public required ReadOnlyMemory<byte> NameBytes { get; init; }

    /// <summary>What nobody here knows, kept as it is.</summary>
    public ReadOnlyMemory<byte> ExtraData { get; init; }

    /// <summary>Its name.</summary>
    public string Name => Encoding.UTF8.GetString(NameBytes.Span);

    /// <summary>What it says cannot be relied upon, or not be understood.</summary>
    public bool IsUnusable => (Flags & InUse) != 0 || (!ExtraData.IsEmpty && (Flags & ExtraDataCompatible) == 0);

    /// <summary>How long the entry is, in bytes.</summary>
    public int TotalBytes => (HeadBytes + ExtraData.Length + NameBytes.Length + 7) & ~7;

    /// <summary>How long the entry of a bitmap called <paramref name="name"/> is, in bytes.</summary>
    public static int MeasureBytes(string name) => (HeadBytes + Encoding.UTF8.GetByteCount(name) + 7) & ~7;

    /// <summary>How long the table is, in bytes.</summary>
    public long TableBytes => (long)TableEntryCount * sizeof(ulong);

    /// <summary>Reads a whole directory.</summary>
    /// <exception cref="BlockException">It is none, or has a bitmap that cannot be right.</exception>
    public static List<BitmapDirectoryEntry> ParseAll(ReadOnlySpan<byte> directory, int count, Qcow2Geometry geometry, long lengthBytes)
    {
        List<BitmapDirectoryEntry> entries = [];
        while (!directory.IsEmpty)
        {
            BitmapDirectoryEntry entry = Parse(directory, out int entryBytes);
            Require(entry.Satisfies(geometry, lengthBytes), $"Bitmap '{entry.Name}' doesn't satisfy the constraints");
            Require(entries.Count < count, "More bitmaps found than specified in header extension");
            entries.Add(entry);
            directory = directory[entryBytes..];
        }

        Require(entries.Count == count, "Less bitmaps found than specified in header extension");
        return entries;
    }

    /// <summary>Writes the entry, of <see cref="TotalBytes"/>.</summary>
    public void WriteTo(Span<byte> bytes)
    {
        bytes.Clear();
        BinaryPrimitives.WriteUInt64BigEndian(bytes, TableOffset);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[8..], TableEntryCount);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[12..], Flags);
        bytes[16] = Type;
        bytes[17] = GranularityBits;
        BinaryPrimitives.WriteUInt16BigEndian(bytes[18..], (ushort)NameBytes.Length);
        BinaryPrimitives.WriteInt32BigEndian(bytes[20..], ExtraData.Length);
        ExtraData.Span.CopyTo(bytes[HeadBytes..]);
        NameBytes.Span.CopyTo(bytes[(HeadBytes + ExtraData.Length)..]);
    }

    private static BitmapDirectoryEntry Parse(ReadOnlySpan<byte> bytes, out int entryBytes)
    {
        const string Broken = "Broken bitmap directory";
        Require(bytes.Length >= HeadBytes, Broken);
        uint extraBytes = BinaryPrimitives.ReadUInt32BigEndian(bytes[20..]);
        int nameBytes = BinaryPrimitives.ReadUInt16BigEndian(bytes[18..]);
        long length = (HeadBytes + (long)extraBytes + nameBytes + 7) & ~7L;
        Require(extraBytes <= (uint)bytes.Length, "Bitmap extra data is not supported");
        Require(nameBytes is > 0 and <= NameBytesMax && length <= bytes.Length, Broken);
        entryBytes = (int)length;
        return new BitmapDirectoryEntry
        {
            TableOffset = BinaryPrimitives.ReadUInt64BigEndian(bytes),
            TableEntryCount = BinaryPrimitives.ReadUInt32BigEndian(bytes[8..]),
            Flags = BinaryPrimitives.ReadUInt32BigEndian(bytes[12..]),
            Type = bytes[16],
            GranularityBits = bytes[17],
            ExtraData = bytes.Slice(HeadBytes, (int)extraBytes).ToArray(),
            NameBytes = bytes.Slice(HeadBytes + (int)extraBytes, nameBytes).ToArray(),
        };
    }

    // The image may have become longer since a bitmap in use was stored.
    private bool Satisfies(Qcow2Geometry geometry, long lengthBytes)
    {
        long bitmapBytes = (long)TableEntryCount << geometry.ClusterBits;
        return TableEntryCount > 0
            && TableOffset is > 0 and <= Qcow2Geometry.OffsetMask
            && geometry.IsClusterStart((long)TableOffset)
            && bitmapBytes <= BitmapBytesMax
            && GranularityBits is >= GranularityBitsMin and <= GranularityBitsMax
            && (Flags & ~KnownFlags) == 0
            && Type == DirtyTracking
            && ((Flags & InUse) != 0 || lengthBytes <= (Int128)(bitmapBytes * 8) << GranularityBits);
    }

    private static void Require(bool holds, string refusal)
    {
        if (!holds)
        {
            throw new BlockException(BlockErrorKind.CorruptImage, refusal);
        }
    }
}
