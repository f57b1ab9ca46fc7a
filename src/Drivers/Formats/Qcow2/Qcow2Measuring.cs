using BlockGraph.BlockCore.Bitmaps;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.Drivers.Formats.Qcow2.Bitmaps;

namespace BlockGraph.Drivers.Formats.Qcow2;

/// <summary>How much space an image would take: with all its tables, as if all of it were written, and what the guest has of data at first.</summary>
internal static class Qcow2Measuring
{
    /// <summary>Measures an image.</summary>
    /// <param name="options">How it would be made.</param>
    /// <param name="encryptionBytes">How long its encryption header would be; 0 for none.</param>
    /// <param name="source">What would be converted into it, or null.</param>
    /// <param name="cancel">Ends it between two questions.</param>
    public static async Task<ImageMeasurement> RunAsync(Qcow2CreateOptions options, long encryptionBytes, BlockChild? source, CancellationToken cancel)
    {
        Qcow2Geometry geometry = options.CreateHeaderArea().Header.CreateGeometry();
        long entries = geometry.L1EntryCount(options.LengthBytes);
        if (entries * sizeof(ulong) > Qcow2Geometry.L1BytesMax)
        {
            throw new BlockException(BlockErrorKind.TooLarge, "The image size is too large (try using a larger cluster size)");
        }

        long dataBytes = geometry.RoundUp(options.LengthBytes);
        long tableClusters = geometry.ClusterCount(entries * sizeof(ulong))
            + ((geometry.ClusterCount(options.LengthBytes) + geometry.L2EntryCount - 1) / geometry.L2EntryCount);
        long otherClusters = 1 + tableClusters + (options.DataFileName is null ? dataBytes >> geometry.ClusterBits : 0);
        (long refcountClusters, long blockCount) = Qcow2Layout.CountRefcounts(geometry, otherClusters);
        ulong metadataBytes = (ulong)((1 + tableClusters + refcountClusters + blockCount) << geometry.ClusterBits) + (ulong)geometry.RoundUp(encryptionBytes);

        // How much of a source its backing file would have is not known.
        bool isFull = options.Preallocation is PreallocationMode.Falloc or PreallocationMode.Full || (options.BackingFileName is not null && source is not null);
        long neededBytes = isFull ? dataBytes : source is null ? 0 : await CountAsync(source, geometry, cancel);
        return new ImageMeasurement(metadataBytes + (ulong)neededBytes, metadataBytes + (ulong)dataBytes)
        {
            BitmapsBytes = options.Version >= 3 && source?.Node is { Instance.Bitmaps.CanKeep: true } node ? MeasureBitmaps(node, geometry, options.LengthBytes) : null,
        };
    }

    // As if every one of them were full: its bits, its table, and the directory of all.
    private static ulong MeasureBitmaps(BlockNode node, Qcow2Geometry geometry, long lengthBytes)
    {
        long bytes = 0;
        long directoryBytes = 0;
        foreach (DirtyBitmap bitmap in node.Bitmaps.Named.Where(static bitmap => bitmap.IsPersistent))
        {
            long bits = (lengthBytes + bitmap.GranularityBytes - 1) / bitmap.GranularityBytes;
            long clusters = geometry.ClusterCount((bits + 7) / 8);
            bytes += (clusters << geometry.ClusterBits) + geometry.RoundUp(clusters * sizeof(ulong));
            directoryBytes += BitmapDirectoryEntry.MeasureBytes(bitmap.Name!);
        }

        return (ulong)(bytes + geometry.RoundUp(directoryBytes));
    }

    // Whole clusters that something of data lies in.
    private static async Task<long> CountAsync(BlockChild source, Qcow2Geometry geometry, CancellationToken cancel)
    {
        long bytes = 0;
        long countedTo = 0;
        for (long at = 0; at < source.LengthBytes;)
        {
            cancel.ThrowIfCancellationRequested();
            ChainStatus status = await source.GetStatusAboveAsync(null, false, BlockStatusQuery.Allocation | BlockStatusQuery.Zeroes, at, source.LengthBytes - at, cancel);
            long end = at + status.Status.LengthBytes;
            if (!status.Status.IsZero && (status.Status.Flags & (BlockStatusFlags.Data | BlockStatusFlags.Allocated)) == (BlockStatusFlags.Data | BlockStatusFlags.Allocated))
            {
                long start = Math.Max(countedTo, geometry.ClusterStart(at));
                countedTo = Math.Max(countedTo, geometry.RoundUp(end));
                bytes += Math.Max(0, countedTo - start);
            }

            at = end;
        }

        return bytes;
    }
}
