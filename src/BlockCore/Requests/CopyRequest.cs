using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.BlockCore.Requests;

/// <summary>
/// A copy between two nodes that never comes to memory: down from the source to the layer that holds the bytes, then down from the target to the one that is to hold
/// them. <i>QEMU: bdrv_co_copy_range_internal().</i>
/// </summary>
/// <remarks>
/// The range is tracked as read at the source and as written at the target for as long as the copy takes. Whatever would need the core's work on the bytes, or on
/// parts of blocks, is answered with false, and reading and writing do it: a layer that copies on read, detects zeros, keeps copies in step, or is
/// listened to by a debugger. So nothing goes by a layer that would have something to say.
/// </remarks>
internal static class CopyRequest
{
    /// <summary>Copies out of the child of <paramref name="edge"/>; false where that is not possible, and nothing happened.</summary>
    public static async ValueTask<bool> FromAsync(BlockChild edge, long offset, long length, CopyTarget target, RequestFlags flags, CancellationToken cancel)
    {
        RequestPlan plan = edge.Plan();
        if (!edge.IsInside(offset, length) || plan.ReadFlags != RequestFlags.None || plan.HasDebugListener)
        {
            return false;
        }

        offset += plan.ShiftBytes;
        return plan.IsTransparent
            ? await plan.Instance.TryCopyFromAsync(offset, length, target, flags, cancel)
            : ((offset | length) & plan.AlignmentMask) == 0
                && await TrackAsync(plan, RequestKind.Read, offset, length, () => plan.Instance.TryCopyFromAsync(offset, length, target, flags, cancel));
    }

    /// <summary>Copies into the child of <paramref name="edge"/>; false where that is not possible, and nothing happened.</summary>
    public static async ValueTask<bool> ToAsync(BlockChild edge, CopySource source, long offset, long length, RequestFlags flags, CancellationToken cancel)
    {
        RequestPlan plan = edge.Plan();
        if (!edge.IsInside(offset, length) || plan.DetectsZeroes || plan.SerialisesWrites || plan.HasDebugListener)
        {
            return false;
        }

        offset += plan.ShiftBytes;
        if (Overlaps(source, plan.Target, offset, length))
        {
            return false;
        }

        if (plan.IsTransparent)
        {
            plan.CheckWriteThresholds(offset, length);
            return await plan.Instance.TryCopyToAsync(source, offset, length, flags, cancel);
        }

        if (((offset | length) & plan.AlignmentMask) != 0)
        {
            return false;
        }

        // What the source has as a hole may become one here.
        bool isCopied = await TrackAsync(plan, RequestKind.Write, offset, length, () => plan.Target.DataRegions.ChangeAsync(
            offset, length, () => plan.Instance.TryCopyToAsync(source, offset, length, flags & ~RequestFlags.Fua, cancel)));
        if (isCopied && (flags & RequestFlags.Fua) != 0)
        {
            await FlushRequest.RunAsync(plan.Target, cancel);
        }

        return isCopied;
    }

    // What did not happen is seen by nobody.
    private static async ValueTask<bool> TrackAsync(RequestPlan plan, RequestKind kind, long offset, long length, Func<ValueTask<bool>> copy)
    {
        BlockRequest request = BlockRequest.Begin(null, plan, kind, offset, length);
        bool isCopied = true;
        Exception? failure = null;
        try
        {
            await plan.Target.Tracker.WaitForConflictsAsync(request, failsInsteadOfWaiting: false);
            if (kind == RequestKind.Write)
            {
                plan.CheckWriteThresholds(offset, length);
            }

            return isCopied = await copy();
        }
        catch (Exception error)
        {
            failure = error;
            throw;
        }
        finally
        {
            if (isCopied)
            {
                request.Finish(failure);
            }
            else
            {
                request.FinishUnseen();
            }

            request.Free();
        }
    }

    // The system refuses to copy a range onto itself.
    private static bool Overlaps(CopySource source, BlockNode node, long offset, long length) =>
        ReferenceEquals(source.Node, node) && offset < source.Offset + length && source.Offset < offset + length;
}
