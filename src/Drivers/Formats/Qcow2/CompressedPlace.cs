using BlockGraph.BlockCore.Errors;

namespace BlockGraph.Drivers.Formats.Qcow2;

/// <summary>Where the bytes of a compressed cluster lie (specification: Compressed Clusters Descriptor): from anywhere, in sectors as far as they reach.</summary>
/// <param name="HostOffset">Where the first byte lies.</param>
/// <param name="LengthBytes">At most how many there are: to the end of the last sector.</param>
internal readonly record struct CompressedPlace(long HostOffset, int LengthBytes)
{
    private const int SectorBytes = 512;

    /// <summary>Where the last sector ends.</summary>
    public long EndOffset => HostOffset + LengthBytes;

    /// <summary>The place that the entry of a compressed cluster says.</summary>
    public static CompressedPlace Of(L2Entry entry, Qcow2Geometry geometry)
    {
        Invariant.Check(entry.IsCompressed);
        ulong descriptor = entry.Descriptor & ((1UL << 62) - 1);
        long offset = (long)(descriptor & ((1UL << geometry.CompressedOffsetBits) - 1) & 0x00ff_ffff_ffff_ffff);
        int sectors = (int)(descriptor >> geometry.CompressedOffsetBits) + 1;
        return new CompressedPlace(offset, (sectors * SectorBytes) - (int)(offset & (SectorBytes - 1)));
    }

    /// <summary>The entry of a cluster that is compressed to these bytes.</summary>
    public L2Entry ToEntry(Qcow2Geometry geometry)
    {
        long sectors = ((EndOffset - 1) / SectorBytes) - (HostOffset / SectorBytes);
        return L2Entry.OfCompressed((ulong)HostOffset | ((ulong)sectors << geometry.CompressedOffsetBits));
    }

    /// <summary>The furthest offset that an entry can say.</summary>
    public static long HostOffsetMax(Qcow2Geometry geometry) => (1L << Math.Min(geometry.CompressedOffsetBits, 56)) - 1;
}
