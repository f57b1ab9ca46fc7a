using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Events;

namespace BlockGraph.Drivers.Formats.Qcow2;

/// <content>How what is in memory reaches the file, and when what was given up is free.</content>
internal sealed partial class Qcow2Metadata
{
    private const long NsPerSecond = 1_000_000_000;

    // When tables that were not used were last given up.
    private long _trimmedNs;

    /// <summary>Gives up tables that were not used for as long as the options say. Asked by requests that wait anyway: an image that nobody uses keeps what it has.</summary>
    public void TrimIfDue()
    {
        long intervalNs = Options.CleanIntervalSeconds * NsPerSecond;
        long nowNs = Node.Context.NowNs;
        if (intervalNs > 0 && nowNs - _trimmedNs >= intervalNs)
        {
            _trimmedNs = nowNs;
            Map.Cache.Trim();
            Refcounts.Cache.Trim();
        }
    }

    /// <summary>True where a change should wait for a write-back before it makes more.</summary>
    public bool IsCrowded => Map.Cache.IsCrowded || Refcounts.Cache.IsCrowded || Freed.IsCrowded;

    /// <summary>Why bitmaps could not be written when the image was last made clean; null where they were.</summary>
    public BlockException? LostBitmaps { get; private set; }

    private bool HasUnwritten => Map.HasDirty || Refcounts.Cache.HasDirty || !Freed.IsEmpty;

    /// <summary>Writes what is newer in memory, in the order that keeps the file right at any moment. The last part of it is durable only with the next flush.</summary>
    /// <exception cref="BlockException">Something could not be written: it is still newer in memory.</exception>
    public ValueTask WriteBackAsync() => HasUnwritten || _writeBack.IsHeld ? WriteBackSlowAsync(writesCounts: !IsLazy) : default;

    /// <summary>Writes the reference counts that there are where they are written late: in the file they are behind for data only, tables are counted.</summary>
    /// <exception cref="BlockException">They could not be written: they are still newer in memory.</exception>
    public async ValueTask WriteLateCountsAsync()
    {
        if (!IsLazy)
        {
            return;
        }

        await _writeBack.EnterAsync();
        try
        {
            ThrowIfStopped();
            await Refcounts.Cache.WriteAsync(Refcounts.Cache.Capture());
        }
        finally
        {
            _writeBack.Exit();
        }
    }

    /// <summary>Writes everything, makes it durable, and frees what was given up. The node is drained, or the caller does not mind what comes meanwhile.</summary>
    /// <exception cref="BlockException">Something could not be written.</exception>
    public async ValueTask SettleAsync()
    {
        // What is freed changes counts, which are written by another round.
        for (int round = 0; round < 4 && (HasUnwritten || round == 0); round++)
        {
            await WriteBackSlowAsync(writesCounts: true);
            await FlushFilesAsync();
        }
    }

    /// <summary>The image is closed, or not written any more: everything is in the file, and it says so.</summary>
    public async ValueTask CleanAsync()
    {
        if (_isHeaderUncertain)
        {
            await ConfirmHeaderAsync();
        }

        if (IsStopped)
        {
            // The mark may be on its way still: nobody would write it any more.
            await WriteCorruptBitAsync();
        }

        if (!_isInUse)
        {
            return;
        }

        LostBitmaps = null;
        if (!IsStopped)
        {
            await SettleAsync();
            LostBitmaps = await TryWriteBitmapsAsync();
            if (IsLazy)
            {
                await ChangeHeaderAsync(static header => header with { Incompatible = header.Incompatible & ~Qcow2IncompatibleFeatures.Dirty });
                await File.FlushAsync(CancellationToken.None);
            }
        }

        // Bitmaps are tried again, whether something is written meanwhile or not.
        _isInUse = LostBitmaps is not null;
        _hasBegun = false;
        Places.Clear();
        if (LostBitmaps is not null)
        {
            throw LostBitmaps;
        }
    }

    // Everything else is no worse for it.
    private async ValueTask<BlockException?> TryWriteBitmapsAsync()
    {
        try
        {
            await KeptBitmaps.WriteAsync();
            return null;
        }
        catch (BlockException error)
        {
            return error.Prefixed($"Lost persistent bitmaps during inactivation of node '{Node.Name}': ");
        }
    }

    private async ValueTask WriteBackSlowAsync(bool writesCounts)
    {
        await _writeBack.EnterAsync();
        try
        {
            ThrowIfStopped();
            await WriteCapturedAsync(writesCounts);
            await ReleaseAsync();
        }
        finally
        {
            _writeBack.Exit();
        }
    }

