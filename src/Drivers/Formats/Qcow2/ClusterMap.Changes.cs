using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.Drivers.Formats.Qcow2;

/// <content>What changes the map: entries, new tables, a longer L1 table. All in memory first; the file is told by a write-back.</content>
internal sealed partial class ClusterMap
{
    private const int TopSectorBytes = 512;
    private const int EntriesPerSector = TopSectorBytes / sizeof(ulong);

    // Sectors of the L1 table that are newer in memory.
    private readonly SortedSet<int> _dirtyTop = [];

    // What a new table is in the file at first.
    private Memory<byte> _zeroTable;

    /// <summary>The file has something older.</summary>
    public bool HasDirty => Cache.HasDirty || _dirtyTop.Count > 0;

    /// <summary>How many entries from that of a guest offset on are in one slice with it.</summary>
    public int EntriesLeftInSlice(long guestOffset)
    {
        int perSlice = Cache.SliceBytes / _geometry.L2EntryBytes;
        return perSlice - (_geometry.L2Index(guestOffset) & (perSlice - 1));
    }

    /// <summary>
    /// Changes the entries of <paramref name="count"/> clusters from a guest offset on, all in one slice and all at once: each becomes what
    /// <paramref name="change"/> makes of it. The caller has the clusters to itself.
    /// </summary>
    /// <exception cref="BlockException">A table could not be read or made; no entry has changed.</exception>
    public async ValueTask ChangeAsync(long guestOffset, int count, Func<int, L2Entry, L2Entry> change)
    {
        Invariant.Check(count <= EntriesLeftInSlice(guestOffset));
        long table = await GetOwnTableAsync(_geometry.L1Index(guestOffset));
        long at = table + ((long)_geometry.L2Index(guestOffset) * _geometry.L2EntryBytes);
        MetadataSlice slice = await Cache.GetAsync(at);
        Span<byte> bytes = Cache.Change(slice)[(int)(at - slice.HostOffset)..];
        for (int i = 0; i < count; i++, bytes = bytes[_geometry.L2EntryBytes..])
        {
            change(i, L2Entry.Read(bytes, _geometry)).WriteTo(bytes, _geometry);
        }
    }

    /// <summary>Makes sure that an L2 table is there and belongs to the active image alone.</summary>
    public async ValueTask<long> GetOwnTableAsync(int l1Index)
    {
        Invariant.Check(l1Index < _top.Length, "a guest offset is beyond the L1 table");
        if ((_top[l1Index] & CopiedFlag) != 0 && TableOf(l1Index, forWrite: true) is not 0 and long own)
        {
            return own;
        }

        await _newTables.EnterAsync(l1Index, l1Index, CancellationToken.None);
        try
        {
            long old = TableOf(l1Index, forWrite: true);
            return old != 0 && (_top[l1Index] & CopiedFlag) != 0 ? old : await AllocateTableAsync(l1Index, old);
        }
        finally
        {
            _newTables.Exit(l1Index, l1Index);
        }
    }

    /// <summary>Takes what is newer of the L1 table, as it is now, to be written.</summary>
    public List<(long HostOffset, byte[] Bytes)> CaptureTop()
    {
        List<(long, byte[])> captured = new(_dirtyTop.Count);
        foreach (int sector in _dirtyTop)
        {
            int first = sector * EntriesPerSector;
            int count = Math.Min(EntriesPerSector, _top.Length - first);
            captured.Add((_metadata.Area.Header.L1Offset + ((long)first * sizeof(ulong)), TableEntries.Format(_top.AsSpan(first, count))));
        }

        _dirtyTop.Clear();
        return captured;
    }

    /// <summary>Writes what was captured.</summary>
    public async ValueTask WriteTopAsync(List<(long HostOffset, byte[] Bytes)> captured)
    {
        foreach ((long hostOffset, byte[] bytes) in captured)
        {
            await _metadata.File.DebugEventAsync(DebugEvent.L1Update);
            await _metadata.File.WriteAsync(hostOffset, bytes, RequestFlags.None, CancellationToken.None);
        }
    }

    /// <summary>It was not all written: it is newer still.</summary>
    public void RestoreTop(List<(long HostOffset, byte[] Bytes)> captured)
    {
        foreach ((long hostOffset, _) in captured)
        {
            _dirtyTop.Add((int)((hostOffset - _metadata.Area.Header.L1Offset) / TopSectorBytes));
        }
    }

