using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.Drivers.Formats.Qcow2;

/// <content>Zeros and discards: both change entries, not data.</content>
internal sealed partial class Qcow2Instance
{
    private bool HasZeroFlag => metadata.Area.Header.Version >= 3;

    private bool MustWriteDataFile => (metadata.Area.Header.Autoclear & Qcow2AutoclearFeatures.RawDataFile) != 0;

    /// <summary>Whole subclusters are marked. A part of one is, where the rest reads as zeros already.</summary>
    protected override async ValueTask<bool> TryWriteZeroesAsync(long offset, long length, RequestFlags flags, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        if (!HasZeroFlag && (Node.CowChild is not null || _geometry.HasDataFile))
        {
            return false;
        }

        long unit = _geometry.SubclusterBytes;
        long start = offset & ~(unit - 1);
        long end = (offset + length + unit - 1) & ~(unit - 1);
        bool isWhole = start == offset && (end == offset + length || offset + length >= LengthBytes);
        if (!isWhole && end - start > unit)
        {
            return false;
        }

        if ((flags & RequestFlags.NoFallback) != 0 && (await CutsCompressedAsync(start) || await CutsCompressedAsync(end)))
        {
            return false;
        }

        await metadata.BeginChangeAsync();
        if (offset + length > LengthBytes)
        {
            await GrowAsync(offset + length, RequestFlags.ZeroWrite);
        }

        DiscardReason? unmaps = (flags & RequestFlags.MayUnmap) != 0 ? DiscardReason.Request : null;
        if (!isWhole)
        {
            return await TryZeroPartAsync(offset, offset + length, unmaps, flags);
        }

        await ZeroDataFileAsync(offset, length, flags, cancel);
        for (long at = start; at < end;)
        {
            at += await ZeroAsync(at, end, unmaps);
            await BreatheAsync();
        }

        return true;
    }

    /// <summary>Whole clusters read as zeros afterwards, which hides what the backing node has, or are as if never written where there is none; what is left at the edges stays as it is.</summary>
    protected override async ValueTask<bool> TryDiscardAsync(long offset, long length, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        if (!HasZeroFlag && Node.CowChild is not null)
        {
            return false;
        }

        long start = _geometry.RoundUp(offset);
        long end = offset + length == LengthBytes ? _geometry.RoundUp(LengthBytes) : _geometry.ClusterStart(offset + length);
        if (end <= start)
        {
            return false;
        }

        await metadata.BeginChangeAsync();
        if (_geometry.HasDataFile && metadata.Options.PassesDiscard(DiscardReason.Request, Node))
        {
            await metadata.Data.DiscardAsync(start, Math.Min(end, metadata.Data.LengthBytes) - start, cancel);
        }

        for (long at = start; at < end;)
        {
            at += await DiscardAsync(at, end, DiscardReason.Request, isForGood: false);
            await BreatheAsync();
        }

        return true;
    }

    // Of a compressed cluster no part can be marked: the rest would be written.
    private async ValueTask<bool> CutsCompressedAsync(long edge) =>
        _geometry.HasSubclusters && !_geometry.IsClusterStart(edge) && edge < LengthBytes && (await metadata.Map.GetEntryAsync(edge)).IsCompressed;

    // A part of a subcluster, whose rest must read as zeros already and stay so until it is marked.
    private async ValueTask<bool> TryZeroPartAsync(long start, long end, DiscardReason? unmaps, RequestFlags flags)
    {
        long unitStart = start & ~(_geometry.SubclusterBytes - 1L);
        long unitEnd = unitStart + _geometry.SubclusterBytes;
        long cluster = start >> _geometry.ClusterBits;
        await _busy.EnterAsync(cluster, cluster, CancellationToken.None);
        try
        {
            if (!await IsZeroAsync(unitStart, start) || !await IsZeroAsync(end, Math.Min(unitEnd, LengthBytes)))
            {
                return false;
            }

            await ZeroDataFileAsync(start, end - start, flags, CancellationToken.None);
            await ZeroUnsynchronizedAsync(unitStart, unitEnd - unitStart, 1, unmaps);
            return true;
        }
        finally
        {
            _busy.Exit(cluster, cluster);
        }
    }

