using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.Drivers.Formats.Qcow2.Check;

/// <summary>The reference counts that an image has of the clusters of a window, beside those that it should have.</summary>
internal sealed class StoredCounts(Qcow2Metadata metadata, CountWindow window, ImageReferences references)
{
    // So much of a block is passed over at once where it is zeros.
    private const int StretchBytes = 512;

    private readonly Qcow2Geometry _geometry = metadata.Geometry;

    /// <summary>How often each cluster is used, as the image says.</summary>
    public ReferenceCounts Counts { get; } = new(window);

    /// <summary>Pages of clusters that are used, or counted as used, in order.</summary>
    public IEnumerable<long> Pages => references.Counts.Pages.Union(Counts.Pages).Order();

    /// <summary>Reads all blocks.</summary>
    public async Task LoadAsync(CheckReport report, CheckPace pace)
    {
        Memory<byte> block = AlignedBuffer.Allocate(_geometry.ClusterBytes, metadata.File.Node.Limits.MemoryAlignmentBytes);
        List<(long FirstCluster, string Text)> unread = [];
        long openPage = -1;
        for (int index = 0; index < references.Blocks.Length; index++)
        {
            long hostOffset = references.Blocks[index];
            long first = metadata.Refcounts.FirstClusterOf(index);
            if (hostOffset < 0 || first >= window.End || first + _geometry.RefcountsPerBlock <= window.First)
            {
                continue;
            }

            pace.ThrowIfCancelled();
            try
            {
                await metadata.File.ReadAsync(hostOffset, block, RequestFlags.None, CancellationToken.None);
                Load(block.Span, first);
            }
            catch (BlockException error)
            {
                unread.Add((first, $"ERROR: refcount block {index} at 0x{hostOffset:x} could not be read: {error.Message}"));
            }

            for (long page = Counts.PageOf(first); page <= Counts.PageOf(first + _geometry.RefcountsPerBlock - 1); page++)
            {
                ShareUnless(page, ref openPage);
            }
        }

        ShareUnless(-1, ref openPage);
        foreach ((_, string text) in unread.Where(place => window.Contains(place.FirstCluster)))
        {
            report.Unchecked(text);
        }
    }

    // Most pages are as they should be, and are kept once. One is complete as soon as a block of another has come.
    private void ShareUnless(long page, ref long openPage)
    {
        if (page != openPage)
        {
            Counts.Share(references.Counts, openPage);
            openPage = page;
        }
    }

    /// <summary>Tells of every cluster whose count is not what it should be.</summary>
    public void Compare(CheckReport report)
    {
        long end = 0;
        foreach (long page in Pages)
        {
            if (Counts.IsSame(references.Counts, page, out long lastUsed))
            {
                end = lastUsed < 0 ? end : lastUsed + 1;
                continue;
            }

            for (long cluster = Counts.FirstOf(page); cluster < Counts.EndOf(page); cluster++)
            {
                ulong stored = Counts.Get(cluster);
                ulong expected = references.Counts.Get(cluster);
                end = (stored | expected) == 0 ? end : cluster + 1;
                if (stored < expected)
                {
                    report.HasUncounted |= stored == 0;
                    report.CountError($"ERROR cluster {cluster} refcount={stored} reference={expected}");
                }
                else if (stored > expected)
                {
                    report.Leak($"Leaked cluster {cluster} refcount={stored} reference={expected}");
                }
            }
        }

        report.EndOffset = Math.Max(report.EndOffset, end << _geometry.ClusterBits);
    }

    private void Load(ReadOnlySpan<byte> block, long firstCluster)
    {
        int perStretch = (StretchBytes * 8) >> _geometry.RefcountOrder;
        for (int at = 0; at < block.Length; at += StretchBytes, firstCluster += perStretch)
        {
            ReadOnlySpan<byte> stretch = block.Slice(at, StretchBytes);
            if (stretch.IndexOfAnyExcept((byte)0) < 0)
            {
                continue;
            }

            for (int i = 0; i < perStretch; i++)
            {
                Counts.Set(firstCluster + i, RefcountBits.Get(stretch, i, _geometry.RefcountOrder));
            }
        }
    }
}
