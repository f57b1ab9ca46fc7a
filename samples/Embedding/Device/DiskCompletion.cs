using System.Buffers.Binary;

namespace BlockGraph.Samples.Embedding.Device;

/// <summary>How a command ended.</summary>
public enum DiskResult
{
    /// <summary>Well.</summary>
    Done,

    /// <summary>The storage failed.</summary>
    Failed,

    /// <summary>The storage is full.</summary>
    NoSpace,

    /// <summary>There is no disk, or no medium in it.</summary>
    NoMedium,

    /// <summary>The command makes no sense.</summary>
    Invalid,
}

/// <summary>One entry of the completion ring, as it lies in the guest's memory.</summary>
/// <param name="Tag">At 0, 4 bytes: the command's.</param>
/// <param name="Result">At 4, 4 bytes.</param>
public readonly record struct DiskCompletion(uint Tag, DiskResult Result)
{
    /// <summary>Bytes of an entry.</summary>
    public const int Size = 8;

    /// <summary>An entry as the controller has written it.</summary>
    public static DiskCompletion ReadFrom(ReadOnlySpan<byte> entry) =>
        new(BinaryPrimitives.ReadUInt32LittleEndian(entry), (DiskResult)BinaryPrimitives.ReadUInt32LittleEndian(entry[4..]));

    /// <summary>Puts the entry into memory.</summary>
    public void WriteTo(Span<byte> entry)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(entry, Tag);
        BinaryPrimitives.WriteUInt32LittleEndian(entry[4..], (uint)Result);
    }
}
