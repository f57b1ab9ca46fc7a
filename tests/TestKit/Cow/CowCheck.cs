using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.TestKit.Cow;

/// <summary>
/// Looks through the table of a <c>cow</c> image: entries that lead nowhere, clusters that two entries lead to, clusters that none leads to. The
/// node is drained, and its table written.
/// </summary>
/// <remarks>
/// Mending: an entry that leads nowhere is taken away; the second user of a cluster gets a copy; what lies after a hole moves into it, and
/// the file is cut off where its data ends. Each step leaves an image that is no worse than before.
/// </remarks>
internal sealed class CowCheck(BlockChild file, CowMetadata metadata, ImageRepairs repairs)
{
    // By where in the file: the entry that leads there.
    private readonly SortedDictionary<long, int> _users = [];
    private long _corruptionCount;
    private long _mendedCorruptionCount;

    private int ClusterBytes => metadata.Header.ClusterBytes;

    private bool MendsErrors => (repairs & ImageRepairs.Errors) != 0;

    /// <summary>Looks, and mends what it was asked to.</summary>
    public async Task<ImageCheck> RunAsync(CancellationToken cancel)
    {
        List<int> sharing = [];
        for (int cluster = 0; cluster < metadata.Table.Count; cluster++)
        {
            CowEntry entry = metadata.Table[cluster];
            if (entry.IsCorrupt)
            {
                await MendCorruptAsync(cluster);
            }
            else if (entry.HasCluster && !_users.TryAdd(entry.HostOffset, cluster))
            {
                sharing.Add(cluster);
            }
        }

        foreach (int cluster in sharing)
        {
            cancel.ThrowIfCancellationRequested();
            await MendSharingAsync(cluster);
        }

        long leakCount = CountLeaks();
        long mendedLeakCount = 0;
        if ((repairs & ImageRepairs.Leaks) != 0 && _corruptionCount == 0 && leakCount > 0)
        {
            await CloseHolesAsync(cancel);
            mendedLeakCount = leakCount;
            leakCount = 0;
        }

        ImageCheck result = new() { CorruptionCount = _corruptionCount, LeakCount = leakCount, MendedCorruptionCount = _mendedCorruptionCount, MendedLeakCount = mendedLeakCount };
        if (repairs != ImageRepairs.None)
        {
            await ConcludeAsync(result.IsClean);
        }

        return result;
    }

    private async Task ConcludeAsync(bool isClean)
    {
        await metadata.WriteBackAsync();
        if (isClean && metadata.Header.IsDirty)
        {
            await metadata.MarkCleanAsync();
        }

        await metadata.LoadAsync(CancellationToken.None);
    }

    private async Task MendCorruptAsync(int cluster)
    {
        if (!MendsErrors)
        {
            _corruptionCount++;
            return;
        }

        await metadata.SetAsync(cluster, CowEntry.Unallocated);
        _mendedCorruptionCount++;
    }

    private async Task MendSharingAsync(int cluster)
    {
        if (!MendsErrors)
        {
            _corruptionCount++;
            return;
        }

        await MoveAsync(cluster, metadata.Take());
        _mendedCorruptionCount++;
    }

    // Clusters from the first to the file's end that no entry leads to.
    private long CountLeaks() => ((metadata.EndOffset - metadata.Header.DataOffset) / ClusterBytes) - _users.Count;

    private async Task CloseHolesAsync(CancellationToken cancel)
    {
        long hole = metadata.Header.DataOffset;
        while (_users.Count > 0 && _users.Last() is var (last, cluster))
        {
            while (_users.ContainsKey(hole))
            {
                hole += ClusterBytes;
            }

            if (hole > last)
            {
                break;
            }

            cancel.ThrowIfCancellationRequested();
            _users.Remove(last);
            await MoveAsync(cluster, hole);
        }

        await metadata.WriteBackAsync();
        await file.FlushAsync(cancel);
        await file.WriteLengthAsync(_users.Count == 0 ? metadata.Header.DataOffset : _users.Last().Key + ClusterBytes, isExact: true, PreallocationMode.Off, RequestFlags.None, cancel);
    }

    // The copy first, then the entry; what only reads as zeros needs no cluster.
    private async Task MoveAsync(int cluster, long hostOffset)
    {
        CowEntry entry = metadata.Table[cluster];
        if (entry.IsZero)
        {
            await metadata.SetAsync(cluster, CowEntry.Zero);
            return;
        }

        Memory<byte> whole = AlignedBuffer.Allocate(ClusterBytes, file.Node.Limits.MemoryAlignmentBytes);
        await file.ReadAsync(entry.HostOffset, whole, RequestFlags.None, CancellationToken.None);
        await file.WriteAsync(hostOffset, whole, RequestFlags.None, CancellationToken.None);
        await metadata.SetAsync(cluster, CowEntry.At(hostOffset));
        _users[hostOffset] = cluster;
    }
}
