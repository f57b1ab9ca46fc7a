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

    // How often the clusters of the old table and its blocks were used.
    private readonly SortedDictionary<long, ulong> _old = [];

    private ReferenceCounts Counts => references.Counts;

    /// <summary>Makes them, and takes the old ones out of the counts.</summary>
    /// <exception cref="BlockException">There is no room, or something could not be written: the old ones hold.</exception>
    public async Task RunAsync()
    {
        ForgetOld();
        long fileEnd = _geometry.ClusterCount(metadata.File.LengthBytes);
        KeepHidden(fileEnd);
        SortedSet<int> blocks = [.. Counts.Used().Select(metadata.Refcounts.BlockOf)];
        long start = ChooseStart(fileEnd);
        long tableClusters = Place(blocks, start);
        for (long cluster = start; cluster < start + blocks.Count + tableClusters; cluster++)
        {
            Counts.Add(cluster, 1);
        }

        byte[] table = new byte[tableClusters << _geometry.ClusterBits];
        long at = start;
        foreach (int block in blocks)
        {
            pace.ThrowIfCancelled();
            BinaryPrimitives.WriteInt64BigEndian(table.AsSpan(block * sizeof(long)), at << _geometry.ClusterBits);
            await metadata.File.WriteAsync(at << _geometry.ClusterBits, Format(block), RequestFlags.None, CancellationToken.None);
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
        foreach ((long cluster, ulong old) in _old)
        {
            ulong count = Counts.Get(cluster);
            if (count < old)
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

        foreach (long cluster in references.BlockCounts.Used())
        {
            Forget(cluster, MetadataKind.RefcountBlock, references.BlockCounts.Get(cluster));
        }
    }

    private void Forget(long cluster, MetadataKind kind, ulong count)
    {
        MetadataKind kinds = references.Kinds.GetValueOrDefault(cluster);
        if ((kinds & kind) != 0)
        {
            _old.TryAdd(cluster, Counts.Get(cluster));
            references.Kinds[cluster] = kinds & ~kind;
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

    // Behind the file's end; of a file that ends too far away for a table, behind what is used.
    private long ChooseStart(long fileEnd)
    {
        long entryMax = Qcow2Geometry.RefcountTableBytesMax / sizeof(long);
        long usedEnd = Counts.Used().LastOrDefault() + 1;
        long oldEnd = references.Kinds.Keys.Max() + 1;
        return fileEnd / _geometry.RefcountsPerBlock < entryMax / 2 ? fileEnd : Math.Max(usedEnd, oldEnd);
    }

    // The blocks count themselves and the table as well.
    private long Place(SortedSet<int> blocks, long start)
    {
        while (true)
        {
            int known = blocks.Count;
            long tableClusters = _geometry.ClusterCount(((long)blocks.Max + 1) * sizeof(long));
            for (int block = metadata.Refcounts.BlockOf(start); block <= metadata.Refcounts.BlockOf(start + known + tableClusters - 1); block++)
            {
                blocks.Add(block);
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

    private Memory<byte> Format(int block)
    {
        Memory<byte> bytes = AlignedBuffer.Allocate(_geometry.ClusterBytes, metadata.File.Node.Limits.MemoryAlignmentBytes);
        long first = metadata.Refcounts.FirstClusterOf(block);
        for (int i = 0; i < _geometry.RefcountsPerBlock; i++)
        {
            RefcountBits.Set(bytes.Span, i, _geometry.RefcountOrder, Math.Min(Counts.Get(first + i), _geometry.RefcountMax));
        }

        return bytes;
    }
}
