using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.Drivers.Formats.Qcow2;

/// <content>Another length.</content>
internal sealed partial class Qcow2Instance
{
    /// <summary>What is said where an image that grows over a longer backing image is of version 2, which has no zeros that would hide it.</summary>
    public const string CannotHide = "Failed to zero out new clusters: Operation not supported";

    private readonly CoMutex _lengthChange = new();

    // The file may end with clusters that nobody uses any more.
    private bool _isTrimDue;

    /// <summary>
    /// Gives the image another length. A longer one is put in order before the header says the length: a failure, or a cancellation, leaves it as long as it was. A shorter one is so
    /// from the first step on, and cannot be cancelled from then on: a failure leaves clusters behind its end, which nobody sees.
    /// </summary>
    protected override async ValueTask<bool> TryWriteLengthAsync(long lengthBytes, bool isExact, PreallocationMode preallocation, RequestFlags flags, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        if (lengthBytes % 512 != 0)
        {
            throw new BlockException("The new size must be a multiple of 512");
        }

        if (metadata.Area.Header.SnapshotCount > 0 && metadata.Area.Header.Version < 3)
        {
            throw new BlockException(BlockErrorKind.NotSupported, "Can't resize a v2 image which has snapshots");
        }

        metadata.KeptBitmaps.ThrowIfNotResizable(lengthBytes);
        await metadata.BeginChangeAsync();
        await _lengthChange.EnterAsync();
        try
        {
            if (lengthBytes < LengthBytes)
            {
                if (preallocation != PreallocationMode.Off)
                {
                    throw new BlockException(BlockErrorKind.NotSupported, "Preallocation can't be used for shrinking an image");
                }

                await ShrinkAsync(lengthBytes);
            }
            else if (lengthBytes > LengthBytes)
            {
                await GrowUnsynchronizedAsync(lengthBytes, preallocation, flags, cancel);
            }
        }
        finally
        {
            _lengthChange.Exit();
        }

        return true;
    }

    private async ValueTask GrowAsync(long lengthBytes, RequestFlags flags)
    {
        await _lengthChange.EnterAsync();
        try
        {
            if (lengthBytes > LengthBytes)
            {
                await GrowUnsynchronizedAsync(lengthBytes, PreallocationMode.Off, flags, CancellationToken.None);
            }
        }
        finally
        {
            _lengthChange.Exit();
        }
    }

    private async ValueTask GrowUnsynchronizedAsync(long lengthBytes, PreallocationMode preallocation, RequestFlags flags, CancellationToken cancel)
    {
        long oldBytes = LengthBytes;
        long hiddenEnd = Math.Min(lengthBytes, BackingBytes(flags));
        if (hiddenEnd > oldBytes && !HasZeroFlag)
        {
            throw new BlockException(BlockErrorKind.NotSupported, CannotHide);
        }

        if (hiddenEnd > oldBytes && Node.Graph.Profile.GrowthMarksAllZeros)
        {
            hiddenEnd = lengthBytes;
        }

        if (MustWriteDataFile && preallocation == PreallocationMode.Off)
        {
            // Whoever reads the data file by itself sees what is in it: every cluster of the image is there, too.
            preallocation = PreallocationMode.Metadata;
        }

        await metadata.Map.GrowTopAsync(_geometry.L1EntryCount(lengthBytes));
        await DiscardBeyondAsync(_geometry.RoundUp(oldBytes), _geometry.RoundUp(lengthBytes), DiscardReason.Other, cancel);
        long oldDataBytes = metadata.Data.LengthBytes;
        long newDataBytes = preallocation == PreallocationMode.Off ? lengthBytes : (lengthBytes + _geometry.SubclusterBytes - 1) & ~(_geometry.SubclusterBytes - 1L);
        try
        {
            await HideAsync(oldBytes, lengthBytes, hiddenEnd, cancel);
            if (_geometry.HasDataFile && oldDataBytes < newDataBytes)
            {
                await metadata.Data.WriteLengthAsync(newDataBytes, isExact: false, preallocation == PreallocationMode.Metadata ? PreallocationMode.Off : preallocation, RequestFlags.None, cancel);
            }

            if (preallocation != PreallocationMode.Off)
            {
                await FillLastAsync(oldBytes);
                await ClearDataFileAsync(_geometry.RoundUp(oldBytes), Math.Min(oldDataBytes, newDataBytes), cancel);
                await PreallocateAsync(oldBytes, lengthBytes, preallocation, cancel);
            }

            cancel.ThrowIfCancellationRequested();
        }
        catch (Exception error) when (error is BlockException or OperationCanceledException)
        {
            await TryGiveBackAsync(oldBytes, lengthBytes, oldDataBytes);
            throw;
        }

        await metadata.SettleAsync();
        await metadata.ChangeHeaderAsync(header => header with { LengthBytes = lengthBytes });
        await metadata.File.FlushAsync(CancellationToken.None);
    }

