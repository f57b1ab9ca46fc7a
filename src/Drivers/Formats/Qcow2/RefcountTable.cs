using System.Buffers.Binary;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.Drivers.Formats.Qcow2;

/// <summary>
/// How often each cluster of the file is used (specification: Host cluster management): the table in memory, its blocks in a cache. A cluster whose block is
/// not there is free.
/// </summary>
internal sealed class RefcountTable
{
    private readonly Qcow2Metadata _metadata;
    private readonly BlockChild _file;
    private readonly Qcow2Geometry _geometry;
    private long[] _blocks = [];
    private bool _isLoaded;

    public RefcountTable(Qcow2Metadata metadata, int sliceCountMax)
    {
        _metadata = metadata;
        _file = metadata.File;
        _geometry = metadata.Geometry;
        Cache = new MetadataCache(_file, Math.Min(_geometry.ClusterBytes, Qcow2Metadata.SliceBytesMax), sliceCountMax, DebugEvent.RefblockLoad, DebugEvent.RefblockUpdatePart);
    }

    /// <summary>The blocks, in slices.</summary>
    public MetadataCache Cache { get; }

    /// <summary>How many counts a slice holds.</summary>
    public int CountsPerSlice => (Cache.SliceBytes * 8) >> _geometry.RefcountOrder;

    /// <summary>How many blocks the table can hold.</summary>
    public int EntryCount => _blocks.Length;

    /// <summary>How many entries of the table lead somewhere.</summary>
    public int UsedEntryCount => Blocks.Length - Blocks.Count(0L);

    /// <summary>Where the blocks lie, as the table says; 0 for one that is not there.</summary>
    public ReadOnlySpan<long> Blocks
    {
        get
        {
            Invariant.Check(_isLoaded);
            return _blocks;
        }
    }

    /// <summary>The table is in memory. An image that is only read may never need it.</summary>
    public bool IsLoaded => _isLoaded;

    /// <summary>How many blocks from <paramref name="index"/> on are not there, up to <paramref name="countMax"/>, which the table has room for.</summary>
    public int MissingCount(int index, int countMax)
    {
        int present = Blocks.Slice(index, countMax).IndexOfAnyExcept(0);
        return present < 0 ? countMax : present;
    }

    /// <summary>Which block counts a cluster.</summary>
    public int BlockOf(long cluster) => (int)(cluster / _geometry.RefcountsPerBlock);

    /// <summary>The first cluster that a block counts.</summary>
    public long FirstClusterOf(int block) => block * _geometry.RefcountsPerBlock;

    /// <summary>Where a slice's counts for a cluster begin.</summary>
    public int IndexInSlice(long cluster) => (int)(cluster & (CountsPerSlice - 1L));

    /// <summary>Reads the table, unless it is in memory.</summary>
    public Task EnsureLoadedAsync(CancellationToken cancel) => _isLoaded ? Task.CompletedTask : LoadAsync(cancel);

    /// <summary>Reads the table.</summary>
    public async Task LoadAsync(CancellationToken cancel)
    {
        Qcow2Header header = _metadata.Area.Header;
        _blocks = await TableEntries.ReadOffsetsAsync(_file, header.RefcountTableOffset, header.RefcountTableClusters * (_geometry.ClusterBytes / sizeof(ulong)), cancel);
        _isLoaded = true;
    }

    /// <summary>Tells where table and blocks lie.</summary>
    public void AddPlaces(MetadataPlaces places)
    {
        Qcow2Header header = _metadata.Area.Header;
        places.Add(MetadataKind.RefcountTable, header.RefcountTableOffset, (long)header.RefcountTableClusters * _geometry.ClusterBytes);
        foreach (long block in _blocks)
        {
            if (block > 0 && _geometry.IsClusterStart(block))
            {
                places.Add(MetadataKind.RefcountBlock, block, _geometry.ClusterBytes);
            }
        }
    }

    /// <summary>True where the block of a cluster is there, or could be: <paramref name="hostOffset"/> is where the slice with its count lies.</summary>
    public bool TryFindSlice(long cluster, out long hostOffset)
    {
        Invariant.Check(_isLoaded);
        int block = BlockOf(cluster);
        long blockOffset = block < _blocks.Length ? _blocks[block] & ~511L : 0;
        if (blockOffset == 0)
        {
            hostOffset = 0;
            return false;
        }

        if (!_geometry.IsClusterStart(blockOffset) || blockOffset < 0)
        {
            throw _metadata.MarkCorrupt($"Refblock offset 0x{blockOffset:x} unaligned (reftable index: 0x{block:x})", blockOffset, _geometry.ClusterBytes);
        }

        hostOffset = blockOffset + (cluster % _geometry.RefcountsPerBlock / CountsPerSlice * Cache.SliceBytes);
        return true;
    }

    /// <summary>How often a cluster is used.</summary>
    public async ValueTask<ulong> GetAsync(long cluster) =>
        TryFindSlice(cluster, out long hostOffset) ? RefcountBits.Get((await Cache.GetAsync(hostOffset)).Bytes, IndexInSlice(cluster), _geometry.RefcountOrder) : 0;

