namespace BlockGraph.Drivers.Formats.Qcow2;

/// <summary>What a reader must know of an image, or leave it alone (specification: Header, bytes 72 to 79).</summary>
[Flags]
internal enum Qcow2IncompatibleFeatures : ulong
{
    /// <summary>Nothing that version 2 has not.</summary>
    None = 0,

    /// <summary>Reference counts may be wrong.</summary>
    Dirty = 1,

    /// <summary>Anything may be wrong: not to be written.</summary>
    Corrupt = 2,

    /// <summary>Guest data lies in another file.</summary>
    DataFile = 4,

    /// <summary>Clusters are compressed by another method than zlib's.</summary>
    CompressionType = 8,

    /// <summary>L2 entries have a bitmap of subclusters.</summary>
    ExtendedL2 = 16,

    /// <summary>All that this driver knows.</summary>
    Known = Dirty | Corrupt | DataFile | CompressionType | ExtendedL2,
}

/// <summary>What a reader may ignore (specification: Header, bytes 80 to 87).</summary>
[Flags]
internal enum Qcow2CompatibleFeatures : ulong
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Reference counts may be written later, with the image marked dirty.</summary>
    LazyRefcounts = 1,
}

/// <summary>What holds only until somebody writes who does not know it (specification: Header, bytes 88 to 95).</summary>
[Flags]
internal enum Qcow2AutoclearFeatures : ulong
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>The bitmaps of the bitmaps extension are as the image is.</summary>
    Bitmaps = 1,

    /// <summary>The external data file is a raw image by itself.</summary>
    RawDataFile = 2,

    /// <summary>All that this driver knows.</summary>
    Known = Bitmaps | RawDataFile,
}

/// <summary>How clusters are compressed (specification: Additional fields, byte 104).</summary>
internal enum Qcow2Compression : byte
{
    /// <summary>A raw deflate stream.</summary>
    Zlib = 0,

    /// <summary>A Zstandard frame.</summary>
    Zstd = 1,
}

/// <summary>How guest data is encrypted (specification: Header, bytes 32 to 35).</summary>
internal enum Qcow2Encryption : uint
{
    /// <summary>Not at all.</summary>
    None = 0,

    /// <summary>AES-128-CBC with the passphrase as its key.</summary>
    Aes = 1,

    /// <summary>As a LUKS header says.</summary>
    Luks = 2,
}
