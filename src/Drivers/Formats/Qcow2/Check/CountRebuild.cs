using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.Drivers.Formats.Qcow2.Check;

/// <summary>
/// Makes a refcount table and its blocks anew, behind everything that is in the file. The header leads there once all of it is durable: before, a power cut leaves
/// the old ones.
/// </summary>
internal sealed class CountRebuild(Qcow2Metadata metadata, CountPasses passes, CheckPace pace)
{
    // Where so many clusters would be kept for what may lie in them, they are not.
    private const long KeptCountMax = 1L << 24;

    private readonly Qcow2Geometry _geometry = metadata.Geometry;
    private readonly long _fileEnd = metadata.Geometry.ClusterCount(metadata.File.LengthBytes);

    // The clusters of the old table and its blocks, and how often they were used: those of the pass that is under way.
    private readonly List<(long Cluster, ulong Count)> _old = [];

    // Those of all passes that are used less often now.
    private readonly List<(long Cluster, ulong Old, ulong Count)> _freed = [];

    // The blocks that are needed, in order; and what ends last.
    private readonly List<int> _blocks = [];
    private long _usedEnd;
    private long _knownEnd;

    /// <summary>Makes them, and takes the old ones out of the counts.</summary>
    /// <exception cref="BlockException">There is no room, or something could not be written: the old ones hold.</exception>
    public async Task RunAsync()
    {
        await passes.AgainAsync(needsStored: false, pass =>
        {
            Survey(pass);
            return Task.CompletedTask;
        });
        long start = ChooseStart();
        long tableClusters = Place(start);
        await passes.AgainAsync(needsStored: false, pass => WriteBlocksAsync(pass, start, tableClusters));

        long[] table = new long[_blocks[^1] + 1];
        for (int i = 0; i < _blocks.Count; i++)
        {
            table[_blocks[i]] = (start + i) << _geometry.ClusterBits;
        }

        long hostOffset = (start + _blocks.Count) << _geometry.ClusterBits;
        await TableEntries.WriteAsync(metadata.File, hostOffset, table, (tableClusters << _geometry.ClusterBits) / sizeof(long));
        await metadata.File.FlushAsync(CancellationToken.None);
        await metadata.ChangeHeaderAsync(header => header with { RefcountTableOffset = hostOffset, RefcountTableClusters = (int)tableClusters });
        await metadata.File.FlushAsync(CancellationToken.None);
    }

    /// <summary>Tells which clusters of the old ones are used less often now.</summary>
    public void TellFreed(CheckReport report)
    {
        foreach ((long cluster, ulong old, ulong count) in _freed)
        {
            report.Tell($"Repairing cluster {cluster} refcount={old} reference={count}");
        }
    }

    private void Survey(CountPass pass)
    {
        _knownEnd = Math.Max(_knownEnd, pass.References.Kinds.All.Select(static place => place.Cluster).DefaultIfEmpty(-1).Max() + 1);
        TakeOut(pass);
        FindBlocks(pass.References.Counts);
        _usedEnd = Math.Max(_usedEnd, pass.References.Counts.FindEnd());
    }

    // Takes the old ones out of a pass, where they still are in it.
    private void TakeOut(CountPass pass)
    {
        ImageReferences references = pass.References;
        if (!passes.IsOne)
        {
            _old.Clear();
        }

        Qcow2Header header = metadata.Area.Header;
        long first = header.RefcountTableOffset >> _geometry.ClusterBits;
        for (long cluster = first; cluster < first + header.RefcountTableClusters; cluster++)
        {
            TakeOut(pass, cluster, MetadataKind.RefcountTable, 1);
        }

        foreach (long block in references.Blocks)
        {
            if (block >= 0)
            {
                long cluster = block >> _geometry.ClusterBits;
                TakeOut(pass, cluster, MetadataKind.RefcountBlock, references.BlockUsesOf(cluster));
            }
        }

        KeepHidden(pass);
    }

    private void TakeOut(CountPass pass, long cluster, MetadataKind kind, ulong count)
    {
        ImageReferences references = pass.References;
        if ((references.Kinds.Get(cluster) & kind) != 0)
        {
            references.Kinds.Remove(cluster, kind);
            if (pass.Window.Contains(cluster))
            {
                _old.Add((cluster, references.Counts.Get(cluster)));
                references.Counts.Set(cluster, references.Counts.Get(cluster) - count);
            }
        }
    }

