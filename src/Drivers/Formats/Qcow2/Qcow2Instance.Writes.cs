using System.Runtime.CompilerServices;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.Drivers.Formats.Qcow2;

/// <content>Writes that need a cluster, or a part of one.</content>
internal sealed partial class Qcow2Instance
{
    // So much of one write is put into clusters at once.
    private const int AllocationBytesMax = 2 << 20;

    // So much memory may hold what is kept around writes.
    private const int KeptBytesMax = 8 << 20;

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask WritePiecesAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        await metadata.BeginChangeAsync();
        buffer = await FitAsync(offset, buffer);
        if ((flags & RequestFlags.WriteCompressed) != 0)
        {
            await WriteCompressedAsync(offset, buffer);
            return;
        }

        await WriteRangeAsync(offset, buffer, cancel);
    }

    // Inside the image, or in what is about to be.
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask WriteRangeAsync(long offset, IoVector buffer, CancellationToken cancel)
    {
        for (int done = 0; done < buffer.Length;)
        {
            long at = offset + done;
            GuestRun run = await metadata.Map.FindAsync(at, buffer.Length - done);
            if (run.IsInPlace && await EndsTakenAsync(run, at, buffer.Length - done))
            {
                IoVector piece = buffer.Slice(done, (int)run.LengthBytes);
                await WriteInPlaceAsync(run.HostOffset, at, piece, done == 0 ? cancel : CancellationToken.None);
                done += piece.Length;
            }
            else
            {
                done += await WriteNewAsync(at, buffer.Slice(done, Math.Min(buffer.Length - done, AllocationBytesMax)));
                await BreatheAsync();
            }
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask WriteInPlaceAsync(long hostOffset, long guestOffset, IoVector piece, CancellationToken cancel)
    {
        await metadata.File.DebugEventAsync(DebugEvent.WriteAio);
        if (!_geometry.HasDataFile)
        {
            metadata.ThrowIfMetadata(hostOffset, piece.Length);
        }

        await metadata.Data.WriteAsync(hostOffset, ToStore(guestOffset, hostOffset, piece), RequestFlags.None, cancel);
    }

    private IoVector ToStore(long guestOffset, long hostOffset, IoVector plain) =>
        metadata.IsEncrypted ? Cipher.Encrypt(guestOffset, hostOffset, plain, metadata.Data.Node.Limits.MemoryAlignmentBytes) : plain;

    // What goes beyond the end is padding, if it lies in the last block and is zeros; otherwise the image becomes longer.
    private async ValueTask<IoVector> FitAsync(long offset, IoVector buffer)
    {
        int inside = (int)Math.Clamp(LengthBytes - offset, 0, buffer.Length);
        if (inside == buffer.Length)
        {
            return buffer;
        }

        long endOfLastBlock = (LengthBytes + Node.Limits.RequestAlignmentBytes - 1) & ~(Node.Limits.RequestAlignmentBytes - 1L);
        if (offset + buffer.Length <= endOfLastBlock && IsZero(buffer.Slice(inside, buffer.Length - inside)))
        {
            return buffer.Slice(0, inside);
        }

        await GrowAsync(offset + buffer.Length, RequestFlags.None);
        return buffer;
    }

    /// <summary>Writes the beginning of <paramref name="buffer"/> where a cluster, or part of one, must be taken first.</summary>
    /// <returns>How much was written.</returns>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> WriteNewAsync(long guestOffset, IoVector buffer)
    {
        long first = guestOffset >> _geometry.ClusterBits;
        long last = Math.Min((guestOffset + buffer.Length - 1) >> _geometry.ClusterBits, first + metadata.Map.EntriesLeftInSlice(guestOffset) - 1);
        await _busy.EnterAsync(first, last, CancellationToken.None);
        try
        {
            GuestRun run = await metadata.Map.FindAsync(guestOffset, buffer.Length);
            if (run.IsInPlace && await EndsTakenAsync(run, guestOffset, buffer.Length))
            {
                int length = (int)run.LengthBytes;
                await WriteInPlaceAsync(run.HostOffset, guestOffset, buffer.Slice(0, length), CancellationToken.None);
                return length;
            }

            return run.Entry is { HasCluster: true, IsCopied: true } || _geometry.HasDataFile
                ? await FillAsync(guestOffset, buffer, run)
                : await AllocateAsync(guestOffset, buffer, await metadata.Map.CountAsync(guestOffset, (int)(last - first + 1), static entry => entry is not { HasCluster: true, IsCopied: true }));
        }
        finally
        {
            _busy.Exit(first, last);
        }
    }

    // Nothing behind the run, up to where the write ends, can be written with it at once; or it is long enough.
    private async ValueTask<bool> EndsTakenAsync(GuestRun run, long guestOffset, int lengthBytes) =>
        run.LengthBytes >= Math.Min(lengthBytes, AllocationBytesMax) || await metadata.Map.CountTakenAsync(guestOffset, lengthBytes) <= run.LengthBytes;

    /// <summary>
    /// Writes into clusters that are taken already and lie together, whether they say something already or not. Where they do others may be writing in place: nothing
    /// of theirs is kept by writing it again.
    /// </summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> FillAsync(long guestOffset, IoVector buffer, GuestRun run)
    {
        // Of a cluster that contradicts itself somewhere else, what is alike.
        long alike = Math.Min(run.LengthBytes, _geometry.ClusterBytes - _geometry.InCluster(guestOffset));
        buffer = buffer.Slice(0, (int)Math.Max(alike, await metadata.Map.CountTakenAsync(guestOffset, buffer.Length)));
        long end = guestOffset + buffer.Length;
        GuestRun lastRun = await metadata.Map.FindAsync(end - 1, 1);
        long unit = _geometry.SubclusterBytes;
        long copyStart = run.Kind == SubclusterKind.Data ? guestOffset : guestOffset & ~(unit - 1);
        long copyEnd = lastRun.Kind == SubclusterKind.Data ? end : (end + unit - 1) & ~(unit - 1);
        long clusterStart = _geometry.ClusterStart(guestOffset);
        long shift = _geometry.HasDataFile ? 0 : run.Entry.HostOffset - clusterStart;
        await CopyAndWriteAsync(guestOffset, buffer, copyStart, copyEnd, shift);
        int count = (int)(((end - 1) >> _geometry.ClusterBits) - (guestOffset >> _geometry.ClusterBits)) + 1;
        await metadata.Map.ChangeAsync(guestOffset, count, (i, old) => MarkWritten(old, clusterStart + ((long)i << _geometry.ClusterBits), copyStart, copyEnd, shift));
        return buffer.Length;
    }

    // The entry of the cluster at `start` once what is in it of `from` to `to` was written, in the cluster of the file that is as far away as `shift`.
    private L2Entry MarkWritten(L2Entry entry, long start, long from, long to, long shift)
    {
        int first = (int)(Math.Max(from, start) - start) / _geometry.SubclusterBytes;
        int end = (int)(Math.Min(to, start + _geometry.ClusterBytes) - start + _geometry.SubclusterBytes - 1) / _geometry.SubclusterBytes;
        return entry.WithData(start + shift, first, end - first);
    }

    /// <summary>Takes clusters that lie together, as many as there are up to <paramref name="count"/>, and writes into them.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> AllocateAsync(long guestOffset, IoVector buffer, int count)
    {
        long clusterStart = _geometry.ClusterStart(guestOffset);
        L2Entry[] old = new L2Entry[count];
        for (int i = 0; i < count; i++)
        {
            old[i] = await metadata.Map.GetEntryAsync(clusterStart + ((long)i << _geometry.ClusterBits));
        }

        // A table that cannot be had is met before anything was taken.
        await metadata.Map.GetOwnTableAsync(_geometry.L1Index(guestOffset));
        (long hostOffset, int got) = await metadata.Allocator.AllocateAsync(count);
        int length = (int)Math.Min(buffer.Length, clusterStart + ((long)got << _geometry.ClusterBits) - guestOffset);
        long end = guestOffset + length;
        try
        {
            (long copyStart, long copyEnd) = RangeToKeep(guestOffset, end, old[0], old[got - 1]);
            long shift = hostOffset - clusterStart;
            await CopyAndWriteAsync(guestOffset, buffer.Slice(0, length), copyStart, copyEnd, shift);
            await metadata.Map.ChangeAsync(guestOffset, got, (i, entry) => MarkWritten(entry, clusterStart + ((long)i << _geometry.ClusterBits), copyStart, copyEnd, shift));
        }
        catch
        {
            await metadata.Allocator.GiveBackAsync(hostOffset, got);
            throw;
        }

        for (int i = 0; i < got; i++)
        {
            FreeOld(old[i], DiscardReason.Other);
        }

        return length;
    }

    // The guest's bytes around a write that must go into the new clusters with it: the rest of its subclusters, and what was data somewhere else. Marks of zeros around that stay.
    private (long Start, long End) RangeToKeep(long start, long end, L2Entry first, L2Entry last)
    {
        long unit = _geometry.SubclusterBytes;
        long copyStart = start & ~(unit - 1);
        long copyEnd = (end + unit - 1) & ~(unit - 1);
        if (first.HasData)
        {
            copyStart = Math.Min(copyStart, _geometry.ClusterStart(start) + (first.FirstData * unit));
        }

        if (last.HasData)
        {
            copyEnd = Math.Max(copyEnd, _geometry.ClusterStart(end - 1) + (last.DataEnd((int)(_geometry.ClusterBytes / unit)) * unit));
        }

        return (copyStart, copyEnd);
    }

    /// <summary>Writes <paramref name="buffer"/>, and around it what the guest has now from <paramref name="copyStart"/> to <paramref name="copyEnd"/>, to where <paramref name="shift"/> says.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask CopyAndWriteAsync(long guestOffset, IoVector buffer, long copyStart, long copyEnd, long shift)
    {
        int headBytes = (int)(guestOffset - copyStart);
        int tailBytes = (int)(copyEnd - guestOffset - buffer.Length);
        if (headBytes + tailBytes == 0)
        {
            await WriteNewAsync(copyStart, shift, buffer);
            return;
        }

        // Beside a write into one cluster; around one into several there may be more.
        int alignmentBytes = metadata.Data.Node.Limits.MemoryAlignmentBytes;
        if (headBytes + tailBytes > _geometry.ClusterBytes)
        {
            await KeepAndWriteAsync(guestOffset, buffer, AlignedBuffer.Allocate(headBytes + tailBytes, alignmentBytes), headBytes, shift);
            return;
        }

        Memory<byte> kept = await _kept.RentAsync(alignmentBytes);
        try
        {
            await KeepAndWriteAsync(guestOffset, buffer, kept[..(headBytes + tailBytes)], headBytes, shift);
        }
        finally
        {
            _kept.Return(kept);
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask KeepAndWriteAsync(long guestOffset, IoVector buffer, Memory<byte> kept, int headBytes, long shift)
    {
        await metadata.File.DebugEventAsync(DebugEvent.CowRead);
        await ReadOldAsync(guestOffset - headBytes, kept[..headBytes]);
        await ReadOldAsync(guestOffset + buffer.Length, kept[headBytes..]);
        await WriteNewAsync(guestOffset - headBytes, shift, Surround(kept[..headBytes], buffer, kept[headBytes..]), isCopy: true);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask WriteNewAsync(long guestOffset, long shift, IoVector whole, bool isCopy = false)
    {
        if (!_geometry.HasDataFile)
        {
            metadata.ThrowIfMetadata(guestOffset + shift, whole.Length);
        }

        await metadata.File.DebugEventAsync(DebugEvent.WriteAio);
        if (isCopy)
        {
            await metadata.File.DebugEventAsync(DebugEvent.CowWrite);
        }

        await metadata.Data.WriteAsync(guestOffset + shift, ToStore(guestOffset, guestOffset + shift, whole), RequestFlags.None, CancellationToken.None);
    }

    // One reference of what an entry led to is not needed any more.
    private void FreeOld(L2Entry old, DiscardReason reason)
    {
        if (_geometry.HasDataFile)
        {
            return;
        }

        if (old.IsCompressed)
        {
            CompressedPlace place = CompressedPlace.Of(old, _geometry);
            metadata.Freed.Add(_geometry.ClusterStart(place.HostOffset), _geometry.RoundUp(place.EndOffset) - _geometry.ClusterStart(place.HostOffset), reason);
        }
        else if (old.HostOffset != 0)
        {
            metadata.Freed.Add(old.HostOffset, _geometry.ClusterBytes, reason);
        }
    }

    private static IoVector Surround(Memory<byte> head, IoVector buffer, Memory<byte> tail)
    {
        List<Memory<byte>> parts = [];
        if (!head.IsEmpty)
        {
            parts.Add(head);
        }

        foreach (Memory<byte> segment in buffer)
        {
            parts.Add(segment);
        }

        if (!tail.IsEmpty)
        {
            parts.Add(tail);
        }

        return new IoVector(new IoSegments([.. parts]));
    }

    private static bool IsZero(IoVector buffer)
    {
        foreach (Memory<byte> segment in buffer)
        {
            if (segment.Span.ContainsAnyExcept((byte)0))
            {
                return false;
            }
        }

        return true;
    }
}