    /// <summary>Changes how often a cluster is used. In memory: a write-back brings it to the file.</summary>
    /// <exception cref="BlockException">It would be used less than never, or more often than can be counted.</exception>
    public async ValueTask<ulong> ChangeAsync(long cluster, int change)
    {
        if (!TryFindSlice(cluster, out long hostOffset))
        {
            throw new BlockException(BlockErrorKind.CorruptImage, $"The cluster at 0x{cluster << _geometry.ClusterBits:x} is used, and has no reference count");
        }

        MetadataSlice slice = await Cache.GetAsync(hostOffset);
        int index = IndexInSlice(cluster);
        ulong count = RefcountBits.Get(slice.Bytes, index, _geometry.RefcountOrder);
        if (change < 0 ? count < (ulong)-change : _geometry.RefcountMax - count < (ulong)change)
        {
            throw new BlockException(change < 0 ? BlockErrorKind.CorruptImage : BlockErrorKind.NotSupported,
                $"The reference count of the cluster at 0x{cluster << _geometry.ClusterBits:x} is {count} and cannot change by {change}");
        }

        count = change < 0 ? count - (ulong)-change : count + (ulong)change;
        RefcountBits.Set(Cache.Change(slice), index, _geometry.RefcountOrder, count);
        return count;
    }

    /// <summary>How many clusters from one on, of at most <paramref name="countMax"/> and all in one slice with it, are used once.</summary>
    public async ValueTask<int> CountOnesAsync(long cluster, long countMax) =>
        TryFindSlice(cluster, out long hostOffset) ? OnesIn(await Cache.GetAsync(hostOffset), cluster, countMax) : 0;

    /// <summary>Counts the clusters from one on that are used once, of at most <paramref name="countMax"/> and all in one slice with it, as free. In memory, as above.</summary>
    /// <returns>How many they are.</returns>
    public async ValueTask<int> ClearOnesAsync(long cluster, long countMax)
    {
        if (!TryFindSlice(cluster, out long hostOffset))
        {
            return 0;
        }

        MetadataSlice slice = await Cache.GetAsync(hostOffset);
        int ones = OnesIn(slice, cluster, countMax);
        if (ones > 0)
        {
            RefcountBits.SetZeros(Cache.Change(slice), IndexInSlice(cluster), ones, _geometry.RefcountOrder);
        }

        return ones;
    }

    /// <summary>The first cluster from <paramref name="cluster"/> on, before <paramref name="end"/>, that is used, or that is not; <paramref name="end"/> where there is none.</summary>
    public async ValueTask<long> FindAsync(long cluster, long end, bool isUsed)
    {
        while (cluster < end)
        {
            if (TryFindSlice(cluster, out long hostOffset))
            {
                MetadataSlice slice = await Cache.GetAsync(hostOffset);
                int index = IndexInSlice(cluster);
                int count = (int)Math.Min(CountsPerSlice, index + end - cluster);
                int found = isUsed ? RefcountBits.IndexOfUsed(slice.Bytes, index, count, _geometry.RefcountOrder) : RefcountBits.IndexOfFree(slice.Bytes, index, count, _geometry.RefcountOrder);
                cluster += found - index;
                if (found < count)
                {
                    return cluster;
                }
            }
            else if (isUsed)
            {
                cluster += _geometry.RefcountsPerBlock - (cluster % _geometry.RefcountsPerBlock);
            }
            else
            {
                return cluster;
            }
        }

        return end;
    }

    /// <summary>Where the clusters before <paramref name="end"/> end that are used.</summary>
    public async ValueTask<long> FindUsedEndAsync(long end)
    {
        end = Math.Min(end, FirstClusterOf(EntryCount));
        while (end > 0)
        {
            if (!TryFindSlice(end - 1, out long hostOffset))
            {
                end = FirstClusterOf(BlockOf(end - 1));
                continue;
            }

            MetadataSlice slice = await Cache.GetAsync(hostOffset);
            int index = IndexInSlice(end - 1);
            int used = RefcountBits.LastIndexOfUsed(slice.Bytes, index + 1, _geometry.RefcountOrder);
            end += used - index;
            if (used >= 0)
            {
                return end;
            }
        }

        return 0;
    }

    /// <summary>Puts a new block, which is in the file and durable, into the table.</summary>
    public async ValueTask SetBlockAsync(int index, long hostOffset)
    {
        byte[] entry = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(entry, hostOffset);
        await _file.WriteAsync(_metadata.Area.Header.RefcountTableOffset + ((long)index * sizeof(long)), entry, RequestFlags.None, CancellationToken.None);
        _blocks[index] = hostOffset;
    }

    /// <summary>The table is another now; the file has it already.</summary>
    public void Replace(long[] blocks) => (_blocks, _isLoaded) = (blocks, true);

    private int OnesIn(MetadataSlice slice, long cluster, long countMax)
    {
        int index = IndexInSlice(cluster);
        return RefcountBits.OnesRun(slice.Bytes, index, (int)Math.Min(countMax, CountsPerSlice - index), _geometry.RefcountOrder);
    }
}
