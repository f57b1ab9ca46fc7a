using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.BlockCore.Requests;

/// <summary>
/// A read that leaves what it finds in a backing node in the layer itself, so that the next one finds it there. <i>QEMU: bdrv_co_do_copy_on_readv().</i>
/// </summary>
/// <remarks>
/// <para>It has whole clusters to itself from before it looks at them until they are written: no write of the same clusters is under way meanwhile, or what was
/// written would be replaced by what was copied.</para>
/// <para>What is copied lies in a buffer of the request's own until it is written down; only then does the caller get it. So nothing that is done to the
/// caller's buffer meanwhile reaches the disk.</para>
/// <para>The visible data stays the same: the writes are <see cref="RequestFlags.WriteUnchanged"/>.</para>
/// </remarks>
internal static class CopyOnReadRequest
{
    /// <summary>The longest piece that is copied at once, in bytes.</summary>
    private const int BounceBytesMax = 16 << 20;

    /// <summary>
    /// True where a read with <paramref name="flags"/> is to copy, and this is the layer to copy into: one that can have a backing node, and has nobody else to hand the wish to. An image
    /// that belongs to somebody else for now is never written.
    /// </summary>
    public static bool IsDue(RequestPlan plan, RequestFlags flags) => (flags & plan.SlowFlags & RequestFlags.CopyOnRead) != 0 && plan.Target.IsWritable;

    /// <summary>Carries out a begun read.</summary>
    public static async ValueTask RunAsync(BlockRequest request, RequestPlan plan, long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
    {
        BlockNode node = plan.Target;
        long unit = UnitOf(plan);
        node.Tracker.MakeSerialising(request, unit);
        await node.Tracker.WaitForConflictsAsync(request, (flags & RequestFlags.NoWait) != 0);
        Caller caller = new(offset, buffer, (flags & RequestFlags.Prefetch) != 0);

        // A last block that the image holds in part is read, and not copied: a write of it would make the image longer.
        long copiedEnd = Math.Min((caller.End + unit - 1) & ~(unit - 1), node.LengthBytes & ~plan.AlignmentMask);
        long at = buffer.Length == 0 ? copiedEnd : offset & ~(unit - 1);
        while (at < copiedEnd)
        {
            (bool isAllocated, long length) = await IsAllocatedAsync(node, at, copiedEnd - at, cancel);
            if (isAllocated)
            {
                await ReadAsync(plan, caller, at, length, cancel);
            }
            else
            {
                length = Math.Min(length, BounceBytesMax);
                await CopyAsync(plan, caller, at, (int)length, cancel);
            }

            at += length;
        }

        await ReadAsync(plan, caller, at, caller.End - at, cancel);
    }

    private static long UnitOf(RequestPlan plan)
    {
        long cluster = plan.Instance.ClusterBytes ?? 1;
        Invariant.Check(System.Numerics.BitOperations.IsPow2(cluster));
        return Math.Max(cluster, plan.AlignmentMask + 1);
    }

    // Where the layer cannot tell it cannot be read or written either, most likely, and that failure is the one to be told of.
    private static async ValueTask<(bool IsAllocated, long LengthBytes)> IsAllocatedAsync(BlockNode node, long offset, long length, CancellationToken cancel)
    {
        try
        {
            BlockStatus status = await StatusQuery.RunAsync(node, BlockStatusQuery.Allocation, offset, length, cancel);
            return (status.IsAllocated, status.LengthBytes);
        }
        catch (BlockException)
        {
            return (false, length);
        }
    }

    // What the layer has goes to the caller straight away.
    private static async ValueTask ReadAsync(RequestPlan plan, Caller caller, long offset, long length, CancellationToken cancel)
    {
        (long start, IoVector piece) = caller.Within(offset, length);
        if (piece.Length == 0 || caller.WantsNothing)
        {
            return;
        }

        bool isUnaligned = ((start | (long)piece.Length) & plan.AlignmentMask) != 0;
        await (isUnaligned
            ? SlowRequest.RunPaddedAsync(plan, RequestKind.Read, start, piece, RequestFlags.None, cancel)
            : SlowRequest.HandOnAsync(plan, RequestKind.Read, start, piece, RequestFlags.None, cancel));
    }

    private static async ValueTask CopyAsync(RequestPlan plan, Caller caller, long offset, int length, CancellationToken cancel)
    {
        Memory<byte> copy = AlignedBuffer.Allocate(length, (int)Math.Max(plan.AlignmentMask + 1, plan.Target.Limits.MemoryAlignmentBytes));
        await SlowRequest.HandOnAsync(plan, RequestKind.Read, offset, copy, RequestFlags.None, cancel);
        await plan.DebugEventAsync(DebugEvent.CorWrite);
        cancel.ThrowIfCancellationRequested();
        try
        {
            if (SlowRequest.IsZero(copy))
            {
                await SlowRequest.ZeroBlocksAsync(plan, offset, offset + length, RequestFlags.WriteUnchanged, CancellationToken.None);
            }
            else
            {
                await SlowRequest.HandOnAsync(plan, RequestKind.Write, offset, copy, RequestFlags.WriteUnchanged, CancellationToken.None);
            }
        }
        finally
        {
            // The request is a read, which leaves nothing to flush by itself.
            plan.Target.MarkWritten();
        }

        (long start, IoVector piece) = caller.Within(offset, length);
        if (!caller.WantsNothing && piece.Length > 0)
        {
            piece.CopyFrom(copy.Span.Slice((int)(start - offset), piece.Length));
        }
    }

    /// <summary>What the caller asked for: clusters go beyond it on both sides.</summary>
    private readonly record struct Caller(long Offset, IoVector Buffer, bool WantsNothing)
    {
        public long End => Offset + Buffer.Length;

        /// <summary>The part of the caller's buffer that lies in a range, and where that begins.</summary>
        public (long Start, IoVector Piece) Within(long offset, long length)
        {
            long start = Math.Max(offset, Offset);
            long end = Math.Min(offset + length, End);
            return end <= start ? (start, default) : (start, Buffer.Slice((int)(start - Offset), (int)(end - start)));
        }
    }
}
