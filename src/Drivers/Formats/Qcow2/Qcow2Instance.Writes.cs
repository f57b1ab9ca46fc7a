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
            if (run.IsInPlace)
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
            if (run.IsInPlace)
            {
                int length = (int)run.LengthBytes;
                await WriteInPlaceAsync(run.HostOffset, guestOffset, buffer.Slice(0, length), CancellationToken.None);
                return length;
            }

            return run.Entry is { HasCluster: true, IsCopied: true } || _geometry.HasDataFile
                ? await FillClusterAsync(guestOffset, buffer, run)
                : await AllocateAsync(guestOffset, buffer, await metadata.Map.CountAsync(guestOffset, (int)(last - first + 1), static entry => entry is not { HasCluster: true, IsCopied: true }));
        }
        finally
        {
            _busy.Exit(first, last);
        }
    }

    /// <summary>
    /// Writes into a cluster that is taken already, as far as its bytes there say nothing yet. Where they do others may be writing in place: nothing of theirs is kept
    /// by writing it again.
    /// </summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> FillClusterAsync(long guestOffset, IoVector buffer, GuestRun run)
    {
        int inCluster = _geometry.InCluster(guestOffset);
        int length = (int)Math.Min(run.LengthBytes, _geometry.ClusterBytes - inCluster);
        long clusterStart = guestOffset - inCluster;
        long hostCluster = _geometry.HasDataFile ? clusterStart : run.Entry.HostOffset;
        int firstSub = inCluster / _geometry.SubclusterBytes;
        int endSub = (inCluster + length + _geometry.SubclusterBytes - 1) / _geometry.SubclusterBytes;
        await CopyAndWriteAsync(guestOffset, buffer.Slice(0, length), clusterStart + (firstSub * _geometry.SubclusterBytes), clusterStart + (endSub * _geometry.SubclusterBytes), hostCluster - clusterStart);
        await metadata.Map.ChangeAsync(guestOffset, 1, (_, old) => old.WithData(_geometry.HasDataFile ? clusterStart : old.HostOffset, firstSub, endSub - firstSub));
        return length;
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
            await CopyAndWriteAsync(guestOffset, buffer.Slice(0, length), copyStart, copyEnd, hostOffset - clusterStart);
            await metadata.Map.ChangeAsync(guestOffset, got, (i, entry) =>
            {
                long start = clusterStart + ((long)i << _geometry.ClusterBits);
                int firstSub = (int)(Math.Max(copyStart, start) - start) / _geometry.SubclusterBytes;
                int endSub = (int)(Math.Min(copyEnd, start + _geometry.ClusterBytes) - start) / _geometry.SubclusterBytes;
                return entry.WithData(hostOffset + ((long)i << _geometry.ClusterBits), firstSub, endSub - firstSub);
            });
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

    // The guest's bytes around a write that must go into the new clusters with it: of what was data somewhere else all of the cluster, else the rest of the subclusters.
    private (long Start, long End) RangeToKeep(long start, long end, L2Entry first, L2Entry last)
    {
        int startUnit = first.HasData ? _geometry.ClusterBytes : _geometry.SubclusterBytes;
        int endUnit = last.HasData ? _geometry.ClusterBytes : _geometry.SubclusterBytes;
        return (start & ~(startUnit - 1L), (end + endUnit - 1) & ~(endUnit - 1L));
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
