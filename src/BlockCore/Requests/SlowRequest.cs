using System.Runtime.CompilerServices;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Permissions;

namespace BlockGraph.BlockCore.Requests;

/// <summary>
/// The generic work that most requests do not need: waiting for overlaps, padding to the driver's alignment, splitting,
/// zeroing by hand, flushing a tree. Ordinary asynchronous methods; they may allocate.
/// </summary>
internal static class SlowRequest
{
    /// <summary>The longest buffer of zeros that is written in one piece, in bytes.</summary>
    private const int ZeroBufferBytes = 1 << 20;

    private static readonly byte[] s_zeros = new byte[ZeroBufferBytes];

    /// <summary>Carries out a begun read or write that is serialising, overlapping, unaligned, too long or flagged.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public static async ValueTask RunAsync(BlockRequest request, RequestPlan plan, RequestKind kind, long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
    {
        Exception? failure = null;
        try
        {
            if ((flags & RequestFlags.WriteCompressed & ~plan.Instance.SupportedWriteFlags) != 0)
            {
                throw new BlockException(BlockErrorKind.NotSupported, $"Node '{plan.Target.Name}' cannot write compressed data");
            }

            bool isUnaligned = ((offset | (long)buffer.Length) & plan.AlignmentMask) != 0;
            if ((flags & RequestFlags.Serialising) != 0 || (isUnaligned && kind == RequestKind.Write))
            {
                plan.Target.Tracker.MakeSerialising(request, plan.AlignmentMask + 1);
            }

            await plan.Target.Tracker.WaitForConflictsAsync(request, (flags & RequestFlags.NoWait) != 0);
            if (kind == RequestKind.Write && buffer.Length > 0)
            {
                plan.Target.CheckWriteThreshold(offset + buffer.Length);
            }

            bool isDurable = (plan.Instance.SupportedWriteFlags & RequestFlags.Fua) != 0;
            if (isUnaligned && buffer.Length == 0)
            {
                // Padding nothing would read, or rewrite, a whole block.
            }
            else if (kind == RequestKind.Write && plan.DetectsZeroes && IsZero(buffer))
            {
                bool mayUnmap = plan.Target.Settings.DetectZeroes == DetectZeroesMode.Unmap;
                bool hasWrittenBuffers = await ZeroTrackedAsync(request, plan, offset, buffer.Length, mayUnmap ? flags | RequestFlags.MayUnmap : flags, cancel);
                isDurable = !hasWrittenBuffers && (plan.Instance.SupportedZeroFlags & RequestFlags.Fua) != 0;
            }
            else if (isUnaligned)
            {
                await RunPaddedAsync(plan, kind, offset, buffer, flags, cancel);
            }
            else
            {
                await RunSplitAsync(plan, kind, offset, buffer, flags, cancel);
            }

            if (kind == RequestKind.Write && (flags & RequestFlags.Fua) != 0 && !isDurable)
            {
                await FlushAsync(plan.Target, cancel);
            }
        }
        catch (Exception error)
        {
            failure = error;
            throw;
        }
        finally
        {
            request.Finish(failure);
            request.Free();
        }
    }

