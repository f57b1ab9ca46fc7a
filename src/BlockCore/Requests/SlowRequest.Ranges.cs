using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.BlockCore.Requests;

/// <content>Requests for a range without a buffer: zero writes and discards.</content>
internal static partial class SlowRequest
{
    /// <summary>The longest buffer of zeros that is written in one piece, in bytes.</summary>
    private const int ZeroBufferBytes = 1 << 20;

    private static readonly byte[] s_zeros = new byte[ZeroBufferBytes];

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
            BlockLimits limits = plan.Target.Limits;
            for (long at = start; at < end;)
            {
                long step = NextStep(at, end, limits.DiscardAlignmentBytes, limits.DiscardBytesMax);
                await plan.Target.DataRegions.TryDiscardAsync(at, step, cancel);
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

        return middle == middleEnd ? hasWrittenBuffers : await ZeroBlocksAsync(plan, middle, middleEnd, flags, cancel) || hasWrittenBuffers;
    }

    /// <summary>Zeroes whole blocks; true where any of them had to be written as buffers.</summary>
    public static async ValueTask<bool> ZeroBlocksAsync(RequestPlan plan, long start, long end, RequestFlags flags, CancellationToken cancel)
    {
        BlockLimits limits = plan.Target.Limits;
        RequestFlags driverFlags = flags & (plan.Instance.SupportedZeroFlags | RequestFlags.NoFallback);
        bool hasWrittenBuffers = false;
        await plan.DebugEventAsync(DebugEvent.PwritevZero);
        try
        {
            for (long at = start; at < end;)
            {
                long step = NextStep(at, end, limits.WriteZeroesAlignmentBytes, limits.WriteZeroesBytesMax);
                if (!await plan.Target.DataRegions.TryWriteZeroesAsync(at, step, driverFlags, cancel))
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
        }
        finally
        {
            await plan.DebugEventAsync(DebugEvent.PwritevDone);
        }

        return hasWrittenBuffers;
    }

    // How much of a range goes to the driver next: up to the first multiple of the alignment, then whole multiples, then what is left.
    private static long NextStep(long at, long end, long alignmentBytes, long? bytesMax)
    {
        long left = end - at;
        long head = at % alignmentBytes;
        if (head != 0)
        {
            left = Math.Min(left, alignmentBytes - head);
        }
        else if (left > alignmentBytes)
        {
            left -= left % alignmentBytes;
        }

        return bytesMax is { } max ? Math.Min(left, max) : left;
    }

    private static async ValueTask WriteZeroBuffersAsync(RequestPlan plan, long offset, long length, CancellationToken cancel)
    {
        for (long done = 0; done < length;)
        {
            int step = (int)Math.Min(length - done, ZeroBufferBytes);
            bool isAligned = (((offset + done) | (uint)step) & plan.AlignmentMask) == 0;
            IoVector zeros = s_zeros.AsMemory(0, step);
            await (isAligned
                ? HandOnAsync(plan, RequestKind.Write, offset + done, zeros, RequestFlags.None, cancel)
                : RunPaddedAsync(plan, RequestKind.Write, offset + done, zeros, RequestFlags.None, cancel));
            done += step;
        }
    }
}
