namespace BlockGraph.Drivers.Formats.Qcow2;

/// <summary>What a reader may ignore (specification: Header, bytes 80 to 87).</summary>
[Flags]
internal enum Qcow2CompatibleFeatures : ulong
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Reference counts may be written later, with the image marked dirty.</summary>
    LazyRefcounts = 1,
}
