using System.Buffers.Binary;
using System.Text;
using BlockGraph.BlockCore.Errors;

namespace BlockGraph.TestKit.Tests.Mutants;

/// <summary>The header of a <see cref="BrokenFormatDriver"/>'s image.</summary>
internal sealed record ToyHeader(long LengthBytes, string? BackingName, string? BackingFormat)
{
    /// <summary>The longest image, for which the map has room.</summary>
    public const long LengthBytesMax = 4096 * 4096;

    private const int NamesOffset = 24;
    private const int SectorBytes = 512;

    public static ReadOnlySpan<byte> Signature => "TOYIMAGE"u8;

    public static ToyHeader Parse(ReadOnlySpan<byte> bytes, bool checks)
    {
        if (!bytes.StartsWith(Signature))
        {
            throw new BlockException(BlockErrorKind.CorruptImage, "Image is not in toy format");
        }

        long lengthBytes = BinaryPrimitives.ReadInt64BigEndian(bytes[8..]);
        int nameBytes = BinaryPrimitives.ReadInt32BigEndian(bytes[16..]);
        int formatBytes = BinaryPrimitives.ReadInt32BigEndian(bytes[20..]);
        if (checks && (lengthBytes is < 0 or > LengthBytesMax || nameBytes is < 0 or > 400 || formatBytes is < 0 or > 80))
        {
            throw new BlockException(BlockErrorKind.CorruptImage, "The header's lengths are out of range");
        }

        string names = Encoding.Latin1.GetString(bytes.Slice(NamesOffset, nameBytes + formatBytes));
        return new ToyHeader(lengthBytes, nameBytes == 0 ? null : names[..nameBytes], formatBytes == 0 ? null : names[nameBytes..]);
    }

    public void WriteTo(Span<byte> sector)
    {
        sector[..SectorBytes].Clear();
        Signature.CopyTo(sector);
        BinaryPrimitives.WriteInt64BigEndian(sector[8..], LengthBytes);
        BinaryPrimitives.WriteInt32BigEndian(sector[16..], BackingName?.Length ?? 0);
        BinaryPrimitives.WriteInt32BigEndian(sector[20..], BackingFormat?.Length ?? 0);
        Encoding.Latin1.GetBytes(BackingName + BackingFormat, sector[NamesOffset..]);
    }

    public byte[] ToSector()
    {
        byte[] sector = new byte[SectorBytes];
        WriteTo(sector);
        return sector;
    }
}
