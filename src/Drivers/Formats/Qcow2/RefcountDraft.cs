using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;

namespace BlockGraph.Drivers.Formats.Qcow2;

/// <summary>
/// Reference counts as they are to be, perhaps of another width: changed in memory, written where nothing was, in force with the one write of the header that leads
/// there. Until then the file's own counts, and everything that they count, stay as they are: so whatever fails on the way, or a power cut, leaves nothing behind.
/// </summary>
/// <remarks>
/// Nobody else changes counts meanwhile: the node is drained, and everything is in the file. A cluster that was used before is not taken, though the draft may
/// have freed it: the image that is still in force has it.
/// </remarks>
internal sealed partial class RefcountDraft
{
    private readonly Qcow2Metadata _metadata;
    private readonly Qcow2Geometry _old;
    private readonly List<RefcountDraftBlock> _unplaced = [];

    // What the image in force uses, and is free in the draft.
    private readonly ClusterSet _freed = new();
    private readonly int _order;
    private readonly bool _hasOldWidth;
    private readonly long _countsPerBlock;
    private long _next;
    private int _blockCount;

    /// <param name="metadata">The image whose counts they are.</param>
    /// <param name="order">The binary logarithm of the width of a count.</param>
    public RefcountDraft(Qcow2Metadata metadata, int order)
    {
        _metadata = metadata;
        _old = metadata.Geometry;
        _order = order;
        _countsPerBlock = (_old.ClusterBytes * 8L) >> order;
        _next = metadata.Allocator.Hint;
        RefcountMax = order == 6 ? ulong.MaxValue : (1UL << (1 << order)) - 1;
        _hasOldWidth = order == _old.RefcountOrder;
        _loadedCountMax = metadata.Options.DraftBlockCount(_old);
        _blockCount = _hasOldWidth ? metadata.Refcounts.EntryCount : 0;
        _places = new long[_hasOldWidth ? _blockCount : CountBlocks()];
    }

    /// <summary>The largest count.</summary>
    public ulong RefcountMax { get; }

    /// <summary>Where the table lies, once it was written.</summary>
    public long TableOffset { get; private set; }

    /// <summary>How many clusters it takes.</summary>
    public int TableClusters { get; private set; }

    /// <summary>How often a cluster is to be used.</summary>
    public ValueTask<ulong> GetAsync(long cluster)
    {
        int index = (int)(cluster / _countsPerBlock);
        return TryFind(index, out RefcountDraftBlock? block) ? new(Count(block, cluster)) : GetSlowAsync(index, cluster);
    }

    /// <summary>Changes how often a cluster is to be used that is used already.</summary>
    /// <exception cref="BlockException">It is not, would be used less than never, or more often than can be counted.</exception>
    public ValueTask ChangeAsync(long cluster, int change)
    {
        int index = (int)(cluster / _countsPerBlock);
        if (!TryFind(index, out RefcountDraftBlock? block))
        {
            return ChangeSlowAsync(index, cluster, change);
        }

        Change(block, cluster, change);
        return default;
    }

    /// <summary>Changes it for every cluster of a range of the file.</summary>
    public async ValueTask ChangeAsync(long hostOffset, long lengthBytes, int change)
    {
        for (long at = hostOffset; at < hostOffset + lengthBytes; at += _old.ClusterBytes)
        {
            await ChangeAsync(at >> _old.ClusterBits, change);
        }
    }

    /// <summary>Takes clusters that lie together and that nobody used before.</summary>
    /// <returns>Where they lie.</returns>
    /// <exception cref="BlockException">There are none left.</exception>
    public async ValueTask<long> TakeAsync(long count)
    {
        long hostOffset = await FindPlaceAsync(count);
        await TrimAsync();
        return hostOffset;
    }

