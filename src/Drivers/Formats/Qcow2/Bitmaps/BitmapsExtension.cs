using System.Buffers.Binary;
using BlockGraph.BlockCore.Errors;

namespace BlockGraph.Drivers.Formats.Qcow2.Bitmaps;

/// <summary>Where the directory of bitmaps lies (specification: Bitmaps extension).</summary>
/// <param name="Count">How many bitmaps there are.</param>
/// <param name="DirectoryBytes">How long the directory is.</param>
/// <param name="DirectoryOffset">Where it lies.</param>
internal readonly record struct BitmapsExtension(int Count, int DirectoryBytes, long DirectoryOffset)
{
    /// <summary>How many bitmaps an image has at most.</summary>
    public const int CountMax = 65535;

    /// <summary>How long the directory is at most.</summary>
    public const int DirectoryBytesMax = CountMax * 1024;

    private const int Size = 24;

    /// <summary>Reads the extension's data.</summary>
    /// <exception cref="BlockException">A field is out of range.</exception>
    public static BitmapsExtension Parse(ReadOnlySpan<byte> data, Qcow2Geometry geometry)
    {
        Require(data.Length == Size, "bitmaps_ext: Invalid extension length");
        Require(BinaryPrimitives.ReadUInt32BigEndian(data[4..]) == 0, "bitmaps_ext: Reserved field is not zero");
        uint count = BinaryPrimitives.ReadUInt32BigEndian(data);
        Require(count <= CountMax, $"bitmaps_ext: Image has {count} bitmaps, exceeding the supported maximum of {CountMax}");
        Require(count > 0, "found bitmaps extension with zero bitmaps");
        ulong offset = BinaryPrimitives.ReadUInt64BigEndian(data[16..]);
        Require(offset <= Qcow2Geometry.OffsetMask && geometry.IsClusterStart((long)offset), "bitmaps_ext: invalid bitmap directory offset");
        ulong bytes = BinaryPrimitives.ReadUInt64BigEndian(data[8..]);
        Require(bytes <= DirectoryBytesMax, $"bitmaps_ext: bitmap directory size ({bytes}) exceeds the maximum supported size ({DirectoryBytesMax})");
        Require(bytes > 0, "Requested bitmap directory size is zero");
        return new BitmapsExtension((int)count, (int)bytes, (long)offset);
    }

    /// <summary>The extension's data.</summary>
    public byte[] Format()
    {
        byte[] data = new byte[Size];
        BinaryPrimitives.WriteInt32BigEndian(data, Count);
        BinaryPrimitives.WriteInt64BigEndian(data.AsSpan(8), DirectoryBytes);
        BinaryPrimitives.WriteInt64BigEndian(data.AsSpan(16), DirectoryOffset);
        return data;
    }

    private static void Require(bool holds, string refusal)
    {
        if (!holds)
        {
            throw new BlockException(BlockErrorKind.CorruptImage, refusal);
        }
    }
}
