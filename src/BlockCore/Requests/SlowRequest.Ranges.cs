using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.BlockCore.Requests;

/// <content>Requests for a range without a buffer: zero writes and discards.</content>
internal static partial class SlowRequest
{
    /// <summary>The longest buffer that the core makes for a request that a driver does not take as it is, in bytes. <i>QEMU: MAX_BOUNCE_BUFFER.</i></summary>
    private const int BounceBytesMax = 16 << 20;

    private const int ZeroBytes = 1 << 20;

    // One page after the other of zeros, shown many times where more are wanted.
    private static readonly Memory<byte> s_zeros = AlignedBuffer.Allocate(ZeroBytes, 4096);
    private static readonly IoVector s_manyZeros = new(new IoSegments([.. Enumerable.Repeat(s_zeros, BounceBytesMax / ZeroBytes)]));

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

        plan.CheckWriteThresholds(offset, length);
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
            if (plan.SerialisesWrites)
            {
                node.Tracker.MakeSerialising(request, plan.AlignmentMask + 1);
            }

            await node.Tracker.WaitForConflictsAsync(request, (flags & RequestFlags.NoWait) != 0);
            bool hasWrittenBuffers = await ZeroTrackedAsync(request, plan, offset, length, flags, cancel);
            if ((flags & RequestFlags.Fua) != 0 && (hasWrittenBuffers || (plan.Instance.SupportedZeroFlags & RequestFlags.Fua) == 0))
            {
                await FlushOwnAsync(request, node, cancel);
            }
        }
        catch (Exception error)
        {
            failure = error;
            throw;
        }
        finally
        {
            End(request, failure);
        }
    }

    /// <summary>Zeroes a range beyond the child's end, which makes it longer.</summary>
    public static async ValueTask WriteZeroesAcrossEndAsync(BlockChild edge, long offset, long length, RequestFlags flags, CancellationToken cancel)
    {
        CheckGrowth(edge, offset, length);
        RequestPlan plan = edge.Plan();
        BlockNode target = plan.Target;
        try
        {
            await WriteZeroesAsync(edge, offset, length, flags, cancel);
        }
        catch (BlockException)
        {
            // Some of it may have been zeroed.
            TryRefreshLengths(target);
            throw;
        }

        RefreshLengths(target);
        RecordGrowth(plan, offset, length);
    }

    /// <summary>Lets go of the whole blocks of a range inside the child, where the node was opened with discard=unmap. What cannot be let go of stays, which is no error.</summary>
    public static async ValueTask DiscardAsync(BlockChild edge, long offset, long length, CancellationToken cancel)
    {
        CheckRange(edge.Node, offset, length);
        RequestPlan plan = edge.Plan();
        length = Math.Min(length, edge.LengthBytes - offset);
        if (!plan.PassesDiscard || length <= 0)
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
            await DiscardBlocksAsync(plan, start, end, cancel);
        }
        catch (Exception error)
        {
            failure = error;
            throw;
        }
        finally
        {
            End(request, failure);
        }
    }

    private static async ValueTask DiscardBlocksAsync(RequestPlan plan, long start, long end, CancellationToken cancel)
    {
        BlockLimits limits = plan.Target.Limits;
        for (long at = start; at < end;)
        {
            long step = NextStep(at, end, limits.DiscardAlignmentBytes, limits.DiscardBytesMax, long.MaxValue);
            try
            {
                await plan.Target.DataRegions.TryDiscardAsync(plan.Instance, at, step, cancel);
            }
            catch (BlockException refusal) when (refusal.Kind == BlockErrorKind.NotSupported)
            {
                // Said more loudly than by false, by a layer below perhaps: it is the same.
            }

            at += step;
        }
    }

    /// <summary>True where every byte of <paramref name="buffer"/> is zero.</summary>
    public static bool IsZero(IoVector buffer)
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
        long end = offset + length;
        long middle = Math.Min((offset + plan.AlignmentMask) & ~plan.AlignmentMask, end);
        long middleEnd = Math.Max(end & ~plan.AlignmentMask, middle);
        bool hasEdges = middle > offset || middleEnd < end;
        if (hasEdges)
        {
            if ((flags & RequestFlags.NoFallback) != 0)
            {
                throw new BlockException(BlockErrorKind.NotSupported, $"Zeroing an unaligned range of node '{plan.Target.Name}' needs a slow path");
            }

            plan.Target.Tracker.MakeSerialising(request, alignment);
            await plan.Target.Tracker.WaitForConflictsAsync(request, (flags & RequestFlags.NoWait) != 0);
            await WriteZeroBuffersAsync(plan, offset, middle - offset, flags, cancel);
            await WriteZeroBuffersAsync(plan, middleEnd, end - middleEnd, flags, cancel);
        }

        return (middle < middleEnd && await ZeroBlocksAsync(plan, middle, middleEnd, flags, cancel)) || hasEdges;
    }

    /// <summary>Zeroes whole blocks; true where any of them had to be written as buffers.</summary>
    public static async ValueTask<bool> ZeroBlocksAsync(RequestPlan plan, long start, long end, RequestFlags flags, CancellationToken cancel)
    {
        // Beyond the end only a driver is asked that knows how to zero.
        long ownEnd = plan.Instance.CanWriteZeroes ? end : Math.Clamp(plan.Target.LengthBytes & ~plan.AlignmentMask, start, end);
        bool mustNotFallBack = (flags & RequestFlags.NoFallback) != 0;
        if (mustNotFallBack && ownEnd < end)
        {
            throw CannotZero(plan.Target);
        }

        RequestFlags driverFlags = flags & (plan.Instance.SupportedZeroFlags | RequestFlags.NoFallback);
        BlockLimits limits = plan.Target.Limits;
        bool hasWrittenBuffers = ownEnd < end;
        await plan.DebugEventAsync(DebugEvent.PwritevZero);
        try
        {
            for (long at = start; at < ownEnd;)
            {
                long step = NextStep(at, ownEnd, limits.WriteZeroesAlignmentBytes, limits.WriteZeroesBytesMax, BounceStep(plan));
                if (!await plan.Target.DataRegions.TryWriteZeroesAsync(plan.Instance, at, step, driverFlags, cancel))
                {
                    if (mustNotFallBack)
                    {
                        throw CannotZero(plan.Target);
                    }

                    await WriteZeroBuffersAsync(plan, at, step, flags, cancel);
                    hasWrittenBuffers = true;
                }

                at += step;
            }

            await WriteZeroBuffersAsync(plan, ownEnd, end - ownEnd, flags, cancel);
        }
        finally
        {
            await plan.DebugEventAsync(DebugEvent.PwritevDone);
        }

        return hasWrittenBuffers;
    }

    private static BlockException CannotZero(BlockNode node) => new(BlockErrorKind.NotSupported, $"Node '{node.Name}' cannot zero efficiently");

    // How much of a range goes to the driver next: up to the first multiple of the alignment, then whole multiples, then what is left.
    private static long NextStep(long at, long end, long alignmentBytes, long? bytesMax, long headBytesMax)
    {
        long left = end - at;
        long head = at % alignmentBytes;
        if (head != 0)
        {
            left = Math.Min(Math.Min(left, alignmentBytes - head), headBytesMax);
        }
        else if (left > alignmentBytes)
        {
            left -= left % alignmentBytes;
        }

        return bytesMax is { } max ? Math.Min(left, max > alignmentBytes ? max - (max % alignmentBytes) : max) : left;
    }

    // How much zeros are written as one buffer, in whole blocks.
    private static int BounceStep(RequestPlan plan) => Math.Max((int)(Math.Min(plan.TransferBytesMax, BounceBytesMax) & ~plan.AlignmentMask), (int)plan.AlignmentMask + 1);

    private static async ValueTask WriteZeroBuffersAsync(RequestPlan plan, long offset, long length, RequestFlags flags, CancellationToken cancel)
    {
        int stepMax = BounceStep(plan);
        RequestFlags writeFlags = flags & RequestFlags.WriteUnchanged;
        for (long done = 0; done < length;)
        {
            int step = (int)Math.Min(length - done, Math.Min(stepMax, BounceBytesMax));
            bool isAligned = (((offset + done) | (uint)step) & plan.AlignmentMask) == 0;
            IoVector zeros = step <= ZeroBytes ? s_zeros[..step] : s_manyZeros.Slice(0, step);
            await (isAligned
                ? HandOnAsync(plan, RequestKind.Write, offset + done, zeros, writeFlags, cancel)
                : RunPaddedAsync(plan, RequestKind.Write, offset + done, zeros, writeFlags | RequestFlags.Serialising, cancel));
            done += step;
        }
    }
}
