using System.Buffers.Binary;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.Drivers.Formats.Qcow2.Check;

/// <summary>
/// Makes a refcount table and its blocks anew, behind everything that is in the file. The header leads there once all of it is durable: before, a power cut leaves
/// the old ones.
/// </summary>
internal sealed class CountRebuild(Qcow2Metadata metadata, ImageReferences references, CheckPace pace)
{
    // Where so many clusters would be kept for what may lie in them, they are not.
    private const long KeptCountMax = 1L << 24;

    private readonly Qcow2Geometry _geometry = metadata.Geometry;

    // The clusters of the old table and its blocks, and how often they were used.
    private readonly List<(long Cluster, ulong Count)> _old = [];

    private ReferenceCounts Counts => references.Counts;

    /// <summary>Makes them, and takes the old ones out of the counts.</summary>
    /// <exception cref="BlockException">There is no room, or something could not be written: the old ones hold.</exception>
    public async Task RunAsync()
    {
        long knownEnd = references.Kinds.All.Select(static place => place.Cluster).DefaultIfEmpty(-1).Max() + 1;
        ForgetOld();
        long fileEnd = _geometry.ClusterCount(metadata.File.LengthBytes);
        KeepHidden(fileEnd);
        List<int> blocks = FindBlocks();
        long start = ChooseStart(fileEnd, knownEnd);
        long tableClusters = Place(blocks, start);
        for (long cluster = start; cluster < start + blocks.Count + tableClusters; cluster++)
        {
            Counts.Add(cluster, 1);
        }

        byte[] table = new byte[tableClusters << _geometry.ClusterBits];
        Memory<byte> bytes = AlignedBuffer.Allocate(_geometry.ClusterBytes, metadata.File.Node.Limits.MemoryAlignmentBytes);
        long at = start;
        foreach (int block in blocks)
        {
            pace.ThrowIfCancelled();
            BinaryPrimitives.WriteInt64BigEndian(table.AsSpan(block * sizeof(long)), at << _geometry.ClusterBits);
            Format(block, bytes.Span);
            await metadata.File.WriteAsync(at << _geometry.ClusterBits, bytes, RequestFlags.None, CancellationToken.None);
            at++;
        }

        await metadata.File.WriteAsync(at << _geometry.ClusterBits, table, RequestFlags.None, CancellationToken.None);
        await metadata.File.FlushAsync(CancellationToken.None);
        await metadata.ChangeHeaderAsync(header => header with { RefcountTableOffset = at << _geometry.ClusterBits, RefcountTableClusters = (int)tableClusters });
        await metadata.File.FlushAsync(CancellationToken.None);
    }

    /// <summary>Tells which clusters of the old ones are used less often now.</summary>
    public void TellFreed(CheckReport report)
    {
        // One that was used as both comes twice; how often it was used when it came first is the more.
        _old.Sort(static (one, other) => one.Cluster != other.Cluster ? one.Cluster.CompareTo(other.Cluster) : other.Count.CompareTo(one.Count));
        for (int i = 0; i < _old.Count; i++)
        {
            (long cluster, ulong old) = _old[i];
            ulong count = Counts.Get(cluster);
            if (count < old && (i == 0 || _old[i - 1].Cluster != cluster))
            {
                report.Tell($"Repairing cluster {cluster} refcount={old} reference={count}");
            }
        }
    }

    private void ForgetOld()
    {
        Qcow2Header header = metadata.Area.Header;
        long first = header.RefcountTableOffset >> _geometry.ClusterBits;
        for (long cluster = first; cluster < first + header.RefcountTableClusters; cluster++)
        {
            Forget(cluster, MetadataKind.RefcountTable, 1);
        }

        foreach (long block in references.Blocks)
        {
            if (block >= 0)
            {
                long cluster = block >> _geometry.ClusterBits;
                Forget(cluster, MetadataKind.RefcountBlock, 1 + references.MoreBlockUses.Get(cluster));
            }
        }
    }

    private void Forget(long cluster, MetadataKind kind, ulong count)
    {
        if ((references.Kinds.Get(cluster) & kind) != 0)
        {
            _old.Add((cluster, Counts.Get(cluster)));
            references.Kinds.Remove(cluster, kind);
            Counts.Set(cluster, Counts.Get(cluster) - count);
        }
    }

    // What nothing seems to lead to may be what an entry leads to that cannot be followed: it stays.
    private void KeepHidden(long fileEnd)
    {
        if (!references.HidesReferences)
        {
            return;
        }

        if (fileEnd > KeptCountMax)
        {
            throw new BlockException(BlockErrorKind.CorruptImage, "The reference counts cannot be made anew: parts of the image lead nowhere, and it is too long to keep all of it");
        }

        for (long cluster = 0; cluster < fileEnd; cluster++)
        {
            Counts.Set(cluster, Math.Max(1, Counts.Get(cluster)));
        }
    }

    // Those that count what is used, in order.
    private List<int> FindBlocks()
    {
        List<int> blocks = [];
        foreach (long page in Counts.Pages)
        {
            for (long cluster = ReferenceCounts.FirstOf(page); cluster < ReferenceCounts.EndOf(page);)
            {
                int block = metadata.Refcounts.BlockOf(cluster);
                long end = Math.Min(ReferenceCounts.EndOf(page), metadata.Refcounts.FirstClusterOf(block) + _geometry.RefcountsPerBlock);
                if ((blocks.Count == 0 || blocks[^1] < block) && Counts.HasUsed(cluster, end))
                {
                    blocks.Add(block);
                }

                cluster = end;
            }
        }

        return blocks;
    }

    // Behind the file's end; of a file that ends too far away for a table, behind what is used.
    private long ChooseStart(long fileEnd, long knownEnd)
    {
        long entryMax = Qcow2Geometry.RefcountTableBytesMax / sizeof(long);
        return fileEnd / _geometry.RefcountsPerBlock < entryMax / 2 ? fileEnd : Math.Max(Counts.FindEnd(), knownEnd);
    }

    // The blocks count themselves and the table as well. They lie behind all that is used, so that what counts them comes last.
    private long Place(List<int> blocks, long start)
    {
        while (true)
        {
            int known = blocks.Count;
            long tableClusters = _geometry.ClusterCount((blocks[^1] + 1L) * sizeof(long));
            for (int block = metadata.Refcounts.BlockOf(start); block <= metadata.Refcounts.BlockOf(start + known + tableClusters - 1); block++)
            {
                if (blocks[^1] < block)
                {
                    blocks.Add(block);
                }
            }

            if (blocks.Count > known)
            {
                continue;
            }

            return tableClusters << _geometry.ClusterBits <= Qcow2Geometry.RefcountTableBytesMax
                ? tableClusters
                : throw new BlockException(BlockErrorKind.TooLarge, $"The refcount table would be longer than {Qcow2Geometry.RefcountTableBytesMax} bytes");
        }
    }

    private void Format(int block, Span<byte> bytes)
    {
        long first = metadata.Refcounts.FirstClusterOf(block);
        for (int i = 0; i < _geometry.RefcountsPerBlock; i++)
        {
            RefcountBits.Set(bytes, i, _geometry.RefcountOrder, Math.Min(Counts.Get(first + i), _geometry.RefcountMax));
        }
    }
}
