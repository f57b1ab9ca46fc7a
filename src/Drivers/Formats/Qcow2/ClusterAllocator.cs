using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Events;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.Drivers.Formats.Qcow2;

/// <summary>
/// Finds clusters of the file that nobody uses, and counts them as used. A cluster is taken in one step, without waiting, from a slice in memory: any number
/// may be looking at once. What must be read or grown first is, by one at a time.
/// </summary>
/// <remarks>
/// Order: a new block is in the file and durable before the table leads to it; a longer table and its blocks are durable before the header leads there.
/// A power cut in between leaks them.
/// </remarks>
internal sealed partial class ClusterAllocator(Qcow2Metadata metadata)
{
    private readonly Qcow2Geometry _geometry = metadata.Geometry;
    private readonly CoMutex _growth = new();

    // No cluster before this one is free.
    private long _hint = 1;

    /// <summary>Takes up to <paramref name="countMax"/> clusters that lie together.</summary>
    /// <returns>Where they are and how many: at least one.</returns>
    /// <exception cref="BlockException">There are none, or what counts them could not be read or made.</exception>
    public async ValueTask<(long HostOffset, int Count)> AllocateAsync(int countMax)
    {
        await metadata.File.DebugEventAsync(DebugEvent.ClusterAlloc);
        while (true)
        {
            if (TryAllocate(countMax, out long cluster, out int count))
            {
                return (cluster << _geometry.ClusterBits, count == countMax ? count : count + await ExtendAsync(cluster + count, countMax - count));
            }

            if (metadata.Refcounts.TryFindSlice(cluster, out long hostOffset))
            {
                await metadata.Refcounts.Cache.GetAsync(hostOffset);
            }
            else
            {
                await AddBlocksAsync(metadata.Refcounts.BlockOf(cluster), 0);
            }
        }
    }

    /// <summary>Takes clusters that lie together, as many as asked for: for tables.</summary>
    /// <exception cref="BlockException">There are none, or what counts them could not be read or made.</exception>
    public async ValueTask<long> AllocateTogetherAsync(int count)
    {
        // Runs that are too short stay taken until there is one that is not, or they would be found again and again.
        List<(long HostOffset, int Count)> unwanted = [];
        long hostOffset = 0;
        int got = 0;
        try
        {
            while (got < count)
            {
                // A run that does not go on where the last one ended has to be long enough by itself.
                (long next, int more) = await AllocateAsync(count);
                if (got > 0 && next == hostOffset + ((long)got << _geometry.ClusterBits))
                {
                    got += more;
                    continue;
                }

                unwanted.Add((hostOffset, got));
                (hostOffset, got) = (next, more);
            }

            if (got > count)
            {
                unwanted.Add((hostOffset + ((long)count << _geometry.ClusterBits), got - count));
            }

            return hostOffset;
        }
        catch
        {
            unwanted.Add((hostOffset, got));
            throw;
        }
        finally
        {
            foreach ((long unwantedOffset, int unwantedCount) in unwanted)
            {
                await GiveBackAsync(unwantedOffset, unwantedCount);
            }
        }
    }

    /// <summary>Gives back clusters that nothing ever led to. Where their counts cannot be read they leak: why they are given back matters more.</summary>
    public async ValueTask GiveBackAsync(long hostOffset, int count)
    {
        long cluster = hostOffset >> _geometry.ClusterBits;
        try
        {
            for (int i = 0; i < count;)
            {
                i += await DropAsync(cluster + i, count - i);
            }
        }
        catch (BlockException error)
        {
            metadata.Node.Graph.Events.Publish(new BlockWarning($"Node '{metadata.Node.Name}': {count} clusters at 0x{hostOffset:x} could not be given back: {error.Message}"));
        }
    }

    /// <summary>Drops one reference of each of some clusters from <paramref name="cluster"/> on: at least of that one, and of at most <paramref name="countMax"/>.</summary>
    /// <returns>Of how many.</returns>
    /// <exception cref="BlockException">The first of them has none, or what counts it could not be read.</exception>
    public async ValueTask<int> DropAsync(long cluster, long countMax)
    {
        int freed = await metadata.Refcounts.ClearOnesAsync(cluster, countMax);
        if (freed == 0)
        {
            await metadata.Refcounts.ChangeAsync(cluster, -1);
            return 1;
        }

        _hint = Math.Min(_hint, cluster);
        StopAppending(cluster, freed);
        return freed;
    }

    /// <summary>Looks for free clusters from <paramref name="cluster"/> on again: none before it is free.</summary>
    public void Restart(long cluster = 1) => (_hint, _nextByte) = (cluster, 0);

    /// <summary>The first cluster behind everything that was taken so far, as far as is known.</summary>
    public long Hint => _hint;