    // A raw data file has the zeros by itself, too.
    private async ValueTask ZeroDataFileAsync(long offset, long length, RequestFlags flags, CancellationToken cancel)
    {
        if (MustWriteDataFile)
        {
            await metadata.Data.WriteZeroesAsync(offset, length, flags & ~RequestFlags.NoFallback, cancel);
        }
    }

    private async ValueTask<bool> IsZeroAsync(long start, long end)
    {
        while (start < end)
        {
            GuestRun run = await metadata.Map.FindAsync(start, end - start);
            if (run.Kind is SubclusterKind.Data or SubclusterKind.Compressed || (run.Kind == SubclusterKind.Unallocated && !await IsBackingZeroAsync(start, start + run.LengthBytes)))
            {
                return false;
            }

            start += run.LengthBytes;
        }

        return true;
    }

    private async ValueTask<bool> IsBackingZeroAsync(long start, long end)
    {
        if (Node.CowChild is not { } backing)
        {
            return true;
        }

        for (end = Math.Min(end, backing.LengthBytes); start < end;)
        {
            var status = await backing.GetStatusAboveAsync(null, false, BlockStatusQuery.Zeroes, start, end - start, CancellationToken.None);
            if (!status.Status.IsZero)
            {
                return false;
            }

            start += status.Status.LengthBytes;
        }

        return true;
    }

    /// <summary>Marks subclusters from <paramref name="start"/> on as zeros, as far as one slice of entries reaches.</summary>
    /// <returns>How far it came.</returns>
    private async ValueTask<long> ZeroAsync(long start, long end, DiscardReason? unmaps)
    {
        (int count, long length) = _geometry.HasSubclusters && !(_geometry.IsClusterStart(start) && end - start >= _geometry.ClusterBytes)
            ? (1, Math.Min(end, _geometry.ClusterStart(start) + _geometry.ClusterBytes) - start)
            : Piece(start, _geometry.HasSubclusters ? _geometry.ClusterStart(end) : end);
        long first = start >> _geometry.ClusterBits;
        await _busy.EnterAsync(first, first + count - 1, CancellationToken.None);
        try
        {
            await ZeroUnsynchronizedAsync(start, length, count, unmaps);
            return length;
        }
        finally
        {
            _busy.Exit(first, first + count - 1);
        }
    }

    // Whole subclusters of clusters that the caller has to itself.
    private async ValueTask ZeroUnsynchronizedAsync(long start, long length, int count, DiscardReason? unmaps)
    {
        if (length < _geometry.ClusterBytes && _geometry.HasSubclusters && (await metadata.Map.GetEntryAsync(start)).IsCompressed)
        {
            // The rest of the cluster is data, and stays.
            await AllocateAsync(start, new byte[length], 1);
            return;
        }

        L2Entry[] freed = new L2Entry[count];
        await metadata.Map.ChangeAsync(start, count, (i, entry) =>
        {
            long cluster = _geometry.ClusterStart(start) + ((long)i << _geometry.ClusterBits);
            int firstSub = (int)(Math.Max(start, cluster) - cluster) / _geometry.SubclusterBytes;
            int endSub = (int)(Math.Min(start + length, cluster + _geometry.ClusterBytes) - cluster) / _geometry.SubclusterBytes;
            bool isWhole = endSub - firstSub == _geometry.SubclusterCount;
            bool letsGo = isWhole && (entry.IsCompressed || !HasZeroFlag || (unmaps is not null && !metadata.Options.KeepsDiscarded));
            L2Entry zero = entry.IsCompressed ? L2Entry.Unallocated.WithZeros(firstSub, endSub - firstSub) : entry.WithZeros(firstSub, endSub - firstSub);
            freed[i] = letsGo ? entry : default;
            return !HasZeroFlag ? L2Entry.Unallocated : letsGo ? zero.WithoutCluster() : zero;
        });
        foreach (L2Entry entry in freed)
        {
            FreeOld(entry, unmaps ?? DiscardReason.Request);
        }

        if (unmaps is { } reason && Array.Exists(freed, static entry => entry.HasCluster))
        {
            await DiscardDataAsync(_geometry.RoundUp(start), _geometry.ClusterStart(start + length), reason);
        }
    }

