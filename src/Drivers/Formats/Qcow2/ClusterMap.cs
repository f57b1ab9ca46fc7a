using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;

namespace BlockGraph.Drivers.Formats.Qcow2;

/// <summary>
/// Where the guest's clusters lie (specification: Cluster mapping): the active L1 table in memory, its L2 tables in a cache. A piece of the guest whose tables are
/// in memory is found without waiting.
/// </summary>
internal sealed partial class ClusterMap
{
    private const ulong CopiedFlag = L2Entry.CopiedFlag;

    private readonly Qcow2Metadata _metadata;
    private readonly Qcow2Geometry _geometry;
    private readonly BusyClusters _newTables = new();
    private ulong[] _top = [];

    public ClusterMap(Qcow2Metadata metadata, int sliceBytes, int sliceCountMax)
    {
        _metadata = metadata;
        _geometry = metadata.Geometry;
        Cache = new MetadataCache(metadata.File, sliceBytes, sliceCountMax, DebugEvent.L2Load, DebugEvent.L2Update);
    }

    /// <summary>The L2 tables, in slices.</summary>
    public MetadataCache Cache { get; }

    /// <summary>The L1 table.</summary>
    public ReadOnlySpan<ulong> Top => _top;

    /// <inheritdoc cref="Top"/>
    public ReadOnlyMemory<ulong> TopMemory => _top;

    /// <summary>How many entries of the L1 table lead somewhere.</summary>
    public int UsedEntryCount => _top.Length - _top.AsSpan().Count(0UL);

    /// <summary>Reads the L1 table.</summary>
    public async Task LoadAsync(CancellationToken cancel)
    {
        Qcow2Header header = _metadata.Area.Header;
        _top = await ReadTopAsync(header.L1Offset, header.L1EntryCount, cancel);
        _dirtyTop.Clear();
    }

    /// <summary>Reads an L1 table, the active one or a snapshot's.</summary>
    public async Task<ulong[]> ReadTopAsync(long hostOffset, int entryCount, CancellationToken cancel)
    {
        try
        {
            return await TableEntries.ReadAsync(_metadata.File, hostOffset, entryCount, cancel);
        }
        catch (BlockException error)
        {
            throw error.Prefixed("Could not read L1 table: ");
        }
    }

    /// <summary>Tells where the tables lie.</summary>
    public void AddPlaces(MetadataPlaces places)
    {
        Qcow2Header header = _metadata.Area.Header;
        places.Add(MetadataKind.ActiveL1, header.L1Offset, (long)header.L1EntryCount * sizeof(ulong));
        AddTablePlaces(places, _geometry, MetadataKind.ActiveL2, _top);
    }

    /// <summary>Tells where the tables lie that an L1 table leads to.</summary>
    public static void AddTablePlaces(MetadataPlaces places, Qcow2Geometry geometry, MetadataKind kind, ulong[] top)
    {
        foreach (ulong entry in top)
        {
            long table = (long)(entry & Qcow2Geometry.OffsetMask);
            if (table != 0 && geometry.IsClusterStart(table))
            {
                places.Add(kind, table, geometry.ClusterBytes);
            }
        }
    }

    /// <summary>
    /// Finds where all of a piece of the guest lies, if it is data that lies together and its tables are in memory; for a write also that it belongs to the active
    /// image alone and is none of the image's structures.
    /// </summary>
    public bool TryMap(long guestOffset, int length, bool forWrite, out long hostOffset)
    {
        hostOffset = 0;
        if (!TryGetSlice(guestOffset, out MetadataSlice? slice, out int index))
        {
            return false;
        }

        ulong need = forWrite ? CopiedFlag : 0;
        int inCluster = _geometry.InCluster(guestOffset);
        long next = 0;
        for (int done = 0; done < length;)
        {
            if (index * _geometry.L2EntryBytes >= Cache.SliceBytes)
            {
                return false;
            }

            L2Entry entry = L2Entry.Read(slice!.Bytes[(index * _geometry.L2EntryBytes)..], _geometry);
            int step = Math.Min(length - done, _geometry.ClusterBytes - inCluster);
            if (entry.IsCompressed || (entry.Descriptor & need) != need || !IsAllData(entry, inCluster, step) || !_geometry.IsClusterStart(entry.HostOffset))
            {
                return false;
            }

            long at = _geometry.HasDataFile ? guestOffset + done : entry.HostOffset + inCluster;
            if (done == 0)
            {
                hostOffset = at;
            }
            else if (at != next)
            {
                return false;
            }

            next = at + step;
            done += step;
            inCluster = 0;
            index++;
        }

        return !forWrite || _geometry.HasDataFile || _metadata.Places.IsFree(hostOffset, length);
    }

