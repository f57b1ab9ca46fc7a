namespace BlockGraph.Drivers.Formats.Qcow2;

/// <summary>The first sector of an image that needs nothing of what lies behind it in the first cluster, but for a long name of the backing file.</summary>
/// <param name="Sector">The first sector.</param>
/// <param name="Name">The name of the backing file, which lies at the cluster's end; empty where it is in the sector, or there is none.</param>
/// <param name="NameOffset">Where it lies, in bytes.</param>
internal readonly record struct Qcow2ShortHeader(byte[] Sector, Memory<byte> Name, int NameOffset);