    // What was allocated for a length that the image does not get. Where that fails, too, it lies behind the image's end, which nobody sees.
    private async ValueTask TryGiveBackAsync(long oldBytes, long newBytes, long oldDataBytes)
    {
        try
        {
            await DiscardBeyondAsync(_geometry.RoundUp(oldBytes), _geometry.RoundUp(newBytes), DiscardReason.Shortened, CancellationToken.None);
            await metadata.SettleAsync();
            _isTrimDue = true;
            if (_geometry.HasDataFile && metadata.Data.LengthBytes > oldDataBytes)
            {
                await metadata.Data.WriteLengthAsync(oldDataBytes, isExact: false, PreallocationMode.Off, RequestFlags.None, CancellationToken.None);
            }
        }
        catch (BlockException)
        {
            // What has failed first is told.
        }
    }

    // What the last cluster has beyond the old end, or a longer backing node there, must not show.
    private async ValueTask HideAsync(long oldBytes, long newBytes, long backingBytes, CancellationToken cancel)
    {
        long unit = _geometry.SubclusterBytes;
        long inUnitEnd = Math.Min((oldBytes + unit - 1) & ~(unit - 1), newBytes);
        if (oldBytes < inUnitEnd)
        {
            GuestRun run = await metadata.Map.FindAsync(oldBytes, 1);
            if (run.Kind is SubclusterKind.Data or SubclusterKind.Compressed || (run.Kind == SubclusterKind.Unallocated && backingBytes > oldBytes))
            {
                await WriteRangeAsync(oldBytes, new byte[inUnitEnd - oldBytes], CancellationToken.None);
            }
        }

        // What a shorter image has left in further subclusters of its last cluster.
        for (long at = inUnitEnd; at < Math.Min(_geometry.RoundUp(oldBytes), newBytes);)
        {
            GuestRun run = await metadata.Map.FindAsync(at, _geometry.RoundUp(oldBytes) - at);
            at += run.Kind is SubclusterKind.Data or SubclusterKind.Compressed ? await ZeroAsync(at, at + run.LengthBytes, null) : run.LengthBytes;
        }

        for (long at = inUnitEnd; at < Math.Min(newBytes, backingBytes);)
        {
            cancel.ThrowIfCancellationRequested();
            at += await ZeroAsync(at, Math.Min((newBytes + unit - 1) & ~(unit - 1), (backingBytes + unit - 1) & ~(unit - 1)), null);
            await BreatheAsync();
        }
    }

    // The cluster with the old end gets its place with what the guest sees there: of the backing node, or zeros over what the data file has.
    private async ValueTask FillLastAsync(long oldBytes)
    {
        if (_geometry.HasSubclusters || _geometry.IsClusterStart(oldBytes))
        {
            return;
        }

        GuestRun run = await metadata.Map.FindAsync(oldBytes - 1, 1);
        if (_geometry.HasDataFile ? run.Kind is SubclusterKind.Unallocated or SubclusterKind.Zero : run.Kind == SubclusterKind.Unallocated && Node.CowChild is not null)
        {
            long start = _geometry.ClusterStart(oldBytes);
            byte[] seen = new byte[oldBytes - start];
            await ReadAsync(start, seen, RequestFlags.None, CancellationToken.None);
            await WriteRangeAsync(start, seen, CancellationToken.None);
        }
    }

    // What a data file has where the image was not. A raw one is read by itself, too: what it has is the image's.
    private async ValueTask ClearDataFileAsync(long start, long end, CancellationToken cancel)
    {
        if (_geometry.HasDataFile && !MustWriteDataFile && start < end)
        {
            await metadata.Data.WriteZeroesAsync(start, end - start, RequestFlags.MayUnmap, cancel);
        }
    }

    // How far the backing image reaches, or the one that shows through where this image is opened the next time.
    private long BackingBytes(RequestFlags flags) => Math.Max(metadata.NamedBackingBytes, (flags & RequestFlags.ZeroWrite) != 0 ? Node.CowChild?.LengthBytes ?? 0 : 0);

