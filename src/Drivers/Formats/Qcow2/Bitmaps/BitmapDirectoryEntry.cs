using System.Buffers.Binary;
using System.Text;
using BlockGraph.BlockCore.Errors;

namespace BlockGraph.Drivers.Formats.Qcow2.Bitmaps;

/// <summary>One entry of the directory of bitmaps (specification: Bitmap directory).</summary>
internal readonly record struct BitmapDirectoryEntry
{
    private const int HeadBytes = 24;
    private const int NameBytesMax = 1023;
    private const int GranularityBitsMin = 9;
    private const int GranularityBitsMax = 31;
    private const uint KnownFlags = 3;
    private const byte DirtyTracking = 1;

    // So many bytes of a bitmap are read at most: 512 MiB.
    private const long BitmapBytesMax = 512L << 20;

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

    /// <summary>Its name.</summary>
    public required string Name { get; init; }

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

    private static BitmapDirectoryEntry Parse(ReadOnlySpan<byte> bytes, out int entryBytes)
    {
        const string Broken = "Broken bitmap directory";
        Require(bytes.Length >= HeadBytes, Broken);
        uint extraBytes = BinaryPrimitives.ReadUInt32BigEndian(bytes[20..]);
        int nameBytes = BinaryPrimitives.ReadUInt16BigEndian(bytes[18..]);
        long length = (HeadBytes + (long)extraBytes + nameBytes + 7) & ~7L;
        Require(extraBytes <= (uint)bytes.Length, "Bitmap extra data is not supported");
        Require(nameBytes is > 0 and <= NameBytesMax && length <= bytes.Length, Broken);
        Require(extraBytes == 0, "Bitmap extra data is not supported");
        entryBytes = (int)length;
        return new BitmapDirectoryEntry
        {
            TableOffset = BinaryPrimitives.ReadUInt64BigEndian(bytes),
            TableEntryCount = BinaryPrimitives.ReadUInt32BigEndian(bytes[8..]),
            Flags = BinaryPrimitives.ReadUInt32BigEndian(bytes[12..]),
            Type = bytes[16],
            GranularityBits = bytes[17],
            Name = Encoding.UTF8.GetString(bytes.Slice(HeadBytes, nameBytes)),
        };
    }

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
            && lengthBytes <= (Int128)(bitmapBytes * 8) << GranularityBits;
    }

    private static void Require(bool holds, string refusal)
    {
        if (!holds)
        {
            throw new BlockException(BlockErrorKind.CorruptImage, refusal);
        }
    }
}