    /// <summary>Reads the part inside the child and zeroes the rest of the buffer.</summary>
    public static async ValueTask ReadAcrossEndAsync(BlockChild edge, long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
    {
        CheckRange(edge.Node, offset, buffer.Length);
        int inside = (int)Math.Clamp(edge.LengthBytes - offset, 0, buffer.Length);
        buffer.Slice(inside, buffer.Length - inside).Fill(0);
        if (inside > 0)
        {
            await edge.ReadAsync(offset, buffer.Slice(0, inside), flags, cancel);
        }
    }

    /// <summary>Writes beyond the child's end, which makes it longer.</summary>
    public static async ValueTask WriteAcrossEndAsync(BlockChild edge, long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
    {
        CheckRange(edge.Node, offset, buffer.Length);
        if ((edge.Permissions.Required & BlockPermissions.Resize) == 0)
        {
            throw new BlockException(BlockErrorKind.InputOutput, $"The range {offset}+{buffer.Length} lies outside node '{edge.Node.Name}' of {edge.LengthBytes} bytes");
        }

        RequestPlan plan = edge.Plan();
        await BlockRequest.Start(null, plan, RequestKind.Write, offset + plan.ShiftBytes, buffer, flags, cancel);
        RefreshLengths(plan.Target);
    }

    /// <summary>Zeroes a range at the first layer with something to do.</summary>
    public static async ValueTask WriteZeroesAsync(BlockChild edge, long offset, long length, RequestFlags flags, CancellationToken cancel)
    {
        RequestPlan plan = edge.Plan();
        BlockNode node = plan.Target;
        offset += plan.ShiftBytes;
        if (!plan.PassesDiscard)
        {
            flags &= ~RequestFlags.MayUnmap;
        }

        if (plan.IsTransparent)
        {
            // A filter passes zero writes on; that it cannot is a bug, not a reason to write buffers around it.
            Invariant.Check(await plan.Instance.TryWriteZeroesAsync(offset, length, flags, cancel));
            return;
        }

        Exception? failure = null;
        BlockRequest request = BlockRequest.Begin(null, plan, RequestKind.WriteZeroes, offset, length);
        try
        {
            await node.Tracker.WaitForConflictsAsync(request, (flags & RequestFlags.NoWait) != 0);
            if (length > 0)
            {
                node.CheckWriteThreshold(offset + length);
            }

            bool hasWrittenBuffers = await ZeroTrackedAsync(request, plan, offset, length, flags, cancel);
            if ((flags & RequestFlags.Fua) != 0 && (hasWrittenBuffers || (plan.Instance.SupportedZeroFlags & RequestFlags.Fua) == 0))
            {
                await FlushAsync(node, cancel);
            }
        }
        catch (Exception error)
        {
            failure = error;
            throw;
        }
        finally
        {
            request.Finish(failure);
            request.Free();
        }
    }

    /// <summary>Lets go of the aligned part of a range, where the node was opened with discard=unmap.</summary>
    public static async ValueTask DiscardAsync(BlockChild edge, long offset, long length, CancellationToken cancel)
    {
        RequestPlan plan = edge.Plan();
        if (!plan.PassesDiscard)
        {
            return;
        }

        offset += plan.ShiftBytes;
        if (plan.IsTransparent)
        {
            await plan.Instance.TryDiscardAsync(offset, length, cancel);
            return;
        }

        long alignment = plan.AlignmentMask + 1;
        long start = (offset + alignment - 1) / alignment * alignment;
        long end = (offset + length) / alignment * alignment;
        if (end <= start)
        {
            return;
        }

        Exception? failure = null;
        BlockRequest request = BlockRequest.Begin(null, plan, RequestKind.Discard, start, end - start);
        try
        {
            await plan.Target.Tracker.WaitForConflictsAsync(request, failsInsteadOfWaiting: false);
            long stepMax = plan.Target.Limits.DiscardBytesMax ?? long.MaxValue;
            for (long at = start; at < end;)
            {
                long step = Math.Min(end - at, stepMax);
                await plan.Instance.TryDiscardAsync(at, step, cancel);
                at += step;
            }
        }
        catch (Exception error)
        {
            failure = error;
            throw;
        }
        finally
        {
            request.Finish(failure);
            request.Free();
        }
    }

    /// <summary>Flushes a node, then every child that it may write through.</summary>
    public static async ValueTask FlushAsync(BlockNode node, CancellationToken cancel)
    {
        if (node.IsReadOnly)
        {
            return;
        }

        if (node.Children.Count > 0 || !node.Settings.CacheNoFlush)
        {
            await FlushLayerAsync(node, cancel);
        }

        foreach (BlockChild child in node.Children)
        {
            if ((child.Permissions.Required & (BlockPermissions.Write | BlockPermissions.WriteUnchanged)) != 0)
            {
                await FlushAsync(child.Node, cancel);
            }
        }
    }

    private static async ValueTask FlushLayerAsync(BlockNode node, CancellationToken cancel)
    {
        long startNs = node.Context.NowNs;
        bool isSuccess = false;
        try
        {
            await node.Instance.FlushAsync(cancel);
            isSuccess = true;
        }
        finally
        {
            node.Observer?.OnRequestDone(RequestKind.Flush, 0, startNs, node.Context.NowNs, isSuccess);
        }
    }

    /// <summary>Refuses what no image can have: negative values, or an end beyond the largest image.</summary>
    public static void CheckRange(BlockNode node, long offset, long length)
    {
        if (offset < 0 || length < 0 || offset > BlockLimits.LengthBytesMax - length)
        {
            throw new BlockException(BlockErrorKind.InputOutput, $"The range {offset}+{length} is no range of node '{node.Name}'");
        }
    }

    /// <summary>The image may have another length: refreshes the node's, then that of everything above it.</summary>
    public static void RefreshLengths(BlockNode node)
    {
        node.RefreshLengthAndTell();
        foreach (BlockChild edge in node.Parents)
        {
            if (edge.Parent.AsNode is { HasInstance: true } parent)
            {
                RefreshLengths(parent);
            }
        }
    }

    private static async ValueTask RunPaddedAsync(RequestPlan plan, RequestKind kind, long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
    {
        long alignment = plan.AlignmentMask + 1;
        long start = offset & ~plan.AlignmentMask;
        long end = (offset + buffer.Length + plan.AlignmentMask) & ~plan.AlignmentMask;
        int head = (int)(offset - start);
        Memory<byte> bounce = AlignedBuffer.Allocate((int)(end - start), (int)Math.Max(alignment, plan.Target.Limits.MemoryAlignmentBytes));
        if (kind == RequestKind.Read)
        {
            await ReadBlocksAsync(plan, start, bounce, cancel);
            buffer.CopyFrom(bounce.Span.Slice(head, buffer.Length));
            return;
        }

        // Only the edges need reading; a short request reads both in one.
        if (bounce.Length <= 2 * alignment)
        {
            await ReadBlocksAsync(plan, start, bounce, cancel);
        }
        else
        {
            await ReadBlocksAsync(plan, start, bounce[..(int)alignment], cancel);
            await ReadBlocksAsync(plan, end - alignment, bounce[^(int)alignment..], cancel);
        }

        buffer.CopyTo(bounce.Span[head..]);
        await RunSplitAsync(plan, kind, start, bounce, flags, cancel);
        if (end > plan.Target.LengthBytes)
        {
            RefreshLengths(plan.Target);
        }
    }

    // Whole blocks, of which the image may hold the last in part, or not yet: what it does not hold reads as zeros.
    private static async ValueTask ReadBlocksAsync(RequestPlan plan, long start, Memory<byte> blocks, CancellationToken cancel)
    {
        long lastBlockEnd = (plan.Target.LengthBytes + plan.AlignmentMask) & ~plan.AlignmentMask;
        int inside = (int)Math.Clamp(lastBlockEnd - start, 0, blocks.Length);
        blocks.Span[inside..].Clear();
        if (inside > 0)
        {
            await RunSplitAsync(plan, RequestKind.Read, start, blocks[..inside], RequestFlags.None, cancel);
        }
    }

    private static async ValueTask RunSplitAsync(RequestPlan plan, RequestKind kind, long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
    {
        RequestFlags driverFlags = flags & plan.Instance.SupportedWriteFlags;
        int stepMax = (int)(plan.TransferBytesMax & ~plan.AlignmentMask);
        int done = 0;
        do
        {
            int step = Math.Min(buffer.Length - done, stepMax);
            IoVector piece = buffer.Slice(done, step);
            await (kind == RequestKind.Read
                ? plan.Instance.ReadAsync(offset + done, piece, RequestFlags.None, cancel)
                : plan.Instance.WriteAsync(offset + done, piece, driverFlags, cancel));
            done += step;
        }
        while (done < buffer.Length);
    }

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

    // The aligned middle goes to the driver; what it does not take, and the edges, are written as buffers: then true.
    private static async ValueTask<bool> ZeroTrackedAsync(BlockRequest request, RequestPlan plan, long offset, long length, RequestFlags flags, CancellationToken cancel)
    {
        long alignment = plan.AlignmentMask + 1;
        long middle = Math.Min((offset + plan.AlignmentMask) & ~plan.AlignmentMask, offset + length);
        long middleEnd = Math.Max((offset + length) & ~plan.AlignmentMask, middle);
        bool hasWrittenBuffers = middle > offset || middleEnd < offset + length;
        if (hasWrittenBuffers)
        {
            if ((flags & RequestFlags.NoFallback) != 0)
            {
                throw new BlockException(BlockErrorKind.NotSupported, $"Zeroing an unaligned range of node '{plan.Target.Name}' needs a slow path");
            }

            plan.Target.Tracker.MakeSerialising(request, alignment);
            await plan.Target.Tracker.WaitForConflictsAsync(request, (flags & RequestFlags.NoWait) != 0);
            await WriteZeroBuffersAsync(plan, offset, middle - offset, cancel);
            await WriteZeroBuffersAsync(plan, middleEnd, offset + length - middleEnd, cancel);
        }

        long stepMax = plan.Target.Limits.WriteZeroesBytesMax ?? long.MaxValue;
        RequestFlags driverFlags = flags & (plan.Instance.SupportedZeroFlags | RequestFlags.NoFallback);
        for (long at = middle; at < middleEnd;)
        {
            long step = Math.Min(middleEnd - at, stepMax);
            if (!await plan.Instance.TryWriteZeroesAsync(at, step, driverFlags, cancel))
            {
                if ((flags & RequestFlags.NoFallback) != 0)
                {
                    throw new BlockException(BlockErrorKind.NotSupported, $"Node '{plan.Target.Name}' cannot zero efficiently");
                }

                await WriteZeroBuffersAsync(plan, at, step, cancel);
                hasWrittenBuffers = true;
            }

            at += step;
        }

        return hasWrittenBuffers;
    }

    private static async ValueTask WriteZeroBuffersAsync(RequestPlan plan, long offset, long length, CancellationToken cancel)
    {
        for (long done = 0; done < length;)
        {
            int step = (int)Math.Min(length - done, ZeroBufferBytes);
            bool isAligned = (((offset + done) | (uint)step) & plan.AlignmentMask) == 0;
            IoVector zeros = s_zeros.AsMemory(0, step);
            await (isAligned
                ? RunSplitAsync(plan, RequestKind.Write, offset + done, zeros, RequestFlags.None, cancel)
                : RunPaddedAsync(plan, RequestKind.Write, offset + done, zeros, RequestFlags.None, cancel));
            done += step;
        }
    }
}
