using BlockGraph.BlockCore.Graph;

namespace BlockGraph.BlockCore.Observability;

/// <summary>What is counted at one edge, while it leads where it does and its graph is measured. It hangs off the edge, and goes with it.</summary>
internal sealed class EdgeMeter
{
    public EdgeMeter(NodeMeter node, BlockChild edge)
    {
        Node = node;
        Edge = edge;
        Tags = MeterTags.Of(edge);
        Instance = new MeteredInstance(node, this);
    }

    /// <summary>The meter of the node that the edge leads to.</summary>
    public NodeMeter Node { get; }

    public BlockChild Edge { get; }

    public MeterTags Tags { get; }

    public MeterLanes Lanes { get; } = new();

    /// <summary>The driver for what comes by the edge.</summary>
    public MeteredInstance Instance { get; }
}
