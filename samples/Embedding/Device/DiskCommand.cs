using System.Buffers.Binary;

namespace BlockGraph.Samples.Embedding.Device;

/// <summary>What a command does.</summary>
public enum DiskCommandKind
{
    /// <summary>Disk to memory.</summary>
    Read,

    /// <summary>Memory to disk.</summary>
    Write,

    /// <summary>Everything written becomes durable.</summary>
    Flush,

    /// <summary>The disk may forget a range.</summary>
    Discard,

    /// <summary>A range becomes zeros.</summary>
    WriteZeroes,
}

/// <summary>One entry of the submission ring, as it lies in the guest's memory.</summary>
/// <param name="Kind">At 0, 4 bytes.</param>
/// <param name="Tag">At 4, 4 bytes: comes back in the completion.</param>
/// <param name="OffsetBytes">At 8, 8 bytes: where on the disk.</param>
/// <param name="LengthBytes">At 16, 8 bytes.</param>
/// <param name="Address">At 24, 8 bytes: where in the guest's memory.</param>
public readonly record struct DiskCommand(DiskCommandKind Kind, uint Tag, long OffsetBytes, long LengthBytes, long Address)
{
    /// <summary>Bytes of an entry.</summary>
    public const int Size = 32;

    /// <summary>An entry as the guest has written it. The guest is not to be trusted: every field may be anything.</summary>
    public static DiskCommand ReadFrom(ReadOnlySpan<byte> entry) => new(
        (DiskCommandKind)BinaryPrimitives.ReadUInt32LittleEndian(entry),
        BinaryPrimitives.ReadUInt32LittleEndian(entry[4..]),
        BinaryPrimitives.ReadInt64LittleEndian(entry[8..]),
        BinaryPrimitives.ReadInt64LittleEndian(entry[16..]),
        BinaryPrimitives.ReadInt64LittleEndian(entry[24..]));

    /// <summary>Puts the entry into memory.</summary>
    public void WriteTo(Span<byte> entry)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(entry, (uint)Kind);
        BinaryPrimitives.WriteUInt32LittleEndian(entry[4..], Tag);
        BinaryPrimitives.WriteInt64LittleEndian(entry[8..], OffsetBytes);
        BinaryPrimitives.WriteInt64LittleEndian(entry[16..], LengthBytes);
        BinaryPrimitives.WriteInt64LittleEndian(entry[24..], Address);
    }
}
