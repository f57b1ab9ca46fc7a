using System.Runtime.CompilerServices;
using System.Threading.Tasks.Sources;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Requests;

/// <summary>
/// One data request at one node, pooled: the tracked range, the work after the driver, and, where the driver's task is not an
/// operation of ours, the source that the caller awaits. <i>QEMU: BdrvTrackedRequest.</i>
/// </summary>
/// <remarks>
/// Life: rented and begun; the driver is called; completed at once, or hooked to the driver's own operation, or awaited through
/// this source; finished (untracked, counted, drain told) exactly once; freed to its context's pool.
/// </remarks>
internal sealed class BlockRequest : CompletionHook, IValueTaskSource
{
    private readonly AioContext _context;
    private readonly Action _onChildDone;
    private HomeCompletion _core;
    private ValueTaskAwaiter _child;
    private BlockNode _node = null!;
    private RequestLane? _lane;
    private RequestKind _kind;
    private bool _isTracked;
    private long _startNs;
    private long _countedBytes;

    private BlockRequest(AioContext context)
    {
        _context = context;
        _onChildDone = OnChildDone;
    }

    /// <summary>The neighbours in the tracker's list.</summary>
    internal BlockRequest? Previous { get; set; }

    /// <summary>The neighbours in the tracker's list.</summary>
    internal BlockRequest? Next { get; set; }

    /// <summary>The tracked range, in bytes; a serialising request widens it.</summary>
    internal long Offset { get; set; }

    /// <summary>The length of the tracked range.</summary>
    internal long LengthBytes { get; set; }

    /// <summary>How many marks had been set at the node when it came.</summary>
    internal int Age { get; set; }

    /// <summary>False for what only lets go of a range: it is on its way to none of the data there.</summary>
    internal bool MovesData => _kind != RequestKind.Discard;

    internal bool IsSerialising { get; set; }

    internal bool IsWaiting { get; set; }

    /// <summary>True where a flush of its own has followed already. False again when it is freed.</summary>
    internal bool IsFlushed { get; set; }

    /// <summary>The list that it stands in at a node of several contexts.</summary>
    internal TrackerLane? TrackerLane { get; set; }

    /// <summary>The context that carries it out.</summary>
    internal AioContext Context => _context;

    /// <summary>Carries out a read or write at the plan's target. The offset is shifted already, the range is inside the image.</summary>
    internal static ValueTask Start(RequestLane? lane, RequestPlan plan, RequestKind kind, long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
    {
        BlockRequest request = Begin(lane, plan, kind, offset, buffer.Length);
        if (kind == RequestKind.Read)
        {
            flags |= plan.ReadFlags;
        }

        if (plan.IsTransparent)
        {
            if (plan.HasWorkOnWrites & kind == RequestKind.Write)
            {
                plan.CheckWriteThresholds(offset, buffer.Length);
            }
        }
        else if ((((offset | (long)buffer.Length) & plan.AlignmentMask) != 0) | ((flags & plan.SlowFlags) != 0)
                | (plan.Target.Tracker.SerialisingCount != 0) | (buffer.Length > plan.TransferBytesMax)
                | (plan.HasWorkOnWrites & kind == RequestKind.Write))
        {
            return SlowRequest.RunAsync(request, plan, kind, offset, buffer, flags, cancel);
        }

#pragma warning disable CA2012 // The task is consumed once on each of the three ways out: taken, hooked and handed on, or awaited by the pooled source.
        ValueTask task;
        try
        {
            task = kind == RequestKind.Read
                ? plan.Instance.ReadAsync(offset, buffer, flags, cancel)
                : plan.Instance.WriteAsync(offset, buffer, flags, cancel);
        }
#pragma warning disable CA1031 // A driver may throw at once; the request must be finished all the same.
        catch (Exception error)
#pragma warning restore CA1031
        {
            task = ValueTask.FromException(error);
        }
#pragma warning restore CA2012

        if (request._context.LastIssued is { } operation && operation.TryHook(task, request))
        {
            return task;
        }

        if (task.IsCompletedSuccessfully)
        {
            task.GetAwaiter().GetResult();
            request.Finish(null);
            request.Free();
            return default;
        }

        return request.AwaitChild(task);
    }

    /// <summary>Rents a request, counts it in flight and tracks its range.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static BlockRequest Begin(RequestLane? lane, RequestPlan plan, RequestKind kind, long offset, long lengthBytes)
    {
        AioContext context = lane is null ? AioContext.Current! : lane.Context;
        BlockRequest request = Rent(context);
        BlockNode node = plan.Target;

        // In pooled objects a comparison is cheaper than the write barrier of a store.
        if (!ReferenceEquals(request._node, node))
        {
            request._node = node;
        }

        if (!ReferenceEquals(request._lane, lane))
        {
            request._lane = lane;
        }

        request._kind = kind;
        request.Offset = offset;
        request.LengthBytes = lengthBytes;
        request._countedBytes = lengthBytes;
        request._startNs = context.NowNs;
        if (lane is not null)
        {
            lane.InFlightCount++;
        }

        request._isTracked = !plan.IsTransparent;
        if (request._isTracked)
        {
            node.Tracker.Add(request);
        }

        return request;
    }

    /// <summary>The request is over: untracks it, counts it, and tells a waiting drain. Exactly once.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Finish(Exception? error)
    {
        if (_isTracked)
        {
            _node.Tracker.Remove(this);
        }

        if (_kind != RequestKind.Read)
        {
            MarkWritten();
        }

        if (_node.Observer is not null)
        {
            _node.Observer.OnRequestDone(_kind, _countedBytes, _startNs, _context.NowNs, error is null);
        }

        _lane?.Finish(_kind, _countedBytes, _context.NowNs - _startNs, error is null);
    }

    // A write that has failed may have changed something as well.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void MarkWritten()
    {
        if (!IsFlushed)
        {
            _node.MarkWritten();
        }

        _node.RecordingBitmaps?.RecordWrite(Offset, LengthBytes);
    }

    /// <summary>What was tracked to keep others out, and is no request of a user's, is over.</summary>
    internal void FinishUnseen() => _node.Tracker.Remove(this);

    /// <summary>Returns the request to its pool.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Free() => _context.FreeRequests.Return(this);

    /// <inheritdoc/>
    protected internal override void OnOperationDone(Exception? error)
    {
        Finish(error);
        Free();
    }

    /// <inheritdoc/>
    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _core.GetStatus(token);

    /// <inheritdoc/>
    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, _context);

    /// <inheritdoc/>
    void IValueTaskSource.GetResult(short token)
    {
        try
        {
            _core.GetResult(token);
        }
        finally
        {
            _core.Reset();
            Free();
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static BlockRequest Rent(AioContext context) =>
        Unsafe.As<BlockRequest?>(context.FreeRequests.TryTake()) ?? new BlockRequest(context);

    private ValueTask AwaitChild(in ValueTask task)
    {
        ValueTask own = new(this, _core.Version);
        _child = task.GetAwaiter();
        if (_child.IsCompleted)
        {
            OnChildDone();
        }
        else
        {
            _child.UnsafeOnCompleted(_onChildDone);
        }

        return own;
    }

    private void OnChildDone()
    {
        Exception? error = null;
        try
        {
            _child.GetResult();
        }
#pragma warning disable CA1031 // Whatever the driver threw is the awaiter's.
        catch (Exception childError)
#pragma warning restore CA1031
        {
            error = childError;
        }

        _child = default;
        Finish(error);
        if (error is null)
        {
            _core.SetResult();
        }
        else
        {
            _core.SetException(error);
        }
    }
}
