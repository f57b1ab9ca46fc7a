using System.Runtime.CompilerServices;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Permissions;

namespace BlockGraph.BlockCore.Requests;

/// <summary>
/// The generic work that most requests do not need: waiting for overlaps, padding to the driver's alignment, splitting,
/// zeroing by hand, flushing a tree. Ordinary asynchronous methods; they may allocate.
/// </summary>
internal static partial class SlowRequest
{
    /// <summary>Carries out a begun read or write that is serialising, overlapping, unaligned, too long or flagged.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public static async ValueTask RunAsync(BlockRequest request, RequestPlan plan, RequestKind kind, long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
    {
        Exception? failure = null;
        try
        {
            if (kind == RequestKind.Write && (flags & RequestFlags.WriteCompressed) != 0)
            {
                CompressedWrite.Check(plan, offset, buffer.Length);
            }

            if (kind == RequestKind.Read && CopyOnReadRequest.IsDue(plan, flags))
            {
                await CopyOnReadRequest.RunAsync(request, plan, offset, buffer, flags, cancel);
                return;
            }

            bool isUnaligned = ((offset | (long)buffer.Length) & plan.AlignmentMask) != 0;
            if ((flags & RequestFlags.Serialising) != 0 || ((isUnaligned | plan.SerialisesWrites) && kind == RequestKind.Write))
            {
                plan.Target.Tracker.MakeSerialising(request, plan.AlignmentMask + 1);
            }

            await plan.Target.Tracker.WaitForConflictsAsync(request, (flags & RequestFlags.NoWait) != 0);
            if (kind == RequestKind.Write)
            {
                plan.CheckWriteThresholds(offset, buffer.Length);
            }

            bool isDurable = await CarryOutAsync(request, plan, kind, offset, buffer, flags, cancel);
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

    // Whose turn it is, as what the driver takes; true where the driver has seen to durability itself, if that was asked for.
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private static async ValueTask<bool> CarryOutAsync(BlockRequest request, RequestPlan plan, RequestKind kind, long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
    {
        bool isUnaligned = ((offset | (long)buffer.Length) & plan.AlignmentMask) != 0;
        if (isUnaligned && buffer.Length == 0)
        {
            // Padding nothing would read, or rewrite, a whole block.
        }
        else if (kind == RequestKind.Write && plan.DetectsZeroes && offset + buffer.Length <= plan.Target.LengthBytes && IsZero(buffer))
        {
            // Zeros that make the image longer stay a write: a zero write lies inside of every layer that it comes to.
            bool mayUnmap = plan.Target.Settings.DetectZeroes == DetectZeroesMode.Unmap;
            bool hasWrittenBuffers = await ZeroTrackedAsync(request, plan, offset, buffer.Length, mayUnmap ? flags | RequestFlags.MayUnmap : flags, cancel);
            return !hasWrittenBuffers && (plan.Instance.SupportedZeroFlags & RequestFlags.Fua) != 0;
        }
        else if (isUnaligned)
        {
            await RunPaddedAsync(plan, kind, offset, buffer, flags, cancel);
        }
        else
        {
            await RunSplitAsync(plan, kind, offset, buffer, flags, cancel);
        }

        return (plan.Instance.SupportedWriteFlags & RequestFlags.Fua) != 0;
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

        if (node.Instance.FlushesChildren)
        {
            return;
        }

        foreach (BlockChild child in node.Children)
        {
            if ((child.Permissions.Required & (BlockPermissions.Write | BlockPermissions.WriteUnchanged)) != 0)
            {
                await child.FlushAsync(cancel);
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

    /// <summary>Carries out what is not aligned: a read of the whole blocks, or a write of what they hold around it.</summary>
    public static async ValueTask RunPaddedAsync(RequestPlan plan, RequestKind kind, long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
    {
        long alignment = plan.AlignmentMask + 1;
        long start = offset & ~plan.AlignmentMask;
        long end = (offset + buffer.Length + plan.AlignmentMask) & ~plan.AlignmentMask;
        int head = (int)(offset - start);
        Memory<byte> bounce = AlignedBuffer.Allocate((int)(end - start), (int)Math.Max(alignment, plan.Target.Limits.MemoryAlignmentBytes));
        if (kind == RequestKind.Read)
        {
            await ReadBlocksAsync(plan, start, bounce, flags, cancel);
            buffer.CopyFrom(bounce.Span.Slice(head, buffer.Length));
            return;
        }

        await ReadEdgesAsync(plan, start, bounce, head, (int)(end - offset) - buffer.Length, cancel);
        buffer.CopyTo(bounce.Span[head..]);
        await RunSplitAsync(plan, kind, start, bounce, flags & ~RequestFlags.RegisteredBuffer, cancel);
        if (end > plan.Target.LengthBytes)
        {
            RefreshLengths(plan.Target);
        }
    }

    // Reads what an unaligned write leaves of the block that it begins in, and of the one that it ends in; where they are neighbours, both in one.
    private static async ValueTask ReadEdgesAsync(RequestPlan plan, long start, Memory<byte> blocks, int headBytes, int tailBytes, CancellationToken cancel)
    {
        int block = (int)(plan.AlignmentMask + 1);
        bool isOneRead = blocks.Length == block || (blocks.Length == 2 * block && headBytes > 0 && tailBytes > 0);
        if (headBytes > 0)
        {
            await plan.DebugEventAsync(DebugEvent.PwritevRmwHead);
        }

        if (isOneRead && tailBytes > 0)
        {
            await plan.DebugEventAsync(DebugEvent.PwritevRmwTail);
        }

        if (isOneRead || headBytes > 0)
        {
            await ReadBlocksAsync(plan, start, isOneRead ? blocks : blocks[..block], RequestFlags.None, cancel);
        }

        if (headBytes > 0)
        {
            await plan.DebugEventAsync(DebugEvent.PwritevRmwAfterHead);
        }

        if (tailBytes == 0)
        {
            return;
        }

        if (!isOneRead)
        {
            await plan.DebugEventAsync(DebugEvent.PwritevRmwTail);
            await ReadBlocksAsync(plan, start + blocks.Length - block, blocks[^block..], RequestFlags.None, cancel);
        }

        await plan.DebugEventAsync(DebugEvent.PwritevRmwAfterTail);
    }

    // Whole blocks, of which the image may hold the last in part, or not yet: what it does not hold reads as zeros.
    private static async ValueTask ReadBlocksAsync(RequestPlan plan, long start, Memory<byte> blocks, RequestFlags flags, CancellationToken cancel)
    {
        long lastBlockEnd = (plan.Target.LengthBytes + plan.AlignmentMask) & ~plan.AlignmentMask;
        int inside = (int)Math.Clamp(lastBlockEnd - start, 0, blocks.Length);
        blocks.Span[inside..].Clear();
        if (inside > 0)
        {
            await RunSplitAsync(plan, RequestKind.Read, start, blocks[..inside], flags & ~RequestFlags.RegisteredBuffer, cancel);
        }
    }

    private static ValueTask RunSplitAsync(RequestPlan plan, RequestKind kind, long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) =>
        kind == RequestKind.Write && plan.HasDebugListener
            ? WriteWithEventsAsync(plan, offset, buffer, flags, cancel)
            : HandOnAsync(plan, kind, offset, buffer, flags, cancel);

    private static async ValueTask WriteWithEventsAsync(RequestPlan plan, long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
    {
        await plan.DebugEventAsync(DebugEvent.Pwritev);
        try
        {
            await HandOnAsync(plan, RequestKind.Write, offset, buffer, flags, cancel);
        }
        finally
        {
            await plan.DebugEventAsync(DebugEvent.PwritevDone);
        }
    }

    /// <summary>Gives the driver an aligned request, in pieces that it takes.</summary>
    public static async ValueTask HandOnAsync(RequestPlan plan, RequestKind kind, long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
    {
        RequestFlags driverFlags = flags & (plan.Instance.SupportedWriteFlags | RequestFlags.RegisteredBuffer);
        int stepMax = CompressedWrite.StepOf(plan, flags, (int)(plan.TransferBytesMax & ~plan.AlignmentMask));
        int done = 0;
        do
        {
            int step = Math.Min(buffer.Length - done, stepMax);
            IoVector piece = buffer.Slice(done, step);
            await (kind == RequestKind.Read
                ? plan.Instance.ReadAsync(offset + done, piece, flags & plan.PassedReadFlags, cancel)
                : plan.Instance.WriteAsync(offset + done, piece, driverFlags, cancel));
            done += step;
        }
        while (done < buffer.Length);
    }
}
