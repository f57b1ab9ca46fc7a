using System.Diagnostics;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Observability;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Backend;

/// <content>Slow requests as spans. While that is wanted the short way in is closed, and every request that somebody would hear of goes by here once.</content>
public sealed partial class BlockBackend
{
    /// <inheritdoc/>
    string? IAccountedRoot.DeviceName => _device?.Id;

    private AioContext ClockHere => AioContext.Current ?? Context;

    /// <inheritdoc/>
    void IAccountedRoot.OnTracingChanged() => UpdateObstacles();

    // Null where the request is not to be traced, or is already.
    private SlowRequestTracer? FindTracer() => Graph.Tracer is { } tracer && SlowRequestTracer.IsListenedTo && !TraceStage.IsInside(this) ? tracer : null;

    private ValueTask TraceAsync(SlowRequestTracer tracer, RequestKind kind, long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) =>
        TraceAsync(tracer, kind, offset, buffer.Length, () => SubmitElsewhere(kind, offset, buffer, flags, cancel));

    private ValueTask TraceRangeAsync(SlowRequestTracer tracer, RequestKind kind, long offset, long length, RequestFlags flags, CancellationToken cancel) =>
        TraceAsync(tracer, kind, offset, length, () => SubmitRange(kind, offset, length, flags, cancel));

    // What it sets in its execution context is seen by the request alone, not by the caller.
    private async ValueTask TraceAsync(SlowRequestTracer tracer, RequestKind kind, long offset, long length, Func<ValueTask> request)
    {
        ActivityContext parent = Activity.Current?.Context ?? default;
        TraceStage stage = TraceStage.BeginRequest(this, kind, offset, length, ClockHere.ReadNowNs());
        Exception? failure = null;
        try
        {
            await request();
        }
        catch (Exception error)
        {
            failure = error;
            throw;
        }
        finally
        {
            stage.End(ClockHere.ReadNowNs(), failure);
            tracer.Conclude(stage, parent, ClockHere);
        }
    }
}