    // False: the count of `cluster` must come into memory first.
    private bool TryAllocate(int countMax, out long cluster, out int count)
    {
        RefcountTable refcounts = metadata.Refcounts;
        cluster = _hint;
        count = 0;
        while (true)
        {
            if (!refcounts.TryFindSlice(cluster, out long hostOffset) || !refcounts.Cache.TryGet(hostOffset, out MetadataSlice? slice))
            {
                _hint = cluster;
                return false;
            }

            int index = refcounts.IndexInSlice(cluster);
            int free = RefcountBits.IndexOfFree(slice.Bytes, index, refcounts.CountsPerSlice, _geometry.RefcountOrder);
            cluster += free - index;
            if (free == refcounts.CountsPerSlice)
            {
                continue;
            }

            count = RefcountBits.FreeRun(slice.Bytes, free, Math.Min(countMax, refcounts.CountsPerSlice - free), _geometry.RefcountOrder);
            ThrowIfUnusable(cluster, count);
            Take(slice, free, count);
            _hint = cluster + count;
            return true;
        }
    }

    // A run that ends where its slice does goes on in the next one. What cannot be had is met by who needs more than there is.
    private async ValueTask<int> ExtendAsync(long cluster, int countMax)
    {
        RefcountTable refcounts = metadata.Refcounts;
        int got = 0;
        try
        {
            while (got < countMax && refcounts.IndexInSlice(cluster + got) == 0)
            {
                long next = cluster + got;
                if (!refcounts.TryFindSlice(next, out long hostOffset))
                {
                    await AddBlocksAsync(refcounts.BlockOf(next), countMax - got);
                    Invariant.Check(refcounts.TryFindSlice(next, out hostOffset));
                }

                MetadataSlice slice = await refcounts.Cache.GetAsync(hostOffset);
                int count = RefcountBits.FreeRun(slice.Bytes, 0, Math.Min(countMax - got, refcounts.CountsPerSlice), _geometry.RefcountOrder);
                if (count == 0)
                {
                    break;
                }

                ThrowIfUnusable(next, count);
                Take(slice, 0, count);
                _hint = _hint == next ? next + count : _hint;
                got += count;
            }
        }
        catch (BlockException)
        {
            // What there is by now is the run.
        }

        return got;
    }

    private void Take(MetadataSlice slice, int index, int count)
    {
        RefcountBits.SetOnes(metadata.Refcounts.Cache.Change(slice), index, count, _geometry.RefcountOrder);
    }

    private void ThrowIfUnusable(long cluster, long count)
    {
        if ((cluster + count) << _geometry.ClusterBits > (long)Qcow2Geometry.OffsetMask)
        {
            throw new BlockException(BlockErrorKind.TooLarge, $"Node '{metadata.Node.Name}': the image has no cluster left below 2^56");
        }

        metadata.ThrowIfMetadata(cluster << _geometry.ClusterBits, count << _geometry.ClusterBits);
    }

    // All clusters that a missing block would count are free: the block becomes the first of them, or lies behind some that are about to be taken together, with as many more as count those.
    //   | clusters to be taken … | block | block |
    private async ValueTask AddBlocksAsync(int index, long clustersBefore)
    {
        await _growth.EnterAsync();
        try
        {
            RefcountTable refcounts = metadata.Refcounts;
            long first = refcounts.FirstClusterOf(index);
            if (refcounts.TryFindSlice(first, out _))
            {
                return;
            }

            // Each counts itself and so many others.
            long othersPerBlock = _geometry.RefcountsPerBlock - 1;
            long wantedCount = Math.Max(1, (clustersBefore + othersPerBlock - 1) / othersPerBlock);
            if (index + wantedCount > refcounts.EntryCount)
            {
                await GrowTableAsync(index, wantedCount);
                return;
            }

            int count = refcounts.MissingCount(index, (int)wantedCount);
            await WriteBlocksAsync(index, count, Math.Min(clustersBefore, count * othersPerBlock));
        }
        finally
        {
            _growth.Exit();
        }
    }

