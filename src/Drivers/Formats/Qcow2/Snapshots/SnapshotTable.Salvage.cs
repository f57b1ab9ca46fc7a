using BlockGraph.BlockCore.Graph;

namespace BlockGraph.Drivers.Formats.Qcow2.Snapshots;

/// <content>What can be had of a table that cannot be right.</content>
internal sealed partial record SnapshotTable
{
    // An entry that is written has all the extra data that is known, and padding.
    private const int EntryBytesMore = 32;

    /// <summary>Reads as many entries as a table may have, each with as much extra data as it may have.</summary>
    /// <param name="file">Where the table is.</param>
    /// <param name="header">The header that leads there.</param>
    /// <param name="tell">Told of all that is left out.</param>
    /// <param name="cancel">Ends it between two steps.</param>
    /// <returns>The entries; null where the table lies as none can.</returns>
    /// <exception cref="BlockCore.Errors.BlockException">It could not be read.</exception>
    public static async Task<IReadOnlyList<SnapshotEntry>?> SalvageAsync(BlockChild file, Qcow2Header header, Action<string> tell, CancellationToken cancel)
    {
        if (!LiesWell(header))
        {
            return null;
        }

        long count = Math.Min(header.SnapshotCount, CountMax);
        if (count < header.SnapshotCount)
        {
            tell($"Discarding {header.SnapshotCount - count} overhanging snapshots");
        }

        long start = (long)header.SnapshotsOffset;
        long at = start;
        List<SnapshotEntry> entries = [];
        long lengthBytes = 0;
        int hollowCount = 0;
        Memory<byte> window = default;
        for (int i = 0; i < count; i++)
        {
            window = await ReachAsync(file, at, window, SnapshotEntry.HeadBytes, cancel);
            long entryBytes = SnapshotEntry.MeasureBytes(window.Span, out uint extraBytes);
            if (extraBytes > SnapshotEntry.ExtraBytesMax)
            {
                tell($"Discarding too much extra metadata in snapshot table entry {i} ({extraBytes} > {SnapshotEntry.ExtraBytesMax})");
            }

            if (at + entryBytes - start > LengthBytesMax || lengthBytes > LengthBytesMax - entryBytes - EntryBytesMore)
            {
                tell($"Discarding {count - i} overhanging snapshots (snapshot table is too big)");
                break;
            }

            window = await ReachAsync(file, at, window, (int)entryBytes, cancel);
            SnapshotEntry entry = SnapshotEntry.ParseShortened(window.Span[..(int)entryBytes]);
            if (entry.IsHollow)
            {
                hollowCount++;
            }
            else
            {
                entries.Add(entry);
                lengthBytes += entry.TotalBytes;
            }

            entryBytes = (entryBytes + 7) & ~7L;
            at += entryBytes;
            window = window[(int)Math.Min(window.Length, entryBytes)..];
        }

        if (hollowCount > 0)
        {
            tell($"Discarding {hollowCount} entries of the snapshot table that hold nothing");
        }

        return entries;
    }

    /// <summary>True where the header leads to a place where a table can be.</summary>
    public static bool LiesWell(Qcow2Header header) =>
        (header.SnapshotsOffset & ((1UL << header.ClusterBits) - 1)) == 0 && header.SnapshotsOffset <= (ulong)(long.MaxValue - (2 * LengthBytesMax));
}
