using BlockGraph.BlockCore.Errors;
using BlockGraph.Drivers.Formats.Qcow2.Bitmaps;
using BlockGraph.Drivers.Formats.Qcow2.Snapshots;

namespace BlockGraph.Drivers.Formats.Qcow2.Check;

/// <content>Snapshots and bitmaps: where their tables lie.</content>
internal sealed partial class ReferenceScan
{
    private async Task AddSnapshotsAsync(TableSweep tops)
    {
        if (Header.SnapshotCount == 0)
        {
            return;
        }

        if (metadata.SnapshotFault is { } fault)
        {
            throw SnapshotsUnknown(fault);
        }

        long start = (long)Header.SnapshotsOffset;
        long at = start;
        HashSet<string> ids = [];
        for (int i = 0; i < Header.SnapshotCount; i++)
        {
            if (await ReadSnapshotAsync(at) is not var (entry, entryBytes))
            {
                return;
            }

            at += entryBytes;
            AddSnapshot(tops, i, entry, ids);
        }

        TryAdd(start, at - start, 1, MetadataKind.SnapshotTable);
    }

    private async Task<(SnapshotEntry Entry, long EntryBytes)?> ReadSnapshotAsync(long hostOffset)
    {
        if (await TryReadAsync(hostOffset, SnapshotEntry.HeadBytes, "the snapshot table") is not { } head)
        {
            return null;
        }

        long entryBytes = SnapshotEntry.MeasureBytes(head.Span, out _);
        return await TryReadAsync(hostOffset, (int)entryBytes, "the snapshot table") is { } bytes && SnapshotEntry.TryParse(bytes.Span, out SnapshotEntry entry)
            ? (entry, (entryBytes + 7) & ~7L)
            : null;
    }

    // What the header says is told as it is, what stands in the table as what could not be read.
    private BlockException SnapshotsUnknown(BlockException fault)
    {
        bool isTooMany = Header.SnapshotCount > SnapshotTable.CountMax;
        bool isHeaders = isTooMany || !SnapshotTable.LiesWell(Header);
        return new BlockException(fault.Kind, isHeaders ? $"ERROR s{fault.Message[1..]}" : $"ERROR failed to read the snapshot table: {fault.Message}")
        {
            Hint = isTooMany ? $"You can force-remove all {Header.SnapshotCount - SnapshotTable.CountMax} overhanging snapshots with qemu-img check -r all" : fault.Hint,
        };
    }

    private void AddSnapshot(TableSweep tops, int index, SnapshotEntry entry, HashSet<string> ids)
    {
        string name = $"snapshot {entry.Id} ({entry.Name})";
        if (Header.Version >= 3 && entry.DiskBytes is null)
        {
            report.Error($"ERROR snapshot table entry {index} is incomplete");
        }

        if (!ids.Add(entry.Id))
        {
            report.Error($"ERROR {name}: another snapshot has this ID");
        }

        long topBytes = (long)entry.L1EntryCount * sizeof(ulong);
        string? refusal = !_geometry.IsClusterStart((long)(entry.L1Offset & long.MaxValue)) || entry.L1Offset > Qcow2Geometry.OffsetMask
                ? $"ERROR {name} l1_offset=0x{entry.L1Offset:x}: L1 table is not cluster aligned; snapshot table entry corrupted"
            : topBytes > Qcow2Geometry.L1BytesMax ? $"ERROR {name} l1_size=0x{entry.L1EntryCount:x}: L1 table is too large; snapshot table entry corrupted"
            : null;
        if (refusal is not null)
        {
            report.Error(refusal);
            _references.HidesReferences = true;
            return;
        }

        if (entry.DiskBytes is { } diskBytes && (diskBytes > long.MaxValue || _geometry.L1EntryCount((long)diskBytes) > entry.L1EntryCount))
        {
            report.Error($"ERROR {name} l1_size=0x{entry.L1EntryCount:x}: L1 table is too small for a disk of {diskBytes} bytes");
        }

        AddTable(tops, (long)entry.L1Offset, topBytes, isActive: false);
    }

    // Where the header says that somebody wrote who did not know them they are nobody's.
    private async Task AddBitmapsAsync()
    {
        if (metadata.Area.BitmapsExtension.IsEmpty || (Header.Autoclear & Qcow2AutoclearFeatures.Bitmaps) == 0)
        {
            return;
        }

        BitmapsExtension extension = BitmapsExtension.Parse(metadata.Area.BitmapsExtension.Span, _geometry);
        if (!TryAdd(extension.DirectoryOffset, extension.DirectoryBytes, 1, MetadataKind.BitmapDirectory)
            || await TryReadAsync(extension.DirectoryOffset, extension.DirectoryBytes, "the bitmap directory") is not { } directory)
        {
            return;
        }

        TableSweep tables = new(_geometry);
        foreach (BitmapDirectoryEntry entry in BitmapDirectoryEntry.ParseAll(directory.Span, extension.Count, _geometry, Header.LengthBytes))
        {
            if (entry.Name.Contains('\0', StringComparison.Ordinal))
            {
                report.Error("ERROR the name of a bitmap contains a zero byte");
            }

            AddTable(tables, (long)entry.TableOffset, entry.TableBytes, isActive: true);
        }

        foreach (TablePiece piece in tables.Clusters())
        {
            Count(piece.HostOffset, piece.LengthBytes, piece.Weight, MetadataKind.BitmapDirectory);
        }

        foreach (TablePiece piece in tables.Pieces())
        {
            await ForEachChunkAsync(piece, "a bitmap table", (_, chunk) => AddBitmapTable(chunk, piece.Weight));
        }
    }

    private void AddBitmapTable(ReadOnlySpan<byte> chunk, ulong weight)
    {
        for (int i = 0; i < chunk.Length / sizeof(ulong); i++)
        {
            ulong entry = EntryAt(chunk, i);
            long hostOffset = (long)(entry & Qcow2Geometry.OffsetMask);
            if ((entry & BitmapDirectoryEntry.ReservedTableBits) != 0 || !_geometry.IsClusterStart(hostOffset) || (hostOffset != 0 && (entry & 1) != 0))
            {
                report.Error($"ERROR found bitmap table entry with reserved bits set: {entry:x}");
            }

            if (hostOffset != 0 && _geometry.IsClusterStart(hostOffset))
            {
                TryAdd(hostOffset, _geometry.ClusterBytes, weight, MetadataKind.BitmapDirectory);
            }
        }
    }
}
