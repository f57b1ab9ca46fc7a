namespace BlockGraph.BlockCore.Observability;

/// <summary>Which requests become spans of the activity source <see cref="SourceName"/>; see <see cref="Graph.NodeGraph.TraceSlowRequestsAsync"/>. <i>QEMU: none.</i></summary>
/// <remarks>
/// A span is made when its request is over and has turned out slow: <c>blockgraph.request</c>, from submission to completion, with a <c>blockgraph.layer</c> below it for each
/// layer that the request went through, nested as the layers were. Tags: <c>backend</c>, <c>node</c>, <c>driver</c>, <c>operation</c>, <c>offset</c>, <c>length</c>, <c>device_time</c>,
/// <c>wait_time</c>, <c>self_time</c> (seconds), <c>suppressed</c>, <c>error.type</c>.
/// </remarks>
public sealed record SlowRequestTracing
{
    /// <summary>What listeners ask for.</summary>
    public const string SourceName = "BlockGraph";

    /// <summary>A request that takes at least so long is slow, in nanoseconds.</summary>
    public long ThresholdNs { get; init; } = 100_000_000;

    /// <summary>How many requests become spans in a second at most; the next span says how many were left out.</summary>
    public int RequestsPerSecondMax { get; init; } = 10;
}