    private async ValueTask WriteCapturedAsync(bool writesCounts)
    {
        // All at one moment: no entry among them leads to what is not counted among them.
        List<FreedRange> freed = Freed.Capture();
        List<(MetadataSlice, Memory<byte>)> counts = writesCounts || Refcounts.Cache.IsCrowded ? Refcounts.Cache.Capture() : [];
        List<(MetadataSlice, Memory<byte>)> entries = Map.Cache.Capture();
        List<(long HostOffset, byte[] Bytes)> top = Map.CaptureTop();
        int mark = Node.MarkRequests();
        try
        {
            await Refcounts.Cache.WriteAsync(counts);
        }
        catch
        {
            Restore(freed, entries, top);
            throw;
        }

        try
        {
            if (entries.Count > 0 || top.Count > 0 || freed.Count > 0 || Freed.WaitsForFlush)
            {
                await FlushFilesAsync();
            }
        }
        catch
        {
            Restore(freed, entries, top);
            throw;
        }

        try
        {
            await Map.Cache.WriteAsync(entries);
            await Map.WriteTopAsync(top);
        }
        catch
        {
            Map.RestoreTop(top);
            Freed.Restore(freed);
            throw;
        }

        Freed.OnWritten(freed, mark);
    }

    private void Restore(List<FreedRange> freed, List<(MetadataSlice, Memory<byte>)> entries, List<(long HostOffset, byte[] Bytes)> top)
    {
        Freed.Restore(freed);
        Map.Cache.Restore(entries);
        Map.RestoreTop(top);
    }

    private async ValueTask FlushFilesAsync()
    {
        var waiting = Freed.BeginFlush();
        bool isDurable = false;
        try
        {
            if (_data is not null && _data != File)
            {
                await _data.FlushAsync(CancellationToken.None);
            }

            await File.FlushAsync(CancellationToken.None);
            isDurable = true;
        }
        finally
        {
            Freed.EndFlush(waiting, isDurable);
        }
    }

    // Nothing in the file leads there, nobody is on the way there: the space goes back, first to the file, then to the allocator. What fails here leaks, which a check mends.
    private async ValueTask ReleaseAsync()
    {
        while (Freed.TakeFree(Node.HasRequestsBefore) is { } ranges)
        {
            try
            {
                await ReleaseAsync(ranges);
            }
            finally
            {
                if (ranges.Count > 0)
                {
                    Freed.PutBack(ranges, Node.MarkRequests());
                }
            }
        }
    }

    // Lower counts may be in the file at any time from now on: they are written where there is no room for more.
    private async ValueTask ReleaseAsync(List<FreedRange> ranges)
    {
        while (ranges.Count > 0)
        {
            FreedRange range = ranges[^1];
            ranges.RemoveAt(ranges.Count - 1);
            try
            {
                await ReleaseAsync(range);
            }
            catch (BlockException error)
            {
                Node.Graph.Events.Publish(new BlockWarning($"Node '{Node.Name}': {range.LengthBytes} bytes at 0x{range.HostOffset:x} could not be freed: {error.Message}"));
            }

            if (Refcounts.Cache.IsCrowded)
            {
                await Refcounts.Cache.WriteAsync(Refcounts.Cache.Capture());
            }
        }
    }

    private async ValueTask ReleaseAsync(FreedRange range)
    {
        bool discards = Options.PassesDiscard(range.Reason, Node);
        long cluster = range.HostOffset >> Geometry.ClusterBits;
        long end = cluster + Geometry.ClusterCount(range.LengthBytes);
        while (cluster < end)
        {
            long next = discards ? await DiscardUnusedAsync(cluster, end) : end;
            while (cluster < next)
            {
                // Whoever listens hears of each of them.
                await File.DebugEventAsync(DebugEvent.ClusterFree);
                cluster += await Allocator.DropAsync(cluster, File.HasDebugListener ? 1 : next - cluster);
            }
        }
    }

    // The file lets go of what nobody else uses, up to the first cluster that somebody does. Returns the end of what has been looked at: at least one cluster.
    private async ValueTask<long> DiscardUnusedAsync(long first, long end)
    {
        long cluster = first;
        while (cluster < end && await Refcounts.CountOnesAsync(cluster, end - cluster) is > 0 and int ones)
        {
            Allocator.StopAppending(cluster, ones);
            cluster += ones;
        }

        if (cluster == first)
        {
            return first + 1;
        }

        await File.DiscardAsync(first << Geometry.ClusterBits, (cluster - first) << Geometry.ClusterBits, CancellationToken.None);
        return cluster;
    }
}
