using BlockGraph.BlockCore.Io;

namespace BlockGraph.Drivers.Formats.Qcow2.Check;

/// <summary>Writes the reference counts of a window into the blocks that are there. A power cut leaves some as they were, none further from what it should be.</summary>
internal sealed class CountMends(Qcow2Metadata metadata, CountPass pass, CheckPace pace)
{
    private readonly ImageReferences _references = pass.References;
    private readonly StoredCounts _stored = pass.Stored;
    private readonly Qcow2Geometry _geometry = metadata.Geometry;
    private readonly byte[] _block = new byte[metadata.Geometry.ClusterBytes];
    private long _blockOffset = -1;
    private (int Start, int End) _changed;

    /// <summary>True where every count that is needed has its place, and the blocks are used for nothing else.</summary>
    public bool IsPossible => _references.IsCountedSoundly && _references.Counts.Pages.All(HasBlocks);

    /// <summary>Tells of each count that is going to be changed, in the order of clusters: when it is done depends on which way it changes.</summary>
    /// <param name="raise">Told of those that are too low; null where they stay.</param>
    /// <param name="lower">Told of those that are too high; null where they stay.</param>
    public void Announce(Action<string>? raise, Action<string>? lower)
    {
        foreach ((long cluster, ulong old, ulong count) in Wrong())
        {
            (old < count ? raise : lower)?.Invoke($"Repairing cluster {cluster} refcount={old} reference={_references.Counts.Get(cluster)}");
        }
    }

    /// <summary>Changes counts, and makes that durable.</summary>
    /// <param name="isRaise">True for those that are too low, false for those that are too high.</param>
    public async Task RunAsync(bool isRaise)
    {
        bool hasChanged = false;
        foreach ((long cluster, ulong old, ulong count) in Wrong())
        {
            if (isRaise == old < count)
            {
                await SetAsync(cluster, count);
                hasChanged = true;
            }
        }

        await WriteAsync();
        if (hasChanged)
        {
            await metadata.File.FlushAsync(CancellationToken.None);
        }
    }

    private bool HasBlocks(long page)
    {
        long end = _references.Counts.EndOf(page);
        for (long cluster = _references.Counts.FirstOf(page); cluster < end;)
        {
            int block = metadata.Refcounts.BlockOf(cluster);
            long blockEnd = Math.Min(end, metadata.Refcounts.FirstClusterOf(block) + _geometry.RefcountsPerBlock);
            bool isThere = block < _references.Blocks.Length && _references.Blocks[block] >= 0;
            if (!isThere && _references.Counts.HasUsed(cluster, blockEnd))
            {
                return false;
            }

            cluster = blockEnd;
        }

        return true;
    }

    // In order, with what they have and what they should have.
    private IEnumerable<(long Cluster, ulong Old, ulong Count)> Wrong()
    {
        foreach (long page in _stored.Pages)
        {
            pace.ThrowIfCancelled();
            if (_stored.Counts.IsSame(_references.Counts, page, out _))
            {
                continue;
            }

            for (long cluster = _references.Counts.FirstOf(page); cluster < _references.Counts.EndOf(page); cluster++)
            {
                ulong old = _stored.Counts.Get(cluster);
                ulong count = Math.Min(_references.Counts.Get(cluster), _geometry.RefcountMax);
                if (old != count)
                {
                    yield return (cluster, old, count);
                }
            }
        }
    }

    private async Task SetAsync(long cluster, ulong count)
    {
        long block = _references.Blocks[metadata.Refcounts.BlockOf(cluster)];
        if (block != _blockOffset)
        {
            await WriteAsync();
            await metadata.File.ReadAsync(block, _block, RequestFlags.None, CancellationToken.None);
            _blockOffset = block;
        }

        int index = (int)(cluster % _geometry.RefcountsPerBlock);
        int at = (int)(((long)index << _geometry.RefcountOrder) / 8);
        _changed = _changed == default ? (at, at + 8) : (Math.Min(_changed.Start, at), Math.Max(_changed.End, at + 8));
        RefcountBits.Set(_block, index, _geometry.RefcountOrder, count);
        _stored.Counts.Set(cluster, count);
    }

    private async Task WriteAsync()
    {
        if (_changed != default)
        {
            int end = Math.Min(_changed.End, _block.Length);
            await metadata.File.WriteAsync(_blockOffset + _changed.Start, _block.AsMemory(_changed.Start, end - _changed.Start), RequestFlags.None, CancellationToken.None);
        }

        _changed = default;
        _blockOffset = -1;
    }
}