    // Clusters of a data file that nothing leads to any more; the caller has them to itself, for they would be taken again where they are. A raw one has zeros there already.
    private async ValueTask DiscardDataAsync(long start, long end, DiscardReason reason)
    {
        long length = Math.Min(end, metadata.Data.LengthBytes) - start;
        if (!_geometry.HasDataFile || MustWriteDataFile || length <= 0 || !metadata.Options.PassesDiscard(reason, Node))
        {
            return;
        }

        try
        {
            await metadata.Data.DiscardAsync(start, length, CancellationToken.None);
        }
        catch (BlockException)
        {
            // It is advice: the guest reads zeros with or without it.
        }
    }

    /// <summary>Lets go of clusters from <paramref name="start"/> on, as far as one slice of entries reaches.</summary>
    /// <param name="start">Where they begin.</param>
    /// <param name="end">Where they end.</param>
    /// <param name="reason">Why.</param>
    /// <param name="isForGood">They are as if never written, even where a backing node then shows.</param>
    /// <returns>How far it came.</returns>
    private async ValueTask<long> DiscardAsync(long start, long end, DiscardReason reason, bool isForGood)
    {
        (int count, long length) = Piece(start, end);
        if (metadata.Map.TableOf(_geometry.L1Index(start)) == 0 && (isForGood || Node.CowChild is null))
        {
            // Nothing is there, and no table has to say so.
            return Math.Min(end, (start | (_geometry.L1SpanBytes - 1)) + 1) - start;
        }

        long first = start >> _geometry.ClusterBits;
        await _busy.EnterAsync(first, first + count - 1, CancellationToken.None);
        try
        {
            bool becomesZero = HasZeroFlag && !isForGood;
            bool keeps = becomesZero && metadata.Options.KeepsDiscarded;
            bool hasBacking = Node.CowChild is not null;
            L2Entry[] freed = new L2Entry[count];
            await metadata.Map.ChangeAsync(start, count, (i, entry) =>
            {
                if ((entry.IsEmpty && (isForGood || !hasBacking)) || (becomesZero && !entry.HasCluster && !entry.IsCompressed && (!hasBacking || entry.WithZeros(0, _geometry.SubclusterCount) == entry)))
                {
                    return entry;
                }

                bool staysPut = keeps && becomesZero && !entry.IsCompressed;
                freed[i] = staysPut ? default : entry;
                return !becomesZero ? L2Entry.Unallocated
                    : staysPut ? entry.WithZeros(0, _geometry.SubclusterCount)
                    : L2Entry.Unallocated.WithZeros(0, _geometry.SubclusterCount);
            });
            foreach (L2Entry entry in freed)
            {
                FreeOld(entry, reason);
            }

            return length;
        }
        finally
        {
            _busy.Exit(first, first + count - 1);
        }
    }

    // The clusters from `start` to `end` whose entries are in one slice.
    private (int Count, long LengthBytes) Piece(long start, long end)
    {
        long clusters = ((end - 1) >> _geometry.ClusterBits) - (start >> _geometry.ClusterBits) + 1;
        int count = (int)Math.Min(clusters, metadata.Map.EntriesLeftInSlice(start));
        return (count, Math.Min(end, _geometry.ClusterStart(start) + ((long)count << _geometry.ClusterBits)) - start);
    }
}
