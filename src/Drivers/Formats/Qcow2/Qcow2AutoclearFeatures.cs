namespace BlockGraph.Drivers.Formats.Qcow2;

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
