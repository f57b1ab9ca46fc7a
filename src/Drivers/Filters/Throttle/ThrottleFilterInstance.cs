using System.Runtime.CompilerServices;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Events;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Throttling;

namespace BlockGraph.Drivers.Filters.Throttle;

/// <summary>
/// One throttled node: a request is admitted by the group, then passed to the child as what it is. Reads count as reads; writes,
/// zero writes and discards as writes; flushes and status queries pass freely.
/// </summary>
/// <remarks>
/// Until the operation that opens the node has succeeded it is no member yet, and limits nothing: whoever opens above it may
/// read its header.
/// </remarks>
public sealed class ThrottleFilterInstance : BlockDriverInstance
{
    private readonly BlockChild _file;
    private readonly ThrottleChangePolicy _policy;
    private readonly Lock _drain = new();
    private ThrottleReservation? _reservation;

    // Set under _drain: the main context makes the member while the node's home may be told of drains.
    private ThrottleGroupMember? _member;
    private bool _isDrained;

    internal ThrottleFilterInstance(BlockChild file, ThrottleReservation reservation, ThrottleChangePolicy policy)
    {
        _file = file;
        _reservation = reservation;
        _policy = policy;
    }

    /// <summary>The node's place in its group.</summary>
    public ThrottleGroupMember Member => _member ?? throw new InvalidOperationException("the node is not open yet");

    /// <inheritdoc/>
    public override RequestFlags SupportedWriteFlags => _file.Node.Instance.SupportedWriteFlags | RequestFlags.WriteUnchanged;

    /// <inheritdoc/>
    public override RequestFlags SupportedZeroFlags => _file.Node.Instance.SupportedZeroFlags | RequestFlags.WriteUnchanged;

    /// <inheritdoc/>
    protected override long GetLengthBytes() => _file.LengthBytes;

    /// <inheritdoc/>
    protected override bool TryGetIdlePath(out BlockChild? child, out long shiftBytes)
    {
        child = _file;
        shiftBytes = 0;
        return _member is null || _member.IsIdle;
    }

    /// <inheritdoc/>
    protected override ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) =>
        _member is null || _member.TryAdmit(ThrottleDirection.Read, buffer.Length)
            ? _file.ReadAsync(offset, buffer, flags, cancel)
            : ReadInTurnAsync(offset, buffer, flags, cancel);

    /// <inheritdoc/>
    protected override ValueTask WriteAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) =>
        _member is null || _member.TryAdmit(ThrottleDirection.Write, buffer.Length)
            ? _file.WriteAsync(offset, buffer, flags, cancel)
            : WriteInTurnAsync(offset, buffer, flags, cancel);

    /// <inheritdoc/>
    protected override async ValueTask<bool> TryWriteZeroesAsync(long offset, long length, RequestFlags flags, CancellationToken cancel)
    {
        await AdmitWriteAsync(length, cancel);
        await _file.WriteZeroesAsync(offset, length, flags, cancel);
        return true;
    }

    /// <inheritdoc/>
    protected override async ValueTask<bool> TryDiscardAsync(long offset, long length, CancellationToken cancel)
    {
        await AdmitWriteAsync(length, cancel);
        await _file.DiscardAsync(offset, length, cancel);
        return true;
    }

    /// <inheritdoc/>
    protected override void CommitOpen()
    {
        ThrottleReservation reservation = _reservation!;
        _reservation = null;
        bool changesOthers = reservation.ChangesLimits && Node.Graph.ThrottleGroups.IsObject(reservation.Group);
        ThrottleGroupMember member = reservation.Commit(Node.Context, previous: null, _policy);
        member.ActivityChanged = Node.Graph.BumpEpoch;
        lock (_drain)
        {
            _member = member;
            if (_isDrained)
            {
                // Told of the drain before there was a member; it will be told of its end.
                member.BeginDrain();
            }
        }

        // From now on requests must come by here.
        Node.Graph.BumpEpoch();
        if (changesOthers)
        {
            Node.Graph.Events.Publish(new ThrottleLimitsChanged(member.Group.Name, Node.Name));
        }
    }

    /// <inheritdoc/>
    protected override void DrainBegin()
    {
        lock (_drain)
        {
            _isDrained = true;
            _member?.BeginDrain();
        }
    }

    /// <inheritdoc/>
    protected override void DrainEnd()
    {
        lock (_drain)
        {
            _isDrained = false;
            _member?.EndDrain();
        }
    }

    /// <inheritdoc/>
    protected override void DetachContext() => _member?.Detach(Node.Context);

    /// <inheritdoc/>
    protected override void AttachContext(AioContext context) => _member?.Attach(context);

    /// <inheritdoc/>
    protected override ValueTask CloseAsync()
    {
        _reservation?.Discard();
        _reservation = null;
        if (_member is { } member)
        {
            Invariant.Check(member.PendingCount(ThrottleDirection.Read) == 0);
            Invariant.Check(member.PendingCount(ThrottleDirection.Write) == 0);
            _member = null;
            member.Leave();
        }

        return default;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask ReadInTurnAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
    {
        await _member!.WaitAsync(ThrottleDirection.Read, buffer.Length, cancel);
        await _file.ReadAsync(offset, buffer, flags, cancel);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask WriteInTurnAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
    {
        await _member!.WaitAsync(ThrottleDirection.Write, buffer.Length, cancel);
        await _file.WriteAsync(offset, buffer, flags, cancel);
    }

    private ValueTask AdmitWriteAsync(long lengthBytes, CancellationToken cancel) =>
        _member is null || _member.TryAdmit(ThrottleDirection.Write, lengthBytes)
            ? default
            : _member.WaitAsync(ThrottleDirection.Write, lengthBytes, cancel);
}