    private async ValueTask<long> FindPlaceAsync(long count)
    {
        await _metadata.File.DebugEventAsync(DebugEvent.ClusterAlloc);
        long first = _next;
        for (long run = 0; run < count; run++)
        {
            long cluster = first + run;
            if ((cluster + 1) << _old.ClusterBits > (long)Qcow2Geometry.OffsetMask)
            {
                throw new BlockException(BlockErrorKind.TooLarge, $"Node '{_metadata.Node.Name}': the image has no cluster left below 2^56");
            }

            GiveUpClean();
            RefcountDraftBlock block = await LoadAsync((int)(cluster / _countsPerBlock));
            if (Count(block, cluster) != 0 || _freed.Contains(cluster))
            {
                first = cluster + 1;
                run = -1;
            }
        }

        _metadata.ThrowIfMetadata(first << _old.ClusterBits, count << _old.ClusterBits);
        for (long cluster = first; cluster < first + count; cluster++)
        {
            Set(await LoadAsync((int)(cluster / _countsPerBlock)), cluster, 1);
        }

        _next = count == 1 ? first + 1 : _next;
        return first << _old.ClusterBits;
    }

    /// <summary>Reads every count that the file has, so that all of them get another width.</summary>
    /// <exception cref="BlockException">One does not fit.</exception>
    public async Task LoadAllAsync(IProgress<double>? progress, CancellationToken cancel)
    {
        long perBlock = _old.RefcountsPerBlock;
        for (int i = 0; i < _metadata.Refcounts.EntryCount; i++)
        {
            cancel.ThrowIfCancellationRequested();
            if (_metadata.Refcounts.Blocks[i] == 0)
            {
                continue;
            }

            for (long cluster = i * perBlock; cluster < (i + 1) * perBlock; cluster += _countsPerBlock)
            {
                MarkChanged(await LoadAsync((int)(cluster / _countsPerBlock)));
                await TrimAsync();
            }

            progress?.Report((double)i / _metadata.Refcounts.EntryCount);
        }
    }

    /// <summary>Writes what was changed, and a table that leads there. What the old ones took is free when the header leads there.</summary>
    /// <param name="cancel">Ends it between two writes: like a failure it leaves what the header leads to as it was.</param>
    /// <exception cref="BlockException">There is no room, or it could not be written.</exception>
    public async Task WriteAsync(CancellationToken cancel = default)
    {
        Qcow2Header header = _metadata.Area.Header;
        await ChangeAsync(header.RefcountTableOffset, (long)header.RefcountTableClusters * _old.ClusterBytes, -1);
        if (!_hasOldWidth)
        {
            await DropOldBlocksAsync();
        }

        // Whatever gets a place is counted itself, perhaps by a block that needs a place from then on.
        while (_unplaced.Count > 0 || TableClusters * (long)_old.ClusterBytes < _blockCount * (long)sizeof(long))
        {
            if (_unplaced.Count == 0)
            {
                await PlaceTableAsync();
                continue;
            }

            RefcountDraftBlock block = _unplaced[^1];
            _unplaced.RemoveAt(_unplaced.Count - 1);
            await PlaceAsync(block);
            await TrimAsync();
        }

        await WriteAsync(_loaded, cancel);
        CompleteTable();
        await TableEntries.WriteAsync(_metadata.File, TableOffset, _places, _places.Length);
    }

    /// <summary>The table, once it was written.</summary>
    public long[] Blocks => _places;

    /// <summary>What was used before and is not any more, in ranges of the file, in order.</summary>
    public IEnumerable<(long HostOffset, long LengthBytes)> Freed() => _freed.Runs().Select(run => (run.First << _old.ClusterBits, run.Count << _old.ClusterBits));

    private async ValueTask<ulong> GetSlowAsync(int index, long cluster)
    {
        ulong count = Count(await LoadAsync(index), cluster);
        await TrimAsync();
        return count;
    }

    private async ValueTask ChangeSlowAsync(int index, long cluster, int change)
    {
        Change(await LoadAsync(index), cluster, change);
        await TrimAsync();
    }

    private ulong Count(RefcountDraftBlock block, long cluster) => RefcountBits.Get(block.Counts.Span, (int)(cluster % _countsPerBlock), _order);

    private void Change(RefcountDraftBlock block, long cluster, int change)
    {
        ulong count = Count(block, cluster);
        bool isTooLow = change < 0 ? count < (ulong)-change : count == 0;
        if (isTooLow || (change > 0 && RefcountMax - count < (ulong)change))
        {
            throw isTooLow
                ? new BlockException(BlockErrorKind.CorruptImage, $"The cluster at 0x{cluster << _old.ClusterBits:x} is used more often than its reference count of {count} says; check the image")
                : new BlockException(BlockErrorKind.InvalidArgument, $"The cluster at 0x{cluster << _old.ClusterBits:x} would be used more often than {1 << _order} bits can count; the image needs a larger refcount_bits");
        }

        Set(block, cluster, change < 0 ? count - (ulong)-change : count + (ulong)change);
    }

