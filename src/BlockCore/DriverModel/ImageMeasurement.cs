namespace BlockGraph.BlockCore.DriverModel;

/// <summary>How much space an image would take, in bytes. <i>QEMU: BlockMeasureInfo.</i></summary>
/// <param name="RequiredBytes">With what is to be in it at first.</param>
/// <param name="FullyAllocatedBytes">With all of it written.</param>
public readonly record struct ImageMeasurement(ulong RequiredBytes, ulong FullyAllocatedBytes)
{
    /// <summary>With the persistent bitmaps of the source, beyond the other two; null where the image or its source could have none.</summary>
    public ulong? BitmapsBytes { get; init; }
}
