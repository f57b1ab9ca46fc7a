using System.Runtime.CompilerServices;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Requests;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Throttling;

namespace BlockGraph.BlockCore.Backend;

/// <content>The way in: which lane, whether it is open, what is refused. The first method is the path of every read and write.</content>
public sealed partial class BlockBackend
{
    private bool IsGateClosed => Volatile.Read(ref _gateCount) != 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ValueTask Submit(RequestKind kind, long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
    {
        RequestLane lane = _homeLane;
        if (!lane.Context.IsHome || Volatile.Read(ref _obstacleCount) != 0)
        {
            return SubmitElsewhere(kind, offset, buffer, flags, cancel);
        }

        BlockChild? root = _root;
        if (root is null)
        {
            return RefuseNoMedium(lane, kind);
        }

        long lengthBytes = root.Node.LengthBytes;
        if (offset < 0 || lengthBytes - offset < buffer.Length || cancel.IsCancellationRequested
            || (kind == RequestKind.Write && (root.Permissions.Required & BlockPermissions.Write) == 0))
        {
            return Refuse(lane, root, kind, offset, buffer.Length, cancel);
        }

        if (_isWriteThrough && kind == RequestKind.Write)
        {
            flags |= RequestFlags.Fua;
        }

        RequestPlan plan = root.Plan();
        return BlockRequest.Start(lane, plan, kind, offset + plan.ShiftBytes, buffer, flags, cancel);
    }

    // From another context, while a drain holds requests back, or where the backend is throttled or traced.
    private ValueTask SubmitElsewhere(RequestKind kind, long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
    {
        if (FindTracer() is { } tracer)
        {
            return TraceAsync(tracer, kind, offset, buffer, flags, cancel);
        }

        if (FindLane() is not { } lane)
        {
            return SubmitForeign(kind, offset, buffer, flags, cancel);
        }

        if (IsGateClosed)
        {
            return SubmitHeld(lane, kind, offset, buffer, flags, cancel);
        }

        if (Reachable is not { } root)
        {
            return RefuseNoMedium(lane, kind);
        }

        if (cancel.IsCancellationRequested || !root.IsInside(offset, buffer.Length)
            || (kind == RequestKind.Write && (root.Permissions.Required & BlockPermissions.Write) == 0))
        {
            return Refuse(lane, root, kind, offset, buffer.Length, cancel);
        }

        if (_isWriteThrough && kind == RequestKind.Write)
        {
            flags |= RequestFlags.Fua;
        }

        ThrottleGroupMember? member = FindMemberToWaitFor(lane, kind, buffer.Length);
        RequestPlan plan = root.Plan();
        return member is null && plan.IsHere
            ? BlockRequest.Start(lane, plan, kind, offset + plan.ShiftBytes, buffer, flags, cancel)
            : SubmitDetour(lane, root, member, kind, offset, buffer, flags, cancel);
    }

    // Its turn has not come yet, or the driver wants to be called at home: counted here, carried out there. The time of both is the request's.
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask SubmitDetour(RequestLane lane, BlockChild root, ThrottleGroupMember? member, RequestKind kind, long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
    {
        long startNs = lane.Context.NowNs;
        bool isSuccess = false;
        lane.InFlightCount++;
        if (member is not null)
        {
            root = await TakeTurnAsync(member, lane, kind, offset, buffer.Length, cancel);
        }

        try
        {
            await (kind == RequestKind.Read ? root.ReadAsync(offset, buffer, flags, cancel) : root.WriteAsync(offset, buffer, flags, cancel));
            isSuccess = true;
        }
        finally
        {
            lane.Finish(kind, buffer.Length, lane.Context.NowNs - startNs, isSuccess);
        }
    }

    // Starts again from the root when the gate opens: the graph, and the backend's home, may be others by then.
    private async ValueTask SubmitHeld(RequestLane lane, RequestKind kind, long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
    {
        await lane.Held.WaitAsync(cancel);
        await Submit(kind, offset, buffer, flags, cancel);
    }

    private async ValueTask SubmitForeign(RequestKind kind, long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
    {
        AioContext? origin = AioContext.Current;
        await Context.SwitchTo();
        try
        {
            await Submit(kind, offset, buffer, flags, cancel);
        }
        finally
        {
            await AioContext.ReturnTo(origin);
        }
    }

    // Whoever comes through the gate must look for its lane, hop and wait in its own frame: what awaits another method goes on where it was
    // itself, which is not the lane's thread where that method has hopped.
    private async ValueTask SubmitRange(RequestKind kind, long offset, long length, RequestFlags flags, CancellationToken cancel)
    {
        if (FindTracer() is { } tracer)
        {
            await TraceRangeAsync(tracer, kind, offset, length, flags, cancel);
            return;
        }

        AioContext? origin = AioContext.Current;
        try
        {
            RequestLane? lane;
            while ((lane = FindLane()) is null || IsGateClosed)
            {
                if (lane is null)
                {
                    await Context.SwitchTo();
                }
                else
                {
                    await lane.Held.WaitAsync(cancel);
                }
            }

            await RunRange(lane, kind, offset, length, flags, cancel);
        }
        finally
        {
            await AioContext.ReturnTo(origin);
        }
    }

    private async ValueTask RunRange(RequestLane lane, RequestKind kind, long offset, long length, RequestFlags flags, CancellationToken cancel)
    {
        Invariant.Check(lane.Context.IsHome);
        if (Reachable is not { } root)
        {
            await RefuseNoMedium(lane, kind);
            return;
        }

        bool isWrite = kind != RequestKind.Flush;
        if (cancel.IsCancellationRequested || !root.IsInside(offset, length)
            || (isWrite && (root.Permissions.Required & BlockPermissions.Write) == 0))
        {
            await Refuse(lane, root, kind, offset, length, cancel);
        }

        long startNs = lane.Context.NowNs;
        bool isSuccess = false;
        lane.InFlightCount++;
        if (kind == RequestKind.WriteZeroes && FindMemberToWaitFor(lane, kind, length) is { } member)
        {
            root = await TakeTurnAsync(member, lane, kind, offset, length, cancel);
        }

        try
        {
            await (kind switch
            {
                RequestKind.WriteZeroes => root.WriteZeroesAsync(offset, length, _isWriteThrough ? flags | RequestFlags.Fua : flags, cancel),
                RequestKind.Discard => root.DiscardAsync(offset, length, cancel),
                _ => root.FlushAsync(cancel),
            });
            isSuccess = true;
        }
        finally
        {
            lane.Finish(kind, length, lane.Context.NowNs - startNs, isSuccess);
        }
    }

    // What is counted in flight but not accounted.
    private async ValueTask<T> RunUncounted<T>(Func<BlockChild, ValueTask<T>> request, CancellationToken cancel)
    {
        AioContext? origin = AioContext.Current;
        try
        {
            RequestLane? lane;
            while ((lane = FindLane()) is null || IsGateClosed)
            {
                if (lane is null)
                {
                    await Context.SwitchTo();
                }
                else
                {
                    await lane.Held.WaitAsync(cancel);
                }
            }

            return await RunUncounted(lane, request, cancel);
        }
        finally
        {
            await AioContext.ReturnTo(origin);
        }
    }

    private async ValueTask<T> RunUncounted<T>(RequestLane lane, Func<BlockChild, ValueTask<T>> request, CancellationToken cancel)
    {
        Invariant.Check(lane.Context.IsHome);
        cancel.ThrowIfCancellationRequested();
        BlockChild root = Reachable ?? throw NoMedium();
        lane.InFlightCount++;
        try
        {
            return await request(root);
        }
        finally
        {
            lane.Release();
        }
    }

    /// <summary>The calling context's lane, or null.</summary>
    private RequestLane? FindLane()
    {
        // While the backend moves, the list may be the old one and the home the new one: whoever is at either finds it.
        AioContext? current = AioContext.Current;
        RequestLane home = Volatile.Read(ref _homeLane);
        if (ReferenceEquals(home.Context, current))
        {
            return home;
        }

        foreach (RequestLane lane in Volatile.Read(ref _lanes))
        {
            if (ReferenceEquals(lane.Context, current))
            {
                return lane;
            }
        }

        return null;
    }

    internal BlockException NoMedium() =>
        new(BlockErrorKind.NoMedium, Name is null ? "No medium found" : $"Device '{Name}' has no medium");

    private ValueTask RefuseNoMedium(RequestLane lane, RequestKind kind)
    {
        lane.Refuse(kind);
        return ValueTask.FromException(NoMedium());
    }

    private static ValueTask Refuse(RequestLane lane, BlockChild root, RequestKind kind, long offset, long length, CancellationToken cancel)
    {
        if (cancel.IsCancellationRequested)
        {
            return ValueTask.FromCanceled(cancel);
        }

        lane.Refuse(kind);
        return ValueTask.FromException(RefusalOf(root, kind, offset, length));
    }

    private static BlockException RefusalOf(BlockChild root, RequestKind kind, long offset, long length)
    {
        long lengthBytes = root.Node.LengthBytes;
        bool isOutside = offset < 0 || length < 0 || lengthBytes - offset < length;
        return isOutside
            ? new BlockException(BlockErrorKind.InputOutput, $"The range {offset}+{length} lies outside the image of {lengthBytes} bytes (node '{root.Node.Name}')")
            : new BlockException(BlockErrorKind.NotPermitted, $"Block node is read-only: no {(kind == RequestKind.Discard ? "discard" : "write")} through '{root.Node.Name}'");
    }
}