    /// <summary>What the image has from a guest offset on, as far as it is all alike and in one slice.</summary>
    /// <exception cref="BlockException">A table could not be read, or is corrupt there.</exception>
    public ValueTask<GuestRun> FindAsync(long guestOffset, long lengthMax) =>
        TryGetSlice(guestOffset, out MetadataSlice? slice, out int index) ? new(RunIn(slice!, index, guestOffset, lengthMax)) : FindSlowAsync(guestOffset, lengthMax);

    /// <summary>The entry of a guest offset.</summary>
    public ValueTask<L2Entry> GetEntryAsync(long guestOffset) =>
        TryGetSlice(guestOffset, out MetadataSlice? slice, out int index) ? new(RunIn(slice!, index, guestOffset, 1).Entry) : GetEntrySlowAsync(guestOffset);

    /// <summary>How many entries from that of a guest offset on, all in one slice with it, are as is wanted.</summary>
    public async ValueTask<int> CountAsync(long guestOffset, int countMax, Func<L2Entry, bool> isWanted)
    {
        Invariant.Check(countMax <= EntriesLeftInSlice(guestOffset));
        long table = TableOf(_geometry.L1Index(guestOffset));
        if (table == 0)
        {
            return isWanted(L2Entry.Unallocated) ? countMax : 0;
        }

        int bytes = _geometry.L2Index(guestOffset) * _geometry.L2EntryBytes;
        MetadataSlice slice = await Cache.GetAsync(table + bytes);
        int index = (bytes & (Cache.SliceBytes - 1)) / _geometry.L2EntryBytes;
        int count = 0;
        while (count < countMax && isWanted(EntryIn(slice, index + count, guestOffset + ((long)count << _geometry.ClusterBits))))
        {
            count++;
        }

        return count;
    }

    /// <summary>
    /// How long a piece of the guest from an offset on, all in one slice, lies together in clusters that belong to the active image alone, whether its bytes there say
    /// something already or not: all of it may be written at once. 0 where the first cluster is not such a one.
    /// </summary>
    /// <exception cref="BlockException">A table could not be read.</exception>
    public async ValueTask<long> CountTakenAsync(long guestOffset, long lengthMax)
    {
        long table = TableOf(_geometry.L1Index(guestOffset));
        if (table == 0)
        {
            return _geometry.HasDataFile ? Math.Min(lengthMax, ((long)EntriesLeftInSlice(guestOffset) << _geometry.ClusterBits) - _geometry.InCluster(guestOffset)) : 0;
        }

        int bytes = _geometry.L2Index(guestOffset) * _geometry.L2EntryBytes;
        MetadataSlice slice = await Cache.GetAsync(table + bytes);
        long clusterStart = _geometry.ClusterStart(guestOffset);
        long end = clusterStart;
        long shift = 0;
        for (int at = bytes & (Cache.SliceBytes - 1); at < Cache.SliceBytes && end - guestOffset < lengthMax; at += _geometry.L2EntryBytes)
        {
            L2Entry entry = L2Entry.Read(slice.Bytes[at..], _geometry);
            shift = end == clusterStart ? entry.HostOffset - end : shift;
            if (!IsTaken(entry) || (!_geometry.HasDataFile && entry.HostOffset - end != shift))
            {
                break;
            }

            end += _geometry.ClusterBytes;
        }

        return Math.Clamp(end - guestOffset, 0, lengthMax);
    }

    /// <summary>Where the L2 table of an L1 entry lies; 0 for none.</summary>
    public long TableOf(int l1Index, bool forWrite = false)
    {
        long table = l1Index < _top.Length ? (long)(_top[l1Index] & Qcow2Geometry.OffsetMask) : 0;
        if (!_geometry.IsClusterStart(table))
        {
            string message = $"L2 table offset 0x{table:x} unaligned (L1 index: 0x{l1Index:x})";
            throw forWrite ? _metadata.MarkCorrupt(message, table, _geometry.ClusterBytes) : _metadata.ReportCorrupt(message, table, _geometry.ClusterBytes);
        }

        return table;
    }

    private bool TryGetSlice(long guestOffset, out MetadataSlice? slice, out int index)
    {
        slice = null;
        int l1Index = _geometry.L1Index(guestOffset);
        int bytes = _geometry.L2Index(guestOffset) * _geometry.L2EntryBytes;
        index = (bytes & (Cache.SliceBytes - 1)) / _geometry.L2EntryBytes;
        if (l1Index >= _top.Length)
        {
            return false;
        }

        long table = (long)(_top[l1Index] & Qcow2Geometry.OffsetMask);
        return table != 0 && _geometry.IsClusterStart(table) && Cache.TryGet(table + bytes, out slice);
    }

    private async ValueTask<L2Entry> GetEntrySlowAsync(long guestOffset) => (await FindSlowAsync(guestOffset, 1)).Entry;

