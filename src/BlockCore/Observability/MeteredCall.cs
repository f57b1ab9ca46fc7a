using System.Runtime.CompilerServices;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Observability;

/// <summary>One call of a driver that is measured, pooled: hooked to the driver's own operation where it has one, awaited otherwise.</summary>
internal sealed class MeteredCall(MeteredLane lane) : CompletionHook
{
    private long _bytes;
    private long _startNs;
    private TraceStage? _stage;

    /// <summary>The node.</summary>
    public NodeMeter Node => lane.Node;

    /// <summary>The edge that it came by, or null.</summary>
    public EdgeMeter? Edge => lane.Edge;

    /// <summary>What it does.</summary>
    public RequestKind Kind { get; private set; }

    /// <summary>How long it took, once it is over, in nanoseconds.</summary>
    public long ElapsedNs { get; private set; }

    /// <summary>It is about to be made. What is called before it is followed belongs to it.</summary>
    public void Begin(RequestKind kind, long offset, long bytes)
    {
        Kind = kind;
        _bytes = bytes;
        _startNs = lane.Context.NowNs;
        _stage = Node.Meters.IsTracing ? TraceStage.BeginLayer(Node.Node, kind, offset, bytes, _startNs) : null;
        lane.Begin();
    }

    /// <summary>It was made; what comes of it is told.</summary>
    public ValueTask Follow(ValueTask task)
    {
        _stage?.Leave();
        if (lane.Context.LastIssued is { } operation && operation.TryHook(task, this))
        {
            return task;
        }

        if (task.IsCompletedSuccessfully)
        {
            Finish(null);
            return task;
        }

        return AwaitAsync(task);
    }

    /// <summary>It was made; false means that nothing was done, which does not count.</summary>
    public ValueTask<bool> Follow(ValueTask<bool> task)
    {
        _stage?.Leave();
        return AwaitAsync(task);
    }

    /// <summary>It has failed at once.</summary>
    public void FailAtOnce(Exception error)
    {
        _stage?.Leave();
        Finish(error);
    }

    /// <inheritdoc/>
    protected internal override void OnOperationDone(Exception? error) => Finish(error);

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask AwaitAsync(ValueTask task)
    {
        try
        {
            await task;
        }
        catch (Exception error)
        {
            Finish(error);
            throw;
        }

        Finish(null);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<bool> AwaitAsync(ValueTask<bool> task)
    {
        bool isDone;
        try
        {
            isDone = await task;
        }
        catch (Exception error)
        {
            Finish(error);
            throw;
        }

        if (isDone)
        {
            Finish(null);
        }
        else
        {
            Forget(null);
        }

        return isDone;
    }

    private void Finish(Exception? error)
    {
        if (error is OperationCanceledException)
        {
            // It has had no effect.
            Forget(error);
            return;
        }

        long nowNs = lane.Context.NowNs;
        ElapsedNs = nowNs - _startNs;
        EndStage(nowNs, error);
        lane.Finish(this, _bytes, nowNs, error is null);
    }

    private void Forget(Exception? error)
    {
        EndStage(lane.Context.NowNs, error);
        lane.Forget(this);
    }

    private void EndStage(long nowNs, Exception? error)
    {
        if (_stage is not null)
        {
            _stage.End(nowNs, error);
            _stage = null;
        }
    }
}