    private void Set(RefcountDraftBlock block, long cluster, ulong count)
    {
        MarkChanged(block);
        RefcountBits.Set(block.Counts.Span, (int)(cluster % _countsPerBlock), _order, count);
        if (count == 0)
        {
            _freed.Add(cluster);
        }
    }

    private void MarkChanged(RefcountDraftBlock block)
    {
        block.IsDirty = true;
        if (!block.IsChanged)
        {
            block.IsChanged = true;
            _unplaced.Add(block);
            _blockCount = Math.Max(_blockCount, block.Index + 1);
        }
    }

    private async ValueTask ConvertAsync(RefcountDraftBlock block)
    {
        long end = (block.Index + 1) * _countsPerBlock;
        for (long cluster = block.Index * _countsPerBlock; cluster < end;)
        {
            RefcountTable counts = _metadata.Refcounts;
            long sliceEnd = Math.Min(end, cluster - counts.IndexInSlice(cluster) + counts.CountsPerSlice);
            if (!counts.TryFindSlice(cluster, out long hostOffset))
            {
                cluster = sliceEnd;
                continue;
            }

            MetadataSlice slice = await counts.Cache.GetAsync(hostOffset);
            for (; cluster < sliceEnd; cluster++)
            {
                ulong count = RefcountBits.Get(slice.Bytes, counts.IndexInSlice(cluster), _old.RefcountOrder);
                if (count > RefcountMax)
                {
                    throw new BlockException(
                        $"Cannot decrease refcount entry width to {1 << _order} bits: Cluster at offset 0x{cluster << _old.ClusterBits:x} has a refcount of {count}");
                }

                RefcountBits.Set(block.Counts.Span, (int)(cluster % _countsPerBlock), _order, count);
            }
        }
    }

    private async ValueTask DropOldBlocksAsync()
    {
        for (int i = 0; i < _metadata.Refcounts.EntryCount; i++)
        {
            if (_metadata.Refcounts.TryFindSlice(i * _old.RefcountsPerBlock, out long hostOffset))
            {
                await ChangeAsync(hostOffset >> _old.ClusterBits, -1);
            }
        }
    }

    // Longer than needed where it grows at all, so that it need not grow with every block.
    private async ValueTask PlaceTableAsync()
    {
        if (TableOffset != 0)
        {
            await ChangeAsync(TableOffset, (long)TableClusters * _old.ClusterBytes, -1);
            for (int i = 0; i < TableClusters; i++)
            {
                // The image in force has nothing there.
                _freed.Remove((TableOffset >> _old.ClusterBits) + i);
            }
        }

        long entries = _blockCount > _metadata.Refcounts.EntryCount ? _blockCount + (_blockCount / 2L) : _blockCount;
        TableClusters = (int)Math.Max(1, _old.ClusterCount(entries * sizeof(long)));
        if (TableClusters * (long)_old.ClusterBytes > Qcow2Geometry.RefcountTableBytesMax)
        {
            throw new BlockException(BlockErrorKind.TooLarge, $"Node '{_metadata.Node.Name}': the refcount table would be longer than {Qcow2Geometry.RefcountTableBytesMax} bytes");
        }

        TableOffset = await TakeAsync(TableClusters);
    }

    // As many as count all of the file, and a little more: the blocks themselves come behind it.
    private int CountBlocks()
    {
        long count = _old.ClusterCount(_metadata.File.LengthBytes) / _countsPerBlock;
        return (int)Math.Min(count + (count / 32) + 1, Qcow2Geometry.RefcountTableBytesMax / sizeof(long));
    }

    // What has not changed stays where it is.
    private void CompleteTable()
    {
        Array.Resize(ref _places, (int)(TableClusters * (long)_old.ClusterBytes / sizeof(long)));
        ReadOnlySpan<long> old = _hasOldWidth ? _metadata.Refcounts.Blocks : [];
        for (int i = 0; i < Math.Min(old.Length, _places.Length); i++)
        {
            _places[i] = _places[i] == 0 ? old[i] : _places[i];
        }
    }
}
