using System.Runtime.CompilerServices;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Observability;

/// <summary>What one context needs to have calls of one instance measured: where to count, and a pool of calls. Its thread only.</summary>
internal sealed class MeteredLane(AioContext context, NodeMeter node, EdgeMeter? edge)
{
    private readonly MeterLane _nodeLane = node.Lanes.ByContext.Of(context);
    private readonly MeterLane? _edgeLane = edge?.Lanes.ByContext.Of(context);
    private FreeStack _free = new();
    private long _nextBeatNs;

    public AioContext Context { get; } = context;

    public NodeMeter Node { get; } = node;

    public EdgeMeter? Edge { get; } = edge;

    public MeteredCall Rent() => Unsafe.As<MeteredCall?>(_free.TryTake()) ?? new MeteredCall(this);

    public void Begin()
    {
        _nodeLane.Begin();
        _edgeLane?.Begin();
    }

    public void Forget(MeteredCall call)
    {
        _nodeLane.Forget();
        _edgeLane?.Forget();
        _free.Return(call);
    }

    public void Finish(MeteredCall call, long bytes, long nowNs, bool isSuccess)
    {
        _nodeLane.Finish(call.Kind, bytes, call.ElapsedNs, nowNs, isSuccess);
        _edgeLane?.Finish(call.Kind, bytes, call.ElapsedNs, nowNs, isSuccess);
        GraphMeters meters = Node.Meters;
        meters.CallDone?.Invoke(call);
        if (nowNs >= _nextBeatNs)
        {
            _nextBeatNs = nowNs + GraphMeters.BeatNs;
            meters.Beat?.Invoke();
        }

        _free.Return(call);
    }
}
