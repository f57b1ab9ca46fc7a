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
