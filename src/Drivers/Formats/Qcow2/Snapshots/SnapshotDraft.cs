using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.Drivers.Formats.Qcow2.Snapshots;

/// <summary>One change of an image's snapshots on the way: the counts, the active map and the snapshot table as they are to be.</summary>
internal sealed class SnapshotDraft
{
    private readonly Qcow2Metadata _metadata;
    private readonly Qcow2Geometry _geometry;
    private ulong[] _top = [];
    private long _topOffset;

    public SnapshotDraft(Qcow2Metadata metadata)
    {
        _metadata = metadata;
        _geometry = metadata.Geometry;
        Counts = new RefcountDraft(metadata, _geometry.RefcountOrder);
        Mapping = new MappingDraft(metadata, Counts);
    }

    /// <summary>The reference counts.</summary>
    public RefcountDraft Counts { get; }

    /// <summary>What walks the tables.</summary>
    public MappingDraft Mapping { get; }

    /// <summary>The active image gets another L1 table, for what <paramref name="top"/> leads to, which becomes that table; the one it has becomes a snapshot's.</summary>
    public async Task KeepTopAsync(ulong[] top, CancellationToken cancel)
    {
        await Mapping.RebuildAsync(top, cancel);
        _top = top;
        _topOffset = _top.Length == 0 ? _metadata.Area.Header.L1Offset : await WriteTopAsync();
    }

    /// <summary>The active image gets another L1 table, for what <paramref name="top"/> leads to, which becomes that table; unless it has that already.</summary>
    public async Task ReplaceTopAsync(ulong[] top, CancellationToken cancel)
    {
        await Mapping.RebuildAsync(top, cancel);
        _top = top;
        Qcow2Header header = _metadata.Area.Header;
        if (_metadata.Map.Top.SequenceEqual(_top))
        {
            _topOffset = header.L1Offset;
            await ThrowIfDroppedAsync(header);
            return;
        }

        _topOffset = await WriteTopAsync();
        await Counts.ChangeAsync(header.L1Offset, _geometry.RoundUp(header.L1EntryCount * (long)sizeof(ulong)), -1);
    }

    /// <summary>The active image keeps the L1 table that it has, whatever its marks say.</summary>
    public void KeepTopAsIs()
    {
        _top = _metadata.Map.Top.ToArray();
        _topOffset = _metadata.Area.Header.L1Offset;
    }

    /// <summary>A snapshot gets another L1 table.</summary>
    /// <returns>The entry that says so.</returns>
    public async Task<SnapshotEntry> ChangeTopAsync(SnapshotEntry entry, ulong[] top)
    {
        long hostOffset = await WriteTopAsync(top);
        await Counts.ChangeAsync((long)entry.L1Offset, _geometry.RoundUp(entry.L1EntryCount * (long)sizeof(ulong)), -1);
        return entry with { L1Offset = (ulong)hostOffset };
    }

    /// <summary>Writes the rest and puts all of it in force.</summary>
    /// <param name="entries">The snapshots there are to be.</param>
    /// <param name="lengthBytes">The length that the guest is to see, in bytes.</param>
    /// <param name="cancel">Ends it before anything is in force: the image is as it was.</param>
    /// <exception cref="BlockException">It could not be written: the image is as it was.</exception>
    public async Task CommitAsync(IReadOnlyList<SnapshotEntry> entries, long lengthBytes, CancellationToken cancel)
    {
        SnapshotTable snapshots = await WriteSnapshotsAsync(entries);
        await Counts.WriteAsync(cancel);
        await _metadata.File.FlushAsync(CancellationToken.None);
        await _metadata.SwitchHeaderAsync(area => area with
        {
            Header = area.Header with
            {
                LengthBytes = lengthBytes,
                L1Offset = _topOffset,
                L1EntryCount = _top.Length,
                RefcountTableOffset = Counts.TableOffset,
                RefcountTableClusters = Counts.TableClusters,
                SnapshotCount = (uint)snapshots.Entries.Count,
                SnapshotsOffset = (ulong)snapshots.HostOffset,
            },
        });
        await _metadata.AdoptAsync(Counts, _top, snapshots, DiscardReason.Snapshot);
    }

    private Task<long> WriteTopAsync() => WriteTopAsync(_top);

    private async Task<long> WriteTopAsync(ulong[] top)
    {
        if (top.Length == 0)
        {
            return await Counts.TakeAsync(1);
        }

        long lengthBytes = _geometry.RoundUp(top.Length * (long)sizeof(ulong));
        long hostOffset = await Counts.TakeAsync(lengthBytes >> _geometry.ClusterBits);
        await TableEntries.WriteAsync(_metadata.File, hostOffset, top, lengthBytes / sizeof(ulong));
        return hostOffset;
    }

    // Of an image whose snapshots have the active table as theirs.
    private async Task ThrowIfDroppedAsync(Qcow2Header header)
    {
        if (header.L1EntryCount > 0 && await Counts.GetAsync(header.L1Offset >> _geometry.ClusterBits) == 0)
        {
            throw new BlockException(BlockErrorKind.CorruptImage, $"The active L1 table at 0x{header.L1Offset:x} is a snapshot's too; check the image");
        }
    }

    private async Task<SnapshotTable> WriteSnapshotsAsync(IReadOnlyList<SnapshotEntry> entries)
    {
        SnapshotTable old = _metadata.Snapshots;
        if (ReferenceEquals(entries, old.Entries))
        {
            return old;
        }

        if (old.HostOffset != 0)
        {
            await Counts.ChangeAsync(old.HostOffset, _geometry.RoundUp(old.LengthBytes), -1);
        }

        if (entries.Count == 0)
        {
            return SnapshotTable.Empty;
        }

        byte[] table = SnapshotTable.Format(entries, _metadata.Area.Header.LengthBytes);
        byte[] bytes = new byte[_geometry.RoundUp(table.Length)];
        table.CopyTo(bytes, 0);
        long hostOffset = await Counts.TakeAsync(bytes.Length >> _geometry.ClusterBits);
        await _metadata.File.WriteAsync(hostOffset, bytes, RequestFlags.None, CancellationToken.None);
        return new SnapshotTable(entries, hostOffset, table.Length);
    }
}