    // Where the table leads to some of the blocks only, they are the last ones: those that count the clusters that they lie in.
    private async ValueTask WriteBlocksAsync(int index, int count, long clustersBefore)
    {
        RefcountTable refcounts = metadata.Refcounts;
        long first = refcounts.FirstClusterOf(index) + clustersBefore;
        ThrowIfUnusable(refcounts.FirstClusterOf(index), clustersBefore + count);
        await metadata.File.DebugEventAsync(DebugEvent.RefblockAlloc);
        await metadata.File.DebugEventAsync(DebugEvent.RefblockAllocWrite);
        for (int i = 0; i < count; i++)
        {
            long usedBegin = Math.Clamp(clustersBefore - (i * _geometry.RefcountsPerBlock), 0, _geometry.RefcountsPerBlock);
            long usedEnd = Math.Clamp(clustersBefore + count - (i * _geometry.RefcountsPerBlock), 0, _geometry.RefcountsPerBlock);
            long hostOffset = (first + i) << _geometry.ClusterBits;
            await WriteBlockAsync(hostOffset, (int)usedBegin, usedEnd - usedBegin);
            refcounts.Cache.Forget(hostOffset, _geometry.ClusterBytes);
        }

        await metadata.File.FlushAsync(CancellationToken.None);
        await metadata.File.DebugEventAsync(DebugEvent.RefblockAllocHookup);
        for (int i = count - 1; i >= 0; i--)
        {
            long hostOffset = (first + i) << _geometry.ClusterBits;
            await refcounts.SetBlockAsync(index + i, hostOffset);
            metadata.Places.Add(MetadataKind.RefcountBlock, hostOffset, _geometry.ClusterBytes);
        }
    }

    /// <summary>Makes a longer table, with room for <paramref name="moreCount"/> blocks, at the beginning of what the old one cannot count: first the blocks that count it, then the table.</summary>
    private async ValueTask GrowTableAsync(int index, long moreCount)
    {
        RefcountTable refcounts = metadata.Refcounts;
        long first = refcounts.FirstClusterOf(index);
        long tableClusters = 0;
        long blockCount = 1;
        for (long entries = 0; entries < index + blockCount + moreCount;)
        {
            entries = Math.Max(index + blockCount + moreCount, refcounts.EntryCount + (refcounts.EntryCount / 2L));
            tableClusters = _geometry.ClusterCount(entries * sizeof(long));
            blockCount = (tableClusters + blockCount + _geometry.RefcountsPerBlock - 1) / _geometry.RefcountsPerBlock;
        }

        if (tableClusters * _geometry.ClusterBytes > Qcow2Geometry.RefcountTableBytesMax)
        {
            throw new BlockException(BlockErrorKind.TooLarge, $"Node '{metadata.Node.Name}': the refcount table would be longer than {Qcow2Geometry.RefcountTableBytesMax} bytes");
        }

        long usedCount = blockCount + tableClusters;
        ThrowIfUnusable(first, usedCount);
        long[] blocks = new long[tableClusters * _geometry.ClusterBytes / sizeof(long)];
        refcounts.Blocks.CopyTo(blocks);
        await metadata.File.DebugEventAsync(DebugEvent.ReftableGrow);
        await metadata.File.DebugEventAsync(DebugEvent.RefblockAllocWriteBlocks);
        for (int i = 0; i < blockCount; i++)
        {
            long hostOffset = (first + i) << _geometry.ClusterBits;
            await WriteBlockAsync(hostOffset, 0, Math.Min(usedCount - (i * _geometry.RefcountsPerBlock), _geometry.RefcountsPerBlock));
            blocks[index + i] = hostOffset;
        }

        long tableOffset = (first + blockCount) << _geometry.ClusterBits;
        await metadata.File.DebugEventAsync(DebugEvent.RefblockAllocWriteTable);
        await TableEntries.WriteAsync(metadata.File, tableOffset, blocks, blocks.Length);
        await metadata.File.FlushAsync(CancellationToken.None);
        Qcow2Header old = metadata.Area.Header;
        await metadata.File.DebugEventAsync(DebugEvent.RefblockAllocSwitchTable);
        await metadata.ChangeHeaderAsync(header => header with { RefcountTableOffset = tableOffset, RefcountTableClusters = (int)tableClusters });
        await metadata.File.FlushAsync(CancellationToken.None);
        refcounts.Replace(blocks);
        metadata.Places.Remove(MetadataKind.RefcountTable, old.RefcountTableOffset, (long)old.RefcountTableClusters * _geometry.ClusterBytes);
        metadata.Places.Add(MetadataKind.RefcountTable, tableOffset, tableClusters * _geometry.ClusterBytes);
        metadata.Places.Add(MetadataKind.RefcountBlock, first << _geometry.ClusterBits, blockCount * _geometry.ClusterBytes);
        metadata.Freed.Add(old.RefcountTableOffset, (long)old.RefcountTableClusters * _geometry.ClusterBytes, DiscardReason.Other);
    }

    private ValueTask WriteBlockAsync(long hostOffset, int firstUsed, long usedCount)
    {
        Memory<byte> block = AlignedBuffer.Allocate(_geometry.ClusterBytes, metadata.File.Node.Limits.MemoryAlignmentBytes);
        RefcountBits.SetOnes(block.Span, firstUsed, (int)usedCount, _geometry.RefcountOrder);
        return metadata.File.WriteAsync(hostOffset, block, RequestFlags.None, CancellationToken.None);
    }
}
