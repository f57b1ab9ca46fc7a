using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.TestKit.Cow;

/// <content>What changes the image: writes, zeros, discards, growth.</content>
internal sealed partial class CowInstance
{
    /// <inheritdoc/>
    protected override ValueTask WriteAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) =>
        Table.Sharing is null && TryMap(offset, buffer.Length, out long hostOffset)
            ? _file.WriteAsync(hostOffset, buffer, flags, cancel)
            : WritePiecesAsync(offset, buffer, flags, cancel);

    /// <inheritdoc/>
    protected override async ValueTask<bool> TryWriteZeroesAsync(long offset, long length, RequestFlags flags, CancellationToken cancel)
    {
        ThrowIfSharing();
        if ((flags & RequestFlags.NoFallback) != 0 && !(IsClusterStart(offset) && IsClusterEnd(offset + length)))
        {
            return false;
        }

        if (offset + length > LengthBytes)
        {
            await TryWriteLengthAsync(offset + length, isExact: true, PreallocationMode.Off, RequestFlags.ZeroWrite, cancel);
        }

        for (long at = offset; at < offset + length;)
        {
            long end = Math.Min(EndOfCluster(at), offset + length);
            await ZeroInClusterAsync(at, end, flags, at == offset ? cancel : CancellationToken.None);
            at = end;
        }

        return true;
    }

    /// <summary>Whole clusters become zeros, which hides what the backing node has; what is left at the edges stays as it is.</summary>
    protected override async ValueTask<bool> TryDiscardAsync(long offset, long length, CancellationToken cancel)
    {
        ThrowIfSharing();
        bool hasBegun = false;
        for (long at = offset; at < offset + length;)
        {
            long end = Math.Min(EndOfCluster(at), offset + length);
            if (IsClusterStart(at) && IsClusterEnd(end))
            {
                await DiscardClusterAsync(Table.ClusterOf(at), hasBegun ? CancellationToken.None : cancel);
                hasBegun = true;
            }

            at = end;
        }

        return hasBegun;
    }

    /// <summary>Grows the image, as far as its table has entries; it never becomes shorter. What is new reads as zeros.</summary>
    protected override async ValueTask<bool> TryWriteLengthAsync(long lengthBytes, bool isExact, PreallocationMode preallocation, RequestFlags flags, CancellationToken cancel)
    {
        long oldBytes = LengthBytes;
        if (preallocation != PreallocationMode.Off)
        {
            throw preallocation.ToRefusal();
        }

        if (_options.LengthBytes is not null)
        {
            throw new BlockException(BlockErrorKind.NotSupported, "Cannot resize an image that is shown with another length than its own");
        }

        if (lengthBytes < oldBytes)
        {
            throw new BlockException(BlockErrorKind.NotSupported, "Shrinking images is currently not supported");
        }

        if (lengthBytes > _metadata.Header.LengthBytesMax)
        {
            throw new BlockException(BlockErrorKind.TooLarge, $"The image's table has entries for {_metadata.Header.LengthBytesMax} bytes only");
        }

        ThrowIfSharing();
        cancel.ThrowIfCancellationRequested();
        await HideBackingAsync(oldBytes, lengthBytes);
        await _metadata.WriteBackAsync();
        await _file.FlushAsync(CancellationToken.None);
        await _metadata.ChangeHeaderAsync(header => header with { LengthBytes = Math.Max(header.LengthBytes, lengthBytes) });
        return true;
    }

    // A backing node that is longer than the image was must not show in what is new.
    private async ValueTask HideBackingAsync(long oldBytes, long newBytes)
    {
        long endBytes = Math.Min(newBytes, Node.CowChild?.LengthBytes ?? 0);
        if (endBytes > oldBytes && !IsClusterStart(oldBytes))
        {
            // The cluster at the old end gets its data, then zeros.
            await WriteInClusterAsync(Table.ClusterOf(oldBytes), oldBytes, default, RequestFlags.None, CancellationToken.None);
        }

        for (long at = _metadata.Header.RoundUp(oldBytes); at < endBytes; at += UnitBytes)
        {
            await ZeroInClusterAsync(at, at + UnitBytes, RequestFlags.None, CancellationToken.None);
        }
    }

    private async ValueTask WritePiecesAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
    {
        ThrowIfSharing();
        buffer = await FitAsync(offset, buffer, cancel);
        for (int done = 0; done < buffer.Length;)
        {
            long at = offset + done;
            int step = (int)Math.Min(EndOfCluster(at) - at, buffer.Length - done);
            IoVector piece = buffer.Slice(done, step);
            CancellationToken token = done == 0 ? cancel : CancellationToken.None;
            await (Table.TryMap(at, step, out long hostOffset)
                ? _file.WriteAsync(hostOffset, piece, flags, token)
                : WriteInClusterAsync(Table.ClusterOf(at), at, piece, flags, token));
            done += step;
        }
    }

    // What goes beyond the end is padding, if it lies in the last block and is zeros; otherwise the image becomes longer.
    private async ValueTask<IoVector> FitAsync(long offset, IoVector buffer, CancellationToken cancel)
    {
        int inside = (int)Math.Clamp(LengthBytes - offset, 0, buffer.Length);
        long endOfLastBlock = (LengthBytes + Node.Limits.RequestAlignmentBytes - 1) & ~(Node.Limits.RequestAlignmentBytes - 1L);
        if (offset + buffer.Length <= endOfLastBlock && IsZero(buffer.Slice(inside, buffer.Length - inside)))
        {
            return buffer.Slice(0, inside);
        }

        await TryWriteLengthAsync(offset + buffer.Length, isExact: true, PreallocationMode.Off, RequestFlags.None, cancel);
        return buffer;
    }

    private async ValueTask WriteInClusterAsync(int cluster, long offset, IoVector piece, RequestFlags flags, CancellationToken cancel)
    {
        await _busy.EnterAsync(cluster, cancel);
        try
        {
            CowEntry entry = Table[cluster];
            ThrowIfCorrupt(entry, offset);
            await (entry.IsData
                ? _file.WriteAsync(HostOffset(entry, offset), piece, flags, cancel)
                : AllocateAsync(cluster, entry, offset, piece, cancel));
        }
        finally
        {
            _busy.Exit(cluster);
        }
    }

    /// <summary>Zeroes what lies in one cluster from <paramref name="start"/> to <paramref name="end"/>.</summary>
    private async ValueTask ZeroInClusterAsync(long start, long end, RequestFlags flags, CancellationToken cancel)
    {
        int cluster = Table.ClusterOf(start);
        await _busy.EnterAsync(cluster, cancel);
        try
        {
            CowEntry entry = Table[cluster];
            ThrowIfCorrupt(entry, start);
            if (entry.IsZero)
            {
                return;
            }

            if ((IsClusterStart(start) && IsClusterEnd(end)) || (entry.IsUnallocated && Node.CowChild is null))
            {
                await MarkZeroAsync(cluster, entry, (flags & RequestFlags.MayUnmap) != 0);
            }
            else if (entry.IsData)
            {
                await _file.WriteZeroesAsync(HostOffset(entry, start), end - start, flags & ~RequestFlags.NoFallback, cancel);
            }
            else
            {
                await AllocateAsync(cluster, entry, start, new byte[end - start], cancel);
            }
        }
        finally
        {
            _busy.Exit(cluster);
        }
    }

    private async ValueTask DiscardClusterAsync(int cluster, CancellationToken cancel)
    {
        await _busy.EnterAsync(cluster, cancel);
        try
        {
            CowEntry entry = Table[cluster];
            ThrowIfCorrupt(entry, (long)cluster * UnitBytes);
            if (!entry.IsZero && !(entry.IsUnallocated && Node.CowChild is null))
            {
                await MarkZeroAsync(cluster, entry, mayUnmap: true);
            }
        }
        finally
        {
            _busy.Exit(cluster);
        }
    }

    /// <summary>Puts a cluster into the file: the piece, and around it what was there until now. The caller has the cluster to itself.</summary>
    private async ValueTask AllocateAsync(int cluster, CowEntry entry, long offset, IoVector piece, CancellationToken cancel)
    {
        Memory<byte> whole = AlignedBuffer.Allocate(UnitBytes, _file.Node.Limits.MemoryAlignmentBytes);
        if (piece.Length < UnitBytes && entry.IsUnallocated)
        {
            long start = (long)cluster * UnitBytes;
            int inside = (int)Math.Min(UnitBytes, _metadata.Header.LengthBytes - start);
            await ReadBackingAsync(start, whole[..inside], cancel);
        }

        piece.CopyTo(whole.Span[(int)(offset & (UnitBytes - 1))..]);
        await _metadata.MarkDirtyAsync();
        long hostOffset = entry.HasCluster ? entry.HostOffset : _metadata.Take();
        try
        {
            await _file.WriteAsync(hostOffset, whole, RequestFlags.None, cancel);
        }
        catch when (!entry.HasCluster)
        {
            _metadata.GiveBack(hostOffset);
            throw;
        }

        // Once the entry may have been written nobody else gets the cluster, whatever happens then.
        await _metadata.SetAsync(cluster, CowEntry.At(hostOffset));
    }

    // The caller has the cluster to itself.
    private async ValueTask MarkZeroAsync(int cluster, CowEntry entry, bool mayUnmap)
    {
        await _metadata.SetAsync(cluster, entry.Zeroed());
        if (mayUnmap && entry.HasCluster && _options.PassesDiscard && !_options.IsTableLazy)
        {
            // Not before nobody can find it any more.
            await _file.FlushAsync(CancellationToken.None);
            await _file.DiscardAsync(entry.HostOffset, UnitBytes, CancellationToken.None);
        }
    }

    private void ThrowIfSharing()
    {
        if (Table.Sharing is var (first, second))
        {
            throw new BlockException(BlockErrorKind.CorruptImage, $"Node '{Node.Name}': table entries {first} and {second} lead to one cluster; check the image");
        }
    }

    private bool IsClusterStart(long offset) => (offset & (UnitBytes - 1)) == 0;

    // The image's last cluster may end with the image.
    private bool IsClusterEnd(long offset) => IsClusterStart(offset) || offset == _metadata.Header.LengthBytes;

    private long EndOfCluster(long offset) => (offset | (uint)(UnitBytes - 1)) + 1;

    private static bool IsZero(IoVector buffer)
    {
        foreach (Memory<byte> segment in buffer)
        {
            if (segment.Span.IndexOfAnyExcept((byte)0) >= 0)
            {
                return false;
            }
        }

        return true;
    }
}
