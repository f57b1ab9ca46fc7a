namespace BlockGraph.Drivers.Formats.Qcow2;

/// <summary>How clusters are compressed (specification: Additional fields, byte 104).</summary>
internal enum Qcow2Compression : byte
{
    /// <summary>A raw deflate stream.</summary>
    Zlib = 0,

    /// <summary>A Zstandard frame.</summary>
    Zstd = 1,
}
