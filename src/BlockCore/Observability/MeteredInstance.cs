using System.Runtime.CompilerServices;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Observability;

/// <summary>
/// Stands in plans in a driver's stead while the graph is measured: counts each call, and hands it on. What requests ask of an instance is
/// answered by the driver's own; for the control plane there is only that one.
/// </summary>
internal sealed class MeteredInstance : BlockDriverInstance
{
    private readonly BlockDriverInstance _inner;
    private readonly NodeMeter _node;
    private readonly EdgeMeter? _edge;
    private readonly ContextLanes<MeteredLane> _lanes;

    public MeteredInstance(NodeMeter node, EdgeMeter? edge)
    {
        Node = node.Node;
        _inner = node.Node.Instance;
        _node = node;
        _edge = edge;
        _lanes = new ContextLanes<MeteredLane>(NewLane);
    }

    /// <inheritdoc/>
    public override BlockLimits Limits => _inner.Limits;

    /// <inheritdoc/>
    public override RequestAffinity Affinity => _inner.Affinity;

    /// <inheritdoc/>
    public override string? BackingFileName => _inner.BackingFileName;

    /// <inheritdoc/>
    public override string? BackingFormat => _inner.BackingFormat;

    /// <inheritdoc/>
    public override RequestFlags SupportedWriteFlags => _inner.SupportedWriteFlags;

    /// <inheritdoc/>
    public override RequestFlags SupportedZeroFlags => _inner.SupportedZeroFlags;

    /// <inheritdoc/>
    public override RequestFlags SupportedLengthFlags => _inner.SupportedLengthFlags;

    /// <inheritdoc/>
    public override bool FlushesOnlyToDisk => _inner.FlushesOnlyToDisk;

    /// <inheritdoc/>
    public override bool CanWriteZeroes => _inner.CanWriteZeroes;

    /// <inheritdoc/>
    public override int? ClusterBytes => _inner.ClusterBytes;

    /// <inheritdoc/>
    public override int? SubclusterBytes => _inner.SubclusterBytes;

    /// <inheritdoc/>
    public override bool PassesCopyOnRead => _inner.PassesCopyOnRead;

    /// <inheritdoc/>
    public override bool SerialisesWrites => _inner.SerialisesWrites;

    /// <inheritdoc/>
    public override bool FlushesChildren => _inner.FlushesChildren;

    /// <inheritdoc/>
    public override bool HearsDebugEvents => _inner.HearsDebugEvents;

    /// <summary>What a flush of <paramref name="node"/> itself calls.</summary>
    public static BlockDriverInstance Of(BlockNode node) => node.Graph.Meters?.Of(node).Instance ?? node.Instance;

    /// <inheritdoc/>
    protected internal override ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
    {
        MeteredCall call = Begin(RequestKind.Read, offset, buffer.Length);
        try
        {
            return call.Follow(_inner.ReadAsync(offset, buffer, flags, cancel));
        }
        catch (Exception error)
        {
            call.FailAtOnce(error);
            throw;
        }
    }

    /// <inheritdoc/>
    protected internal override ValueTask WriteAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
    {
        MeteredCall call = Begin(RequestKind.Write, offset, buffer.Length);
        try
        {
            return call.Follow(_inner.WriteAsync(offset, buffer, flags, cancel));
        }
        catch (Exception error)
        {
            call.FailAtOnce(error);
            throw;
        }
    }

    /// <inheritdoc/>
    protected internal override ValueTask<bool> TryWriteZeroesAsync(long offset, long length, RequestFlags flags, CancellationToken cancel)
    {
        MeteredCall call = Begin(RequestKind.WriteZeroes, offset, length);
        try
        {
            return call.Follow(_inner.TryWriteZeroesAsync(offset, length, flags, cancel));
        }
        catch (Exception error)
        {
            call.FailAtOnce(error);
            throw;
        }
    }

    /// <inheritdoc/>
    protected internal override ValueTask<bool> TryDiscardAsync(long offset, long length, CancellationToken cancel)
    {
        MeteredCall call = Begin(RequestKind.Discard, offset, length);
        try
        {
            return call.Follow(_inner.TryDiscardAsync(offset, length, cancel));
        }
        catch (Exception error)
        {
            call.FailAtOnce(error);
            throw;
        }
    }

    /// <inheritdoc/>
    protected internal override ValueTask<bool> TryCopyFromAsync(long offset, long length, CopyTarget target, RequestFlags flags, CancellationToken cancel)
    {
        MeteredCall call = Begin(RequestKind.Read, offset, length);
        try
        {
            return call.Follow(_inner.TryCopyFromAsync(offset, length, target, flags, cancel));
        }
        catch (Exception error)
        {
            call.FailAtOnce(error);
            throw;
        }
    }

    /// <inheritdoc/>
    protected internal override ValueTask<bool> TryCopyToAsync(CopySource source, long offset, long length, RequestFlags flags, CancellationToken cancel)
    {
        MeteredCall call = Begin(RequestKind.Write, offset, length);
        try
        {
            return call.Follow(_inner.TryCopyToAsync(source, offset, length, flags, cancel));
        }
        catch (Exception error)
        {
            call.FailAtOnce(error);
            throw;
        }
    }

    /// <inheritdoc/>
    protected internal override bool TryRegisterBuffer(BufferRange buffer) => _inner.TryRegisterBuffer(buffer);

    /// <inheritdoc/>
    protected internal override void UnregisterBuffer(BufferRange buffer) => _inner.UnregisterBuffer(buffer);

    /// <inheritdoc/>
    protected internal override ValueTask FlushAsync(CancellationToken cancel)
    {
        MeteredCall call = Begin(RequestKind.Flush, 0, 0);
        try
        {
            return call.Follow(_inner.FlushAsync(cancel));
        }
        catch (Exception error)
        {
            call.FailAtOnce(error);
            throw;
        }
    }

    /// <inheritdoc/>
    protected internal override ValueTask<bool> TryWriteLengthAsync(long lengthBytes, bool isExact, PreallocationMode preallocation, RequestFlags flags, CancellationToken cancel) =>
        _inner.TryWriteLengthAsync(lengthBytes, isExact, preallocation, flags, cancel);

    /// <inheritdoc/>
    protected internal override ValueTask<BlockStatus> GetStatusAsync(BlockStatusQuery wanted, long offset, long length, CancellationToken cancel) =>
        _inner.GetStatusAsync(wanted, offset, length, cancel);

    /// <inheritdoc/>
    protected internal override ValueTask OnDebugEventAsync(DebugEvent debugEvent) => _inner.OnDebugEventAsync(debugEvent);

    /// <inheritdoc/>
    protected internal override bool TryGetIdlePath(out BlockChild? child, out long shiftBytes) => _inner.TryGetIdlePath(out child, out shiftBytes);

    /// <inheritdoc/>
    protected internal override long GetLengthBytes() => _inner.GetLengthBytes();

    private MeteredLane NewLane(AioContext context) => new(context, _node, _edge);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private MeteredCall Begin(RequestKind kind, long offset, long bytes)
    {
        AioContext? context = AioContext.Current;
        Invariant.Check(context is not null);
        MeteredLane lane = _lanes.Of(context);
        if (!ReferenceEquals(lane.Context, context))
        {
            lane = _lanes.Renew(context);
        }

        MeteredCall call = lane.Rent();
        call.Begin(kind, offset, bytes);
        return call;
    }
}