    /// <summary>Sets an entry of the L1 table.</summary>
    public void SetTop(int l1Index, ulong entry)
    {
        _top[l1Index] = entry;
        _dirtyTop.Add(l1Index / EntriesPerSector);
    }

    /// <summary>The L1 table is another now; the file has it already.</summary>
    public void ReplaceTop(ulong[] top)
    {
        Invariant.Check(_dirtyTop.Count == 0);
        _top = top;
    }

    /// <summary>Makes the L1 table longer, elsewhere in the file. Everything else is in the file already; the node is drained or nobody else changes the table.</summary>
    /// <exception cref="BlockException">There is no room, or it could not be written: the old one holds.</exception>
    public async ValueTask GrowTopAsync(long entryCount)
    {
        if (entryCount <= _top.Length)
        {
            return;
        }

        if (entryCount > Qcow2Geometry.L1BytesMax / sizeof(ulong))
        {
            throw new BlockException(BlockErrorKind.TooLarge, "Failed to grow the L1 table: File too large");
        }

        await _metadata.SettleAsync();
        Qcow2Header old = _metadata.Area.Header;
        ulong[] top = new ulong[entryCount];
        _top.CopyTo(top, 0);
        int clusters = (int)_geometry.ClusterCount(entryCount * sizeof(ulong));
        await _metadata.File.DebugEventAsync(DebugEvent.L1GrowAllocTable);
        long hostOffset = await _metadata.Allocator.AllocateTogetherAsync(clusters);
        await _metadata.File.DebugEventAsync(DebugEvent.L1GrowWriteTable);
        await TableEntries.WriteAsync(_metadata.File, hostOffset, top, ((long)clusters << _geometry.ClusterBits) / sizeof(ulong));

        // Its count is in the file before the header leads there.
        await _metadata.SettleAsync();
        await _metadata.File.DebugEventAsync(DebugEvent.L1GrowActivateTable);
        await _metadata.ChangeHeaderAsync(header => header with { L1Offset = hostOffset, L1EntryCount = (int)entryCount });
        await _metadata.File.FlushAsync(CancellationToken.None);
        _top = top;
        _metadata.Places.Remove(MetadataKind.ActiveL1, old.L1Offset, (long)old.L1EntryCount * sizeof(ulong));
        _metadata.Places.Add(MetadataKind.ActiveL1, hostOffset, entryCount * sizeof(ulong));
        _metadata.Freed.Add(old.L1Offset, _geometry.RoundUp((long)old.L1EntryCount * sizeof(ulong)), DiscardReason.Other);
    }

    private Memory<byte> ZeroTable => _zeroTable.IsEmpty ? _zeroTable = NewTable() : _zeroTable;

    private Memory<byte> NewTable() => AlignedBuffer.Allocate(_geometry.ClusterBytes, _metadata.File.Node.Limits.MemoryAlignmentBytes);

    // A new table is in the file, as zeros or as what it is a copy of, before anything leads to it.
    private async ValueTask<long> AllocateTableAsync(int l1Index, long old)
    {
        (long hostOffset, _) = await _metadata.Allocator.AllocateAsync(1);
        try
        {
            Memory<byte> table = ZeroTable;
            if (old != 0)
            {
                table = NewTable();
                await _metadata.File.DebugEventAsync(DebugEvent.L2AllocCowRead);

                // A shared table is never changed: the file has it.
                await _metadata.File.ReadAsync(old, table, RequestFlags.None, CancellationToken.None);
            }

            await _metadata.File.DebugEventAsync(DebugEvent.L2AllocWrite);
            await _metadata.File.WriteAsync(hostOffset, table, RequestFlags.None, CancellationToken.None);
            await _metadata.WriteLateCountsAsync();
        }
        catch
        {
            await _metadata.Allocator.GiveBackAsync(hostOffset, 1);
            throw;
        }

        Cache.Forget(hostOffset, _geometry.ClusterBytes);
        if (old == 0)
        {
            Cache.KnowZeros(hostOffset, _geometry.ClusterBytes);
        }

        SetTop(l1Index, (ulong)hostOffset | CopiedFlag);
        _metadata.Places.Add(MetadataKind.ActiveL2, hostOffset, _geometry.ClusterBytes);
        if (old != 0)
        {
            _metadata.Places.Remove(MetadataKind.ActiveL2, old, _geometry.ClusterBytes);
            _metadata.Freed.Add(old, _geometry.ClusterBytes, DiscardReason.Other);
        }

        return hostOffset;
    }
}