    private async ValueTask<GuestRun> FindSlowAsync(long guestOffset, long lengthMax)
    {
        long table = TableOf(_geometry.L1Index(guestOffset));
        if (table == 0)
        {
            long left = _geometry.L1SpanBytes - (guestOffset & (_geometry.L1SpanBytes - 1));
            return new GuestRun(SubclusterKind.Unallocated, Math.Min(left, lengthMax), 0, L2Entry.Unallocated);
        }

        int bytes = _geometry.L2Index(guestOffset) * _geometry.L2EntryBytes;
        MetadataSlice slice = await Cache.GetAsync(table + bytes);
        return RunIn(slice, (bytes & (Cache.SliceBytes - 1)) / _geometry.L2EntryBytes, guestOffset, lengthMax);
    }

    private GuestRun RunIn(MetadataSlice slice, int index, long guestOffset, long lengthMax)
    {
        L2Entry first = L2Entry.Read(slice.Bytes[(index * _geometry.L2EntryBytes)..], _geometry);
        int subcluster = _geometry.Subcluster(guestOffset);
        SubclusterKind kind = first.KindOf(subcluster);
        ThrowIfCorrupt(first, kind, slice, index, guestOffset);
        long length = ((long)(subcluster + first.RunOf(subcluster, _geometry.SubclusterCount)) * _geometry.SubclusterBytes) - _geometry.InCluster(guestOffset);
        long hostOffset = !first.HasCluster ? 0 : _geometry.HasDataFile ? guestOffset : first.HostOffset + _geometry.InCluster(guestOffset);
        bool endsWithCluster = _geometry.IsClusterStart(guestOffset + length);
        while (endsWithCluster && kind != SubclusterKind.Compressed && length < lengthMax && ++index * _geometry.L2EntryBytes < Cache.SliceBytes)
        {
            L2Entry next = L2Entry.Read(slice.Bytes[(index * _geometry.L2EntryBytes)..], _geometry);
            if (next.KindOf(0) != kind || next.HasCluster != first.HasCluster || next.IsCopied != first.IsCopied || !_geometry.IsClusterStart(next.HostOffset)
                || (first.HasCluster && !_geometry.HasDataFile && next.HostOffset != hostOffset + length))
            {
                break;
            }

            int run = next.RunOf(0, _geometry.SubclusterCount);
            length += (long)run * _geometry.SubclusterBytes;
            endsWithCluster = run == _geometry.SubclusterCount;
        }

        return new GuestRun(kind, Math.Min(length, lengthMax), hostOffset, first);
    }

    // Nothing is wrong with one that says nothing, and of a new table they are all like that.
    private L2Entry EntryIn(MetadataSlice slice, int index, long guestOffset)
    {
        L2Entry entry = L2Entry.Read(slice.Bytes[(index * _geometry.L2EntryBytes)..], _geometry);
        return entry.IsEmpty ? entry : RunIn(slice, index, guestOffset, 1).Entry;
    }

    private void ThrowIfCorrupt(L2Entry entry, SubclusterKind kind, MetadataSlice slice, int index, long guestOffset)
    {
        string? message = kind == SubclusterKind.Invalid ? "Invalid cluster entry found "
            : kind == SubclusterKind.Compressed ? (_geometry.HasDataFile ? "Compressed cluster entry found in image with external data file" : null)
            : !_geometry.IsClusterStart(entry.HostOffset) ? $"Cluster allocation offset 0x{entry.HostOffset:x} unaligned"
            : kind == SubclusterKind.Zero && _metadata.Area.Header.Version < 3 ? "Zero cluster entry found in pre-v3 image"
            : null;
        if (message is not null)
        {
            string where = $"(L2 offset: 0x{slice.HostOffset & ~(_geometry.ClusterBytes - 1L):x}, L2 index: 0x{_geometry.L2Index(guestOffset):x})";
            throw _metadata.ReportCorrupt($"{message} {where}", slice.HostOffset + (index * _geometry.L2EntryBytes), _geometry.L2EntryBytes);
        }
    }

    // What contradicts itself is not: who comes to it tells of it.
    private bool IsTaken(L2Entry entry) =>
        !entry.IsContradictory && _geometry.IsClusterStart(entry.HostOffset) && (_geometry.HasDataFile ? !entry.IsCompressed : entry.HasCluster && entry.IsCopied)
        && (entry.Bitmap >> 32 == 0 || _metadata.Area.Header.Version >= 3);

    private bool IsAllData(L2Entry entry, int inCluster, int length)
    {
        if (!_geometry.HasSubclusters)
        {
            return entry.Bitmap == 1;
        }

        int first = inCluster / _geometry.SubclusterBytes;
        int last = (inCluster + length - 1) / _geometry.SubclusterBytes;
        ulong mask = ((1UL << (last - first + 1)) - 1) << first;
        return (entry.Bitmap & (mask | (mask << 32))) == mask && entry.HasCluster;
    }
}
