using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Requests;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Backend;

/// <content>Ranges that are copied into another backend.</content>
public sealed partial class BlockBackend
{
    private const RequestFlags CopyFlags = RequestFlags.Fua | RequestFlags.NoFallback | RequestFlags.Serialising | RequestFlags.WriteUnchanged;

    // What is read and written at once where the drivers cannot copy.
    private const int CopyBufferBytes = 1 << 20;

    /// <summary>How an attempt to have the drivers copy has ended.</summary>
    private enum CopyAttempt
    {
        Copied,
        NotPossible,
        TargetIsHeld,
    }

    /// <summary>
    /// Copies a range into another backend, or elsewhere in this one. Where both ends lie in files that the system can copy between, it never comes to memory; otherwise it is read
    /// and written, piece by piece, as any other requests are: with the limits of devices and filters on both ways. <i>QEMU: blk_co_copy_range(), whose callers fall back by themselves.</i>
    /// </summary>
    /// <param name="sourceOffset">Where it begins here, in bytes.</param>
    /// <param name="target">Where it goes.</param>
    /// <param name="targetOffset">Where it begins there, in bytes.</param>
    /// <param name="length">How long it is.</param>
    /// <param name="flags"><see cref="RequestFlags.Fua"/>, <see cref="RequestFlags.Serialising"/> and <see cref="RequestFlags.WriteUnchanged"/>, of what is written; with
    /// <see cref="RequestFlags.NoFallback"/> it is refused where the drivers cannot.</param>
    /// <param name="cancel">Ends it between two pieces.</param>
    /// <exception cref="BlockException">A range lies outside its image or they overlap, the target may not be written, a request failed, or the drivers cannot and are to.</exception>
    public async ValueTask CopyRangeAsync(
        long sourceOffset, BlockBackend target, long targetOffset, long length, RequestFlags flags = RequestFlags.None, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(target);
        if ((flags & ~CopyFlags) != 0)
        {
            throw new BlockException($"A copy cannot be flagged '{flags & ~CopyFlags}'");
        }

        bool isWithinOne = ReferenceEquals(this, target) && sourceOffset >= 0 && targetOffset >= 0;
        if (isWithinOne && Math.Abs(sourceOffset - targetOffset) < length)
        {
            throw new BlockException($"The ranges {sourceOffset}+{length} and {targetOffset}+{length} of one image overlap");
        }

        CopyAttempt attempt = await TryOffloadAsync(sourceOffset, target, targetOffset, length, flags, cancel);
        if (attempt == CopyAttempt.Copied)
        {
            return;
        }

        if ((flags & RequestFlags.NoFallback) != 0)
        {
            throw new BlockException(BlockErrorKind.NotSupported, $"The drivers cannot copy from {Description} to {target.Description} by themselves");
        }

        await CopyThroughMemoryAsync(sourceOffset, target, targetOffset, length, flags & ~RequestFlags.Fua, cancel);
        if ((flags & RequestFlags.Fua) != 0)
        {
            await target.FlushAsync(cancel);
        }
    }

    private async ValueTask<CopyAttempt> TryOffloadAsync(long sourceOffset, BlockBackend target, long targetOffset, long length, RequestFlags flags, CancellationToken cancel)
    {
        while (true)
        {
            CopyAttempt attempt = await RunUncounted(
                async source =>
                {
                    long startNs = AioContext.Current!.NowNs;
                    CopyAttempt result = await target.TryCopyIntoAsync(this, source, sourceOffset, targetOffset, length, flags, cancel);
                    AccountCopy(RequestKind.Read, length, startNs, result);
                    return result;
                },
                cancel);
            if (attempt != CopyAttempt.TargetIsHeld)
            {
                return attempt;
            }

            // Nobody waits at one gate while the drain of another waits for him.
            await target.RunUncounted(static _ => new ValueTask<bool>(true), cancel);
        }
    }

