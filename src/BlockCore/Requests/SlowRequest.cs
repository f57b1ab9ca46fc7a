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
            Check(plan, kind, offset, buffer.Length, flags);
            if (kind == RequestKind.Read && CopyOnReadRequest.IsDue(plan, flags))
            {
                await CopyOnReadRequest.RunAsync(request, plan, offset, buffer, flags, cancel);
                return;
            }

            bool isUnaligned = ((offset | (long)buffer.Length) & plan.AlignmentMask) != 0;
            if ((flags & RequestFlags.Serialising) != 0 || ((isUnaligned | plan.SerialisesWrites) && kind == RequestKind.Write))
            {
                plan.Target.Tracker.MakeSerialising(request, plan.AlignmentMask + 1);

                // A driver that joins neighbours leaves out what stands alone.
                flags |= RequestFlags.Serialising;
            }

            await plan.Target.Tracker.WaitForConflictsAsync(request, (flags & RequestFlags.NoWait) != 0);
            if (kind == RequestKind.Write)
            {
                plan.CheckWriteThresholds(offset, buffer.Length);
            }

            bool isDurable = await CarryOutAsync(request, plan, kind, offset, buffer, flags, cancel);
            if (kind == RequestKind.Write && (flags & RequestFlags.Fua) != 0 && !isDurable)
            {
                await FlushOwnAsync(request, plan.Target, cancel);
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

    // What no driver is asked for.
    private static void Check(RequestPlan plan, RequestKind kind, long offset, int lengthBytes, RequestFlags flags)
    {
        if (lengthBytes > BlockLimits.RequestBytesMax)
        {
            throw TooLong(lengthBytes);
        }

        if (kind == RequestKind.Write && (flags & RequestFlags.WriteCompressed) != 0)
        {
            CompressedWrite.Check(plan, offset, lengthBytes);
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
        else if (kind == RequestKind.Write && plan.DetectsZeroes && plan.Instance.CanWriteZeroes && IsZero(buffer))
        {
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
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
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
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public static async ValueTask WriteAcrossEndAsync(BlockChild edge, long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
    {
        CheckGrowth(edge, offset, buffer.Length);
        RequestPlan plan = edge.Plan();
        await BlockRequest.Start(null, plan, RequestKind.Write, offset + plan.ShiftBytes, buffer, flags, cancel);
        RefreshLengths(plan.Target);
        RecordGrowth(plan, offset, buffer.Length);
    }

    // When the request ended the node's bitmaps had no place yet for what lies behind the old end.
    private static void RecordGrowth(RequestPlan plan, long offset, long length) => plan.Target.RecordingBitmaps?.RecordWrite(offset + plan.ShiftBytes, length);

    // Whether what lies beyond the end may be written at all.
    private static void CheckGrowth(BlockChild edge, long offset, long length)
    {
        CheckRange(edge.Node, offset, length);
        if ((edge.Permissions.Required & BlockPermissions.Resize) == 0)
        {
            throw new BlockException(BlockErrorKind.InputOutput, $"The range {offset}+{length} lies outside node '{edge.Node.Name}' of {edge.LengthBytes} bytes");
        }
    }

    // Force unit access, for a driver that has none: one flush after all pieces, which takes the mark that the request would leave.
    private static ValueTask FlushOwnAsync(BlockRequest request, BlockNode node, CancellationToken cancel)
    {
        node.MarkWritten();
        request.IsFlushed = true;
        return FlushRequest.RunAsync(node, cancel);
    }

    private static void End(BlockRequest request, Exception? failure)
    {
        request.Finish(failure);
        request.IsFlushed = false;
        request.Free();
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

    // Where a request has failed, that is what is told.
    private static void TryRefreshLengths(BlockNode node)
    {
        try
        {
            RefreshLengths(node);
        }
        catch (BlockException)
        {
            // The length stays what it was known to be.
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
        if (kind == RequestKind.Write && (flags & RequestFlags.WriteCompressed) != 0)
        {
            await CompressedWrite.HandOnAsync(plan, offset, buffer, driverFlags, cancel);
            return;
        }

        int stepMax = (int)(plan.TransferBytesMax & ~plan.AlignmentMask);
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
