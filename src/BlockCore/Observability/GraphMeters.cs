using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Graph;

namespace BlockGraph.BlockCore.Observability;

/// <summary>The meters of a graph, from one switching on to the next switching off. Plans ask it which instance to call.</summary>
internal sealed class GraphMeters
{
    /// <summary>How often whoever listens is told that requests flow, in nanoseconds.</summary>
    public const long BeatNs = 1_000_000_000;

    /// <summary>Whether requests that are traced are told the layers that they go through. Changes while the graph is drained.</summary>
    public bool IsTracing { get; set; }

    /// <summary>Told of each call that is over, on its context; it must neither block nor throw.</summary>
    public Action<MeteredCall>? CallDone { get; set; }

    /// <summary>Told now and then while requests flow, on any context; it must neither block nor throw.</summary>
    public Action? Beat { get; set; }

    /// <summary>What a plan of <paramref name="edge"/> calls. Any context: of two that are made at once one stays.</summary>
    public BlockDriverInstance InstanceFor(BlockChild edge)
    {
        BlockNode node = edge.Node;
        EdgeMeter? meter = edge.Meter;
        while (meter is null || !ReferenceEquals(meter.Node.Node, node) || !ReferenceEquals(meter.Node.Meters, this))
        {
            EdgeMeter? replaced = meter;
            EdgeMeter made = new(Of(node), edge);
            meter = edge.ExchangeMeter(made, replaced);
            if (ReferenceEquals(meter, replaced))
            {
                meter = made;
            }
        }

        return meter.Instance;
    }

    /// <summary>The meter of <paramref name="node"/>.</summary>
    public NodeMeter Of(BlockNode node)
    {
        NodeMeter? meter = node.Meter;
        while (meter is null || !ReferenceEquals(meter.Meters, this))
        {
            NodeMeter? replaced = meter;
            NodeMeter made = new(this, node);
            meter = node.ExchangeMeter(made, replaced);
            if (ReferenceEquals(meter, replaced))
            {
                meter = made;
            }
        }

        return meter;
    }
}