    // On the source's lane, which is in flight meanwhile. In flight here as well, so that a drain of either waits.
    private async ValueTask<CopyAttempt> TryCopyIntoAsync(BlockBackend from, BlockChild source, long sourceOffset, long targetOffset, long length, RequestFlags flags, CancellationToken cancel)
    {
        AioContext? origin = AioContext.Current;
        try
        {
            RequestLane? lane;
            while ((lane = FindLane()) is null)
            {
                await Context.SwitchTo();
            }

            if (IsGateClosed)
            {
                return CopyAttempt.TargetIsHeld;
            }

            BlockChild root = Reachable ?? throw NoMedium();
            CheckCopy(source, RequestKind.Read, sourceOffset, length);
            CheckCopy(root, RequestKind.Write, targetOffset, length);
            if (length == 0)
            {
                AccountCopy(RequestKind.Write, 0, lane.Context.NowNs, CopyAttempt.Copied);
                return CopyAttempt.Copied;
            }

            if (from.ThrottleGroup is not null || ThrottleGroup is not null || (flags & RequestFlags.Serialising) != 0)
            {
                return CopyAttempt.NotPossible;
            }

            flags = (_isWriteThrough ? flags | RequestFlags.Fua : flags) & ~RequestFlags.NoFallback;
            bool isCopied = await CountCopyAsync(lane, length, () => source.TryCopyFromAsync(sourceOffset, length, new CopyTarget(root, targetOffset), flags, cancel));
            return isCopied ? CopyAttempt.Copied : CopyAttempt.NotPossible;
        }
        finally
        {
            await AioContext.ReturnTo(origin);
        }
    }

    // In flight here while the drivers copy; a write that was carried out, or has failed. What was not possible, or cancelled, counts as nothing.
    private static async ValueTask<bool> CountCopyAsync(RequestLane lane, long length, Func<ValueTask<bool>> copy)
    {
        long startNs = lane.Context.NowNs;
        bool isSuccess = false;
        bool isCounted = false;
        lane.InFlightCount++;
        try
        {
            isSuccess = isCounted = await copy();
            return isSuccess;
        }
        catch (BlockException)
        {
            isCounted = true;
            throw;
        }
        finally
        {
            if (isCounted)
            {
                lane.Finish(RequestKind.Write, length, lane.Context.NowNs - startNs, isSuccess);
            }
            else
            {
                lane.Release();
            }
        }
    }

    private async ValueTask CopyThroughMemoryAsync(long sourceOffset, BlockBackend target, long targetOffset, long length, RequestFlags flags, CancellationToken cancel)
    {
        int alignment = Math.Max(MemoryAlignmentBytes, target.MemoryAlignmentBytes);
        Memory<byte> buffer = AlignedBuffer.Allocate((int)Math.Min(length, CopyBufferBytes), alignment);
        for (long done = 0; done < length;)
        {
            int step = (int)Math.Min(length - done, buffer.Length);
            await ReadAsync(sourceOffset + done, buffer[..step], RequestFlags.None, cancel);
            await target.WriteAsync(targetOffset + done, buffer[..step], flags, cancel);
            done += step;
        }
    }

    private int MemoryAlignmentBytes => Root?.Limits.MemoryAlignmentBytes ?? 1;

    // One that was carried out, whichever way: a read here, a write there.
    private void AccountCopy(RequestKind kind, long length, long startNs, CopyAttempt result)
    {
        if (result == CopyAttempt.Copied && FindLane() is { } lane)
        {
            lane.InFlightCount++;
            lane.Finish(kind, length, lane.Context.NowNs - startNs, isSuccess: true);
        }
    }

    private static void CheckCopy(BlockChild root, RequestKind kind, long offset, long length)
    {
        if (!root.IsInside(offset, length) || (kind == RequestKind.Write && (root.Permissions.Required & BlockPermissions.Write) == 0))
        {
            throw RefusalOf(root, kind, offset, length);
        }
    }
}