    // What nothing seems to lead to may be what an entry leads to that cannot be followed: it stays.
    private void KeepHidden(CountPass pass)
    {
        if (!pass.References.HidesReferences)
        {
            return;
        }

        if (_fileEnd > KeptCountMax)
        {
            throw new BlockException(BlockErrorKind.CorruptImage, "The reference counts cannot be made anew: parts of the image lead nowhere, and it is too long to keep all of it");
        }

        for (long cluster = pass.Window.First; cluster < Math.Min(_fileEnd, pass.Window.End); cluster++)
        {
            pass.References.Counts.Set(cluster, Math.Max(1, pass.References.Counts.Get(cluster)));
        }
    }

    // Those that count what is used, in order.
    private void FindBlocks(ReferenceCounts counts)
    {
        foreach (long page in counts.Pages)
        {
            for (long cluster = counts.FirstOf(page); cluster < counts.EndOf(page);)
            {
                int block = metadata.Refcounts.BlockOf(cluster);
                long end = Math.Min(counts.EndOf(page), metadata.Refcounts.FirstClusterOf(block) + _geometry.RefcountsPerBlock);
                if ((_blocks.Count == 0 || _blocks[^1] < block) && counts.HasUsed(cluster, end))
                {
                    _blocks.Add(block);
                }

                cluster = end;
            }
        }
    }

    // Behind the file's end; of a file that ends too far away for a table, behind what is used.
    private long ChooseStart()
    {
        long entryMax = Qcow2Geometry.RefcountTableBytesMax / sizeof(long);
        return _fileEnd / _geometry.RefcountsPerBlock < entryMax / 2 ? _fileEnd : Math.Max(_usedEnd, _knownEnd);
    }

    // The blocks count themselves and the table as well. They lie behind all that is used, so that what counts them comes last.
    private long Place(long start)
    {
        while (true)
        {
            int known = _blocks.Count;
            long tableClusters = _geometry.ClusterCount((_blocks[^1] + 1L) * sizeof(long));
            for (int block = metadata.Refcounts.BlockOf(start); block <= metadata.Refcounts.BlockOf(start + known + tableClusters - 1); block++)
            {
                if (_blocks[^1] < block)
                {
                    _blocks.Add(block);
                }
            }

            if (_blocks.Count > known)
            {
                continue;
            }

            return tableClusters << _geometry.ClusterBits <= Qcow2Geometry.RefcountTableBytesMax
                ? tableClusters
                : throw new BlockException(BlockErrorKind.TooLarge, $"The refcount table would be longer than {Qcow2Geometry.RefcountTableBytesMax} bytes");
        }
    }

    // A block that is counted in more than one pass is written in parts.
    private async Task WriteBlocksAsync(CountPass pass, long start, long tableClusters)
    {
        TakeOut(pass);
        ReferenceCounts counts = pass.References.Counts;
        for (long cluster = Math.Max(start, pass.Window.First); cluster < Math.Min(start + _blocks.Count + tableClusters, pass.Window.End); cluster++)
        {
            counts.Add(cluster, 1);
        }

        AddFreed(counts);
        Memory<byte> bytes = AlignedBuffer.Allocate(_geometry.ClusterBytes, metadata.File.Node.Limits.MemoryAlignmentBytes);
        for (int i = 0; i < _blocks.Count; i++)
        {
            long blockStart = metadata.Refcounts.FirstClusterOf(_blocks[i]);
            long first = Math.Max(blockStart, pass.Window.First);
            long end = Math.Min(blockStart + _geometry.RefcountsPerBlock, pass.Window.End);
            if (first < end)
            {
                pace.ThrowIfCancelled();
                Memory<byte> part = bytes[..BytesOf(end - first)];
                Format(counts, first, (int)(end - first), part.Span);
                await metadata.File.WriteAsync(((start + i) << _geometry.ClusterBits) + BytesOf(first - blockStart), part, RequestFlags.None, CancellationToken.None);
            }
        }
    }

    private int BytesOf(long countsOfBlock) => (int)(countsOfBlock << _geometry.RefcountOrder >> 3);

    private void AddFreed(ReferenceCounts counts)
    {
        // One that was used as both comes twice; how often it was used when it came first is the more.
        _old.Sort(static (one, other) => one.Cluster != other.Cluster ? one.Cluster.CompareTo(other.Cluster) : other.Count.CompareTo(one.Count));
        for (int i = 0; i < _old.Count; i++)
        {
            (long cluster, ulong old) = _old[i];
            ulong count = counts.Get(cluster);
            if (count < old && (i == 0 || _old[i - 1].Cluster != cluster))
            {
                _freed.Add((cluster, old, count));
            }
        }
    }

    private void Format(ReferenceCounts counts, long first, int count, Span<byte> bytes)
    {
        for (int i = 0; i < count; i++)
        {
            RefcountBits.Set(bytes, i, _geometry.RefcountOrder, Math.Min(counts.Get(first + i), _geometry.RefcountMax));
        }
    }
}