    /// <summary>Gives every cluster of a range that has none one: by the tables only, or with space in the file.</summary>
    private async ValueTask PreallocateAsync(long start, long end, PreallocationMode preallocation, CancellationToken cancel)
    {
        long hostEnd = 0;
        for (long at = _geometry.ClusterStart(start); at < end;)
        {
            cancel.ThrowIfCancellationRequested();
            (int count, long length) = Piece(at, end);
            if (_geometry.HasDataFile)
            {
                long clusterStart = at;
                await metadata.Map.ChangeAsync(at, count, (i, entry) => entry.WithData(clusterStart + ((long)i << _geometry.ClusterBits), 0, _geometry.HasSubclusters ? 0 : 1));
            }
            else
            {
                L2Entry entry = await metadata.Map.GetEntryAsync(at);
                length = _geometry.ClusterBytes;
                if (LacksCluster(entry))
                {
                    await metadata.Map.GetOwnTableAsync(_geometry.L1Index(at));
                    (long hostOffset, int got) = await metadata.Allocator.AllocateAsync(await metadata.Map.CountAsync(at, count, LacksCluster));
                    await ClearAsync(hostOffset, (long)got << _geometry.ClusterBits, keepsHoles: preallocation == PreallocationMode.Metadata);
                    await metadata.Map.ChangeAsync(at, got, (i, old) =>
                    {
                        // Subclusters are as if never written: only the cluster has a place. What is hidden stays zeros where only the tables are wanted.
                        bool isData = old.IsEmpty ? !_geometry.HasSubclusters : preallocation != PreallocationMode.Metadata && IsAllZero(old);
                        return old.WithData(hostOffset + ((long)i << _geometry.ClusterBits), 0, isData ? _geometry.SubclusterCount : 0);
                    });
                    length = (long)got << _geometry.ClusterBits;
                    hostEnd = Math.Max(hostEnd, hostOffset + length);
                }
            }

            at += length;
            await BreatheAsync();
        }

        if (hostEnd > metadata.File.LengthBytes)
        {
            await metadata.File.WriteLengthAsync(hostEnd, isExact: false, preallocation == PreallocationMode.Metadata ? PreallocationMode.Off : preallocation, RequestFlags.None, cancel);
        }
    }

    private static bool LacksCluster(L2Entry entry) => !entry.HasCluster && !entry.IsCompressed;

    private bool IsAllZero(L2Entry entry) => entry.WithZeros(0, _geometry.SubclusterCount) == entry;

    // Clusters that were used before have something in them. Where the file has holes they read as zeros, and stay holes if nothing is to be allocated but tables.
    private async ValueTask ClearAsync(long hostOffset, long lengthBytes, bool keepsHoles)
    {
        long end = Math.Min(hostOffset + lengthBytes, metadata.File.LengthBytes);
        for (long at = hostOffset; at < end;)
        {
            long length = end - at;
            BlockStatus status = keepsHoles ? await metadata.File.GetStatusAsync(BlockStatusQuery.Zeroes, at, length, CancellationToken.None) : default;
            length = status.LengthBytes > 0 ? Math.Min(status.LengthBytes, length) : length;
            if (!status.IsZero)
            {
                await metadata.File.WriteZeroesAsync(at, length, RequestFlags.None, CancellationToken.None);
            }

            at += length;
        }
    }

    private async ValueTask ShrinkAsync(long lengthBytes)
    {
        long oldEnd = _geometry.RoundUp(LengthBytes);

        // The header says so first: what is beyond the end is nobody's any more.
        await metadata.SettleAsync();
        await metadata.ChangeHeaderAsync(header => header with { LengthBytes = lengthBytes });
        await metadata.File.FlushAsync(CancellationToken.None);
        await DiscardBeyondAsync(_geometry.RoundUp(lengthBytes), oldEnd, DiscardReason.Shortened, CancellationToken.None);
        await metadata.SettleAsync();
        _isTrimDue = true;
        if (_geometry.HasDataFile && metadata.Data.LengthBytes > lengthBytes)
        {
            await metadata.Data.WriteLengthAsync(lengthBytes, isExact: false, PreallocationMode.Off, RequestFlags.None, CancellationToken.None);
        }
    }

    // Whatever the map has there is nobody's.
    private async ValueTask DiscardBeyondAsync(long start, long end, DiscardReason reason, CancellationToken cancel)
    {
        for (long at = start; at < end;)
        {
            cancel.ThrowIfCancellationRequested();
            at += await DiscardAsync(at, end, reason, isForGood: true);
            await BreatheAsync();
        }
    }

    /// <summary>Cuts off what nobody uses at the end of the file. The node is drained, so that nobody takes a cluster there meanwhile.</summary>
    private async ValueTask TrimFileAsync()
    {
        _isTrimDue = false;
        long cluster = Math.Max(1, await metadata.Refcounts.FindUsedEndAsync(_geometry.ClusterCount(metadata.File.LengthBytes)));
        if (cluster << _geometry.ClusterBits < metadata.File.LengthBytes)
        {
            await metadata.File.WriteLengthAsync(cluster << _geometry.ClusterBits, isExact: false, PreallocationMode.Off, RequestFlags.None, CancellationToken.None);
        }
    }

    // The file lets go of every cluster that nobody uses. The node is drained, as above.
    private async ValueTask DiscardFreeAsync()
    {
        long end = _geometry.ClusterCount(metadata.File.LengthBytes);
        for (long cluster = 1; cluster < end;)
        {
            long first = await metadata.Refcounts.FindAsync(cluster, end, isUsed: false);
            cluster = await metadata.Refcounts.FindAsync(first, end, isUsed: true);
            if (cluster > first)
            {
                await metadata.DiscardAsync([(first << _geometry.ClusterBits, (cluster - first) << _geometry.ClusterBits)]);
            }
        }
    }
}
