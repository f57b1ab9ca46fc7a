using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.Drivers.Formats.Qcow2.Snapshots;

/// <summary>The snapshots of an image, as the table in the file has them (specification: Snapshots). A value: a change makes another, which is written elsewhere.</summary>
/// <param name="Entries">The snapshots, in the order of the table.</param>
/// <param name="HostOffset">Where the table lies; 0 for none.</param>
/// <param name="LengthBytes">How long it is.</param>
internal sealed partial record SnapshotTable(IReadOnlyList<SnapshotEntry> Entries, long HostOffset, long LengthBytes)
{
    /// <summary>How many snapshots an image may have.</summary>
    public const int CountMax = 65536;

    /// <summary>How long the table may be.</summary>
    public const long LengthBytesMax = CountMax * 1024L;

    private const int WindowBytes = 64 << 10;
    private const string ExtraHint = "You can force-remove this extra metadata with qemu-img check -r all";

    /// <summary>No snapshots.</summary>
    public static SnapshotTable Empty { get; } = new([], 0, 0);

    /// <summary>Reads the table that a header leads to. What lies behind the end of the file reads as zeros.</summary>
    /// <exception cref="BlockException">It cannot be right, or could not be read.</exception>
    public static async Task<SnapshotTable> ReadAsync(BlockChild file, Qcow2Header header, CancellationToken cancel)
    {
        Check(header);
        if (header.SnapshotCount == 0)
        {
            return Empty;
        }

        long start = (long)header.SnapshotsOffset;
        long at = start;
        List<SnapshotEntry> entries = [];
        Memory<byte> window = default;
        for (int i = 0; i < header.SnapshotCount; i++)
        {
            at = (at + 7) & ~7L;
            window = await ReachAsync(file, at, window, SnapshotEntry.HeadBytes, cancel);
            long entryBytes = SnapshotEntry.MeasureBytes(window.Span, out uint extraBytes);
            if (extraBytes > SnapshotEntry.ExtraBytesMax)
            {
                throw new BlockException(BlockErrorKind.TooLarge, $"Too much extra metadata in snapshot table entry {i}") { Hint = ExtraHint };
            }

            if (at + entryBytes - start > LengthBytesMax)
            {
                throw new BlockException(BlockErrorKind.TooLarge, "Snapshot table is too big")
                {
                    Hint = $"You can force-remove all {header.SnapshotCount - (uint)i} overhanging snapshots with qemu-img check -r all",
                };
            }

            window = await ReachAsync(file, at, window, (int)entryBytes, cancel);
            Invariant.Check(SnapshotEntry.TryParse(window.Span, out SnapshotEntry entry));
            entries.Add(entry);
            at += entryBytes;
            window = window[(int)Math.Min(window.Length, (entryBytes + 7) & ~7L)..];
        }

        return new SnapshotTable(entries, start, at - start);
    }

    /// <summary>The bytes of the table.</summary>
    /// <param name="entries">What is in it.</param>
    /// <param name="diskBytes">How long the disk was of those that do not say.</param>
    /// <exception cref="BlockException">It would be too long.</exception>
    public static byte[] Format(IReadOnlyList<SnapshotEntry> entries, long diskBytes)
    {
        long length = entries.Sum(static entry => (long)entry.TotalBytes);
        if (entries.Count > CountMax || length > LengthBytesMax)
        {
            throw new BlockException(BlockErrorKind.TooLarge, "Snapshot table is too big");
        }

        byte[] bytes = new byte[length];
        int at = 0;
        foreach (SnapshotEntry entry in entries)
        {
            entry.WriteTo(bytes.AsSpan(at, entry.TotalBytes), diskBytes);
            at += entry.TotalBytes;
        }

        return bytes;
    }

    /// <summary>Tells where the table lies, and what the snapshots' own tables are. One that cannot be right is met when it is used, unless every table is to be known.</summary>
    /// <exception cref="BlockException">It is, and one cannot be read.</exception>
    public async ValueTask AddPlacesAsync(Qcow2Metadata metadata)
    {
        if (HostOffset != 0)
        {
            metadata.Places.Add(MetadataKind.SnapshotTable, HostOffset, LengthBytes);
        }

        bool looksInside = (metadata.Places.Checked & MetadataKind.InactiveL2) != 0;
        foreach (SnapshotEntry entry in Entries.Where(entry => entry.L1EntryCount > 0 && (looksInside || entry.HasUsableTop(metadata.Geometry))))
        {
            ulong[] top = looksInside ? await ReadTopAsync(entry, metadata) : [];
            metadata.Places.Add(MetadataKind.InactiveL1, (long)entry.L1Offset, entry.L1EntryCount * (long)sizeof(ulong));
            ClusterMap.AddTablePlaces(metadata.Places, metadata.Geometry, MetadataKind.InactiveL2, top);
        }
    }

    private static async ValueTask<ulong[]> ReadTopAsync(SnapshotEntry entry, Qcow2Metadata metadata)
    {
        try
        {
            return await entry.ReadTopAsync(metadata, CancellationToken.None);
        }
        catch (BlockException error)
        {
            throw error.Prefixed($"Node '{metadata.Node.Name}': overlap-check.inactive-l2 needs the tables of snapshot '{entry.Name}': ");
        }
    }

    private static void Check(Qcow2Header header)
    {
        if (header.SnapshotCount > CountMax)
        {
            throw new BlockException(BlockErrorKind.TooLarge, "Snapshot table too large");
        }

        long leastBytes = header.SnapshotCount * (long)SnapshotEntry.HeadBytes;
        if ((header.SnapshotsOffset & ((1UL << header.ClusterBits) - 1)) != 0 || header.SnapshotsOffset > (ulong)(long.MaxValue - LengthBytesMax - leastBytes))
        {
            throw new BlockException(BlockErrorKind.CorruptImage, "Snapshot table offset invalid");
        }
    }

    // At least so many bytes from `at` on, of which the window has the first.
    private static async ValueTask<Memory<byte>> ReachAsync(BlockChild file, long at, Memory<byte> window, int neededBytes, CancellationToken cancel)
    {
        if (window.Length >= neededBytes)
        {
            return window;
        }

        byte[] wider = new byte[Math.Max(neededBytes, WindowBytes)];
        try
        {
            await file.ReadAsync(at, wider, RequestFlags.None, cancel);
            return wider;
        }
        catch (BlockException error)
        {
            throw error.Prefixed("Failed to read snapshot table: ");
        }
    }
}
