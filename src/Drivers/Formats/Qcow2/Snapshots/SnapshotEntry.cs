using System.Buffers.Binary;
using System.Text;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;

namespace BlockGraph.Drivers.Formats.Qcow2.Snapshots;

/// <summary>One entry of the snapshot table (specification: Snapshots). All numbers are big-endian. What this driver does not know of it is kept as it is.</summary>
internal readonly record struct SnapshotEntry
{
    /// <summary>The bytes before the extra data.</summary>
    public const int HeadBytes = 40;

    /// <summary>How much extra data an entry may have.</summary>
    public const int ExtraBytesMax = 1024;

    // The length of the state in 64 bits, the length of the disk, how many instructions were carried out.
    private const int KnownExtraBytes = 24;
    private const int DiskExtraBytes = 16;
    private const int StateExtraBytes = 8;

    /// <summary>Where its L1 table lies. Whether that can be right is looked at when it is used.</summary>
    public required ulong L1Offset { get; init; }

    /// <summary>How many entries its L1 table has.</summary>
    public required uint L1EntryCount { get; init; }

    /// <summary>What the image calls it.</summary>
    public required string Id { get; init; }

    /// <summary>What a person calls it.</summary>
    public required string Name { get; init; }

    /// <summary>The same as in the file, where it need not be text; empty of an entry that was not read.</summary>
    private ReadOnlyMemory<byte> IdBytes { get; init; }

    /// <summary>Likewise.</summary>
    private ReadOnlyMemory<byte> NameBytes { get; init; }

    /// <summary>When it was made: seconds since 1970.</summary>
    public uint DateSeconds { get; init; }

    /// <summary>The nanoseconds of that second.</summary>
    public uint DateNs { get; init; }

    /// <summary>How long the virtual machine had been running, in nanoseconds.</summary>
    public ulong VmClockNs { get; init; }

    /// <summary>How much state of a virtual machine belongs to it, in bytes.</summary>
    public ulong VmStateBytes { get; init; }

    /// <summary>How long the disk was, in bytes; null where the entry does not say.</summary>
    public ulong? DiskBytes { get; init; }

    /// <summary>How many instructions the virtual machine had carried out; null where that was not counted.</summary>
    public ulong? InstructionCount { get; init; }

    /// <summary>Extra data behind what this driver knows.</summary>
    public ReadOnlyMemory<byte> UnknownExtra { get; init; }

    /// <summary>How long the entry is in the table, with its padding.</summary>
    public int TotalBytes => (HeadBytes + KnownExtraBytes + UnknownExtra.Length + ToBytes(IdBytes, Id).Length + ToBytes(NameBytes, Name).Length + 7) & ~7;

    /// <summary>It has neither a table nor a name: nothing is lost without it.</summary>
    public bool IsHollow => L1EntryCount == 0 && Id.Length == 0 && Name.Length == 0;

    /// <summary>True where its L1 table lies as one can.</summary>
    public bool HasUsableTop(Qcow2Geometry geometry) =>
        L1EntryCount <= Qcow2Geometry.L1BytesMax / sizeof(ulong) && L1Offset <= Qcow2Geometry.OffsetMask && geometry.IsClusterStart((long)L1Offset);

    /// <summary>Reads its L1 table.</summary>
    /// <exception cref="BlockException">It lies as none can, or could not be read.</exception>
    public async Task<ulong[]> ReadTopAsync(Qcow2Metadata metadata, CancellationToken cancel)
    {
        if (!HasUsableTop(metadata.Geometry))
        {
            throw L1EntryCount > Qcow2Geometry.L1BytesMax / sizeof(ulong)
                ? new BlockException(BlockErrorKind.TooLarge, "Snapshot L1 table too large")
                : new BlockException(BlockErrorKind.CorruptImage, "Snapshot L1 table offset invalid");
        }

        return L1EntryCount == 0 ? [] : await metadata.Map.ReadTopAsync((long)L1Offset, (int)L1EntryCount, cancel);
    }

    /// <summary>The entry for those who do not know the format.</summary>
    public ImageSnapshot ToImageSnapshot() => new(Id, Name)
    {
        VmStateBytes = (long)Math.Min(VmStateBytes, long.MaxValue),
        Date = DateTimeOffset.FromUnixTimeSeconds(DateSeconds).AddTicks(DateNs / TimeSpan.NanosecondsPerTick),
        VmClockNs = (long)Math.Min(VmClockNs, long.MaxValue),
        InstructionCount = InstructionCount is { } count ? (long)Math.Min(count, long.MaxValue) : null,
    };

    /// <summary>The length of an entry that begins as <paramref name="head"/> does, at least <see cref="HeadBytes"/> of it; without its padding.</summary>
    /// <param name="head">Its first bytes.</param>
    /// <param name="extraBytes">How much of it is extra data: it may be more than an entry may have.</param>
    public static long MeasureBytes(ReadOnlySpan<byte> head, out uint extraBytes)
    {
        extraBytes = BinaryPrimitives.ReadUInt32BigEndian(head[36..]);
        return HeadBytes + (long)extraBytes + BinaryPrimitives.ReadUInt16BigEndian(head[12..]) + BinaryPrimitives.ReadUInt16BigEndian(head[14..]);
    }

    /// <summary>Reads the entry at the start of <paramref name="bytes"/>; false where it has too much extra data, or is longer than they are.</summary>
    public static bool TryParse(ReadOnlySpan<byte> bytes, out SnapshotEntry entry)
    {
        entry = default;
        if (bytes.Length < HeadBytes || MeasureBytes(bytes, out uint extraBytes) > bytes.Length || extraBytes > ExtraBytesMax)
        {
            return false;
        }

        ReadOnlySpan<byte> extra = bytes.Slice(HeadBytes, (int)extraBytes);
        ReadOnlySpan<byte> texts = bytes[(HeadBytes + (int)extraBytes)..];
        int idBytes = BinaryPrimitives.ReadUInt16BigEndian(bytes[12..]);
        int nameBytes = BinaryPrimitives.ReadUInt16BigEndian(bytes[14..]);
        ulong count = extraBytes >= KnownExtraBytes ? BinaryPrimitives.ReadUInt64BigEndian(extra[DiskExtraBytes..]) : ulong.MaxValue;
        entry = new SnapshotEntry
        {
            L1Offset = BinaryPrimitives.ReadUInt64BigEndian(bytes),
            L1EntryCount = BinaryPrimitives.ReadUInt32BigEndian(bytes[8..]),
            DateSeconds = BinaryPrimitives.ReadUInt32BigEndian(bytes[16..]),
            DateNs = BinaryPrimitives.ReadUInt32BigEndian(bytes[20..]),
            VmClockNs = BinaryPrimitives.ReadUInt64BigEndian(bytes[24..]),
            VmStateBytes = extraBytes >= StateExtraBytes ? BinaryPrimitives.ReadUInt64BigEndian(extra) : BinaryPrimitives.ReadUInt32BigEndian(bytes[32..]),
            DiskBytes = extraBytes >= DiskExtraBytes ? BinaryPrimitives.ReadUInt64BigEndian(extra[StateExtraBytes..]) : null,
            InstructionCount = count == ulong.MaxValue ? null : count,
            UnknownExtra = extraBytes > KnownExtraBytes ? extra[KnownExtraBytes..].ToArray() : default,
            IdBytes = texts[..idBytes].ToArray(),
            NameBytes = texts.Slice(idBytes, nameBytes).ToArray(),
            Id = Encoding.UTF8.GetString(texts[..idBytes]),
            Name = Encoding.UTF8.GetString(texts.Slice(idBytes, nameBytes)),
        };
        return true;
    }

    /// <summary>Reads the entry that <paramref name="bytes"/> are, without the extra data that is too much.</summary>
    public static SnapshotEntry ParseShortened(ReadOnlySpan<byte> bytes)
    {
        uint extraBytes = BinaryPrimitives.ReadUInt32BigEndian(bytes[36..]);
        if (extraBytes <= ExtraBytesMax)
        {
            Invariant.Check(TryParse(bytes, out SnapshotEntry whole));
            return whole;
        }

        byte[] shortened = [.. bytes[..(HeadBytes + ExtraBytesMax)], .. bytes[(HeadBytes + (int)extraBytes)..]];
        BinaryPrimitives.WriteInt32BigEndian(shortened.AsSpan(36), ExtraBytesMax);
        Invariant.Check(TryParse(shortened, out SnapshotEntry entry));
        return entry;
    }

    /// <summary>Writes the entry to the start of <paramref name="bytes"/>, which are zeros.</summary>
    /// <param name="bytes">At least <see cref="TotalBytes"/> of them.</param>
    /// <param name="diskBytes">How long the disk was, where the entry does not say.</param>
    public void WriteTo(Span<byte> bytes, long diskBytes)
    {
        int extraBytes = KnownExtraBytes + UnknownExtra.Length;
        ReadOnlyMemory<byte> id = ToBytes(IdBytes, Id);
        ReadOnlyMemory<byte> name = ToBytes(NameBytes, Name);
        id.Span.CopyTo(bytes[(HeadBytes + extraBytes)..]);
        name.Span.CopyTo(bytes[(HeadBytes + extraBytes + id.Length)..]);
        BinaryPrimitives.WriteUInt64BigEndian(bytes, L1Offset);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[8..], L1EntryCount);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[12..], (ushort)id.Length);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[14..], (ushort)name.Length);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[16..], DateSeconds);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[20..], DateNs);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[24..], VmClockNs);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[32..], VmStateBytes <= uint.MaxValue ? (uint)VmStateBytes : 0);
        BinaryPrimitives.WriteInt32BigEndian(bytes[36..], extraBytes);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[HeadBytes..], VmStateBytes);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[(HeadBytes + StateExtraBytes)..], DiskBytes ?? (ulong)diskBytes);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[(HeadBytes + DiskExtraBytes)..], InstructionCount ?? ulong.MaxValue);
        UnknownExtra.Span.CopyTo(bytes[(HeadBytes + KnownExtraBytes)..]);
    }

    private static ReadOnlyMemory<byte> ToBytes(ReadOnlyMemory<byte> read, string text) => read.IsEmpty ? Encoding.UTF8.GetBytes(text) : read;
}
