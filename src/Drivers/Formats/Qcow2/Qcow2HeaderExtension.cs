using System.Buffers.Binary;

namespace BlockGraph.Drivers.Formats.Qcow2;

/// <summary>What follows the header in the first cluster, piece by piece (specification: Header extensions).</summary>
/// <param name="Type">Which it is.</param>
/// <param name="Data">What is in it, without its padding.</param>
internal sealed record Qcow2HeaderExtension(uint Type, ReadOnlyMemory<byte> Data)
{
    /// <summary>No more follow.</summary>
    public const uint End = 0;

    /// <summary>The format of the backing file.</summary>
    public const uint BackingFormat = 0xe2792aca;

    /// <summary>The names of features, for those who do not know them.</summary>
    public const uint FeatureNames = 0x6803f857;

    /// <summary>Where the directory of bitmaps lies.</summary>
    public const uint Bitmaps = 0x23852875;

    /// <summary>Where the encryption header lies.</summary>
    public const uint EncryptionHeader = 0x0537be77;

    /// <summary>The name of the external data file.</summary>
    public const uint DataFile = 0x44415441;

    /// <summary>The bytes before the data.</summary>
    public const int HeadBytes = 8;

    /// <summary>How many bytes it takes, with head and padding.</summary>
    public int TotalBytes => HeadBytes + ((Data.Length + 7) & ~7);

    /// <summary>Writes it to the start of <paramref name="bytes"/>, which are zeros.</summary>
    public void WriteTo(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt32BigEndian(bytes, Type);
        BinaryPrimitives.WriteInt32BigEndian(bytes[4..], Data.Length);
        Data.Span.CopyTo(bytes[HeadBytes..]);
    }
}
