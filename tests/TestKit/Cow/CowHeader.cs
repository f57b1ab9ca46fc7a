using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Numerics;
using System.Text;
using BlockGraph.BlockCore.Errors;

namespace BlockGraph.TestKit.Cow;

/// <summary>The header of a <c>cow</c> image: the first 4096 bytes of its file. All numbers are big-endian.</summary>
/// <remarks>
/// <code>
///   offset  size
///        0     8  the signature, "BLKG-COW"
///        8     4  the version, 1
///       12     4  flags: bit 0 the image was not closed cleanly; the others are 0
///       16     4  the length of a cluster in bytes, a power of two from 512 to 2 MiB
///       20     4  how many entries the table has, 1 to 4 Mi; it begins at 4096
///       24     8  the length of the image in bytes, at most what the table has entries for
///       32     4  which of the two name slots holds
///       36     2  the length of the backing file's name in bytes, 0 to 960
///       38     2  the length of the backing file's format in bytes, 0 to 64
///       40   472  0
///     1024  1024  name slot 0: the name, then the format, in UTF-8
///     2048  1024  name slot 1
/// </code>
/// A change of everything but the names is one write of one sector. New names go into the other slot first: whatever a crash leaves, one
/// sector says which names hold.
/// </remarks>
public readonly record struct CowHeader
{
    /// <summary>The length of the header, in bytes.</summary>
    public const int Size = 4096;

    /// <summary>The length of what changes together, in bytes.</summary>
    public const int SectorBytes = 512;

    /// <summary>The shortest cluster, in bytes.</summary>
    public const int ClusterBytesMin = 512;

    /// <summary>The longest cluster, in bytes.</summary>
    public const int ClusterBytesMax = 2 << 20;

    /// <summary>The most entries that a table has: it is kept in memory as a whole.</summary>
    public const int EntryCountMax = 4 << 20;

    /// <summary>The longest name of a backing file, in bytes.</summary>
    public const int BackingFileNameBytesMax = 960;

    /// <summary>The longest name of a backing file's format, in bytes.</summary>
    public const int BackingFormatBytesMax = 64;

    private const uint VersionNumber = 1;
    private const uint DirtyFlag = 1;
    private const int FieldsEnd = 40;
    private const int SlotBytes = 1024;
    private static readonly UTF8Encoding s_text = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>What every image begins with.</summary>
    public static ReadOnlySpan<byte> Signature => "BLKG-COW"u8;

    /// <summary>True where the image was not closed cleanly, or is open.</summary>
    public bool IsDirty { get; init; }

    /// <summary>The length of a cluster, in bytes.</summary>
    public int ClusterBytes { get; init; }

    /// <summary>How many entries the table has.</summary>
    public int EntryCount { get; init; }

    /// <summary>The length of the image, in bytes.</summary>
    public long LengthBytes { get; init; }

    /// <summary>The name of the backing file, or null.</summary>
    public string? BackingFileName { get; init; }

    /// <summary>The format of the backing file, or null to probe.</summary>
    public string? BackingFormat { get; init; }

    /// <summary>Which of the two name slots holds: 0 or 1.</summary>
    public int NameSlot { get; init; }

    /// <summary>The longest image that the table has entries for, in bytes.</summary>
    public long LengthBytesMax => (long)EntryCount * ClusterBytes;

    /// <summary>Where the first cluster of data lies in the file, in bytes: at the first cluster after the table.</summary>
    public long DataOffset => RoundUp(Size + ((long)EntryCount * CowEntry.Size));

    /// <summary>Where the name slot that holds lies in the file, in bytes.</summary>
    public long NameOffset => (long)SlotBytes * (1 + NameSlot);

    /// <summary><paramref name="offset"/>, or the next multiple of the cluster's length.</summary>
    public long RoundUp(long offset) => (offset + ClusterBytes - 1) & ~(ClusterBytes - 1L);

    /// <summary>True where <paramref name="head"/> begins like an image.</summary>
    public static bool HasSignature(ReadOnlySpan<byte> head) => head.StartsWith(Signature);

    /// <summary>Reads a header of <see cref="Size"/> bytes; where that is none, <paramref name="refusal"/> names the field.</summary>
    public static bool TryParse(ReadOnlySpan<byte> bytes, out CowHeader header, [NotNullWhen(false)] out BlockException? refusal)
    {
        Invariant.Check(bytes.Length >= Size);
        header = default;
        uint version = BinaryPrimitives.ReadUInt32BigEndian(bytes[8..]);
        uint flags = BinaryPrimitives.ReadUInt32BigEndian(bytes[12..]);
        uint clusterBytes = BinaryPrimitives.ReadUInt32BigEndian(bytes[16..]);
        uint entryCount = BinaryPrimitives.ReadUInt32BigEndian(bytes[20..]);
        long lengthBytes = BinaryPrimitives.ReadInt64BigEndian(bytes[24..]);
        uint slot = BinaryPrimitives.ReadUInt32BigEndian(bytes[32..]);
        int nameBytes = BinaryPrimitives.ReadUInt16BigEndian(bytes[36..]);
        int formatBytes = BinaryPrimitives.ReadUInt16BigEndian(bytes[38..]);
        refusal =
            !HasSignature(bytes) ? Corrupt("Image is not in cow format")
            : version != VersionNumber ? new BlockException(BlockErrorKind.NotSupported, $"Unsupported cow version {version}")
            : (flags & ~DirtyFlag) != 0 ? new BlockException(BlockErrorKind.NotSupported, $"Unsupported cow flags 0x{flags & ~DirtyFlag:x}")
            : clusterBytes is < ClusterBytesMin or > ClusterBytesMax || !BitOperations.IsPow2(clusterBytes)
                ? Corrupt($"Cluster size {clusterBytes} is no power of two from {ClusterBytesMin} to {ClusterBytesMax}")
            : entryCount is 0 or > EntryCountMax ? Corrupt($"Table size {entryCount} is not from 1 to {EntryCountMax} entries")
            : lengthBytes < 0 || lengthBytes > (long)entryCount * clusterBytes
                ? Corrupt($"Image length {lengthBytes} is not from 0 to {(long)entryCount * clusterBytes}, for which the table has entries")
            : slot > 1 ? Corrupt($"Name slot {slot} is neither 0 nor 1")
            : nameBytes > BackingFileNameBytesMax ? Corrupt($"Backing file name of {nameBytes} bytes is longer than {BackingFileNameBytesMax}")
            : formatBytes > BackingFormatBytesMax ? Corrupt($"Backing format of {formatBytes} bytes is longer than {BackingFormatBytesMax}")
            : bytes[FieldsEnd..SectorBytes].IndexOfAnyExcept((byte)0) >= 0 ? Corrupt("Reserved bytes of the header are not zero")
            : null;
        if (refusal is not null)
        {
            return false;
        }

        ReadOnlySpan<byte> names = bytes.Slice(SlotBytes * (1 + (int)slot), SlotBytes);
        if (!TryDecode(names[..nameBytes], out string? fileName) || !TryDecode(names.Slice(nameBytes, formatBytes), out string? format))
        {
            refusal = Corrupt("Backing file name or format is no UTF-8 text");
            return false;
        }

        header = new CowHeader
        {
            IsDirty = (flags & DirtyFlag) != 0,
            ClusterBytes = (int)clusterBytes,
            EntryCount = (int)entryCount,
            LengthBytes = lengthBytes,
            NameSlot = (int)slot,
            BackingFileName = fileName,
            BackingFormat = format,
        };
        return true;
    }

    /// <summary>Writes the first sector, which says everything but the names.</summary>
    public void WriteTo(Span<byte> sector)
    {
        sector = sector[..SectorBytes];
        sector.Clear();
        Signature.CopyTo(sector);
        BinaryPrimitives.WriteUInt32BigEndian(sector[8..], VersionNumber);
        BinaryPrimitives.WriteUInt32BigEndian(sector[12..], IsDirty ? DirtyFlag : 0);
        BinaryPrimitives.WriteInt32BigEndian(sector[16..], ClusterBytes);
        BinaryPrimitives.WriteInt32BigEndian(sector[20..], EntryCount);
        BinaryPrimitives.WriteInt64BigEndian(sector[24..], LengthBytes);
        BinaryPrimitives.WriteInt32BigEndian(sector[32..], NameSlot);
        BinaryPrimitives.WriteUInt16BigEndian(sector[36..], (ushort)Encode(BackingFileName).Length);
        BinaryPrimitives.WriteUInt16BigEndian(sector[38..], (ushort)Encode(BackingFormat).Length);
    }

    /// <summary>What the name slot holds: the name, then the format.</summary>
    public byte[] GetNameBytes() => [.. Encode(BackingFileName), .. Encode(BackingFormat)];

    /// <summary>The header with other names, in the slot that does not hold now.</summary>
    /// <exception cref="BlockException">A name is too long.</exception>
    public CowHeader WithBacking(string? fileName, string? format)
    {
        if (Encode(fileName).Length > BackingFileNameBytesMax)
        {
            throw new BlockException($"Backing file name of {Encode(fileName).Length} bytes is longer than {BackingFileNameBytesMax}");
        }

        if (Encode(format).Length > BackingFormatBytesMax)
        {
            throw new BlockException($"Backing format of {Encode(format).Length} bytes is longer than {BackingFormatBytesMax}");
        }

        return this with { NameSlot = 1 - NameSlot, BackingFileName = NullIfEmpty(fileName), BackingFormat = NullIfEmpty(format) };
    }

    private static string? NullIfEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;

    private static byte[] Encode(string? text) => text is null ? [] : s_text.GetBytes(text);

    private static bool TryDecode(ReadOnlySpan<byte> bytes, out string? text)
    {
        try
        {
            text = bytes.IsEmpty ? null : s_text.GetString(bytes);
            return true;
        }
        catch (DecoderFallbackException)
        {
            text = null;
            return false;
        }
    }

    private static BlockException Corrupt(string text) => new(BlockErrorKind.CorruptImage, text);
}
