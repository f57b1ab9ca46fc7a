using BlockGraph.BlockCore.Graph;

namespace BlockGraph.BlockCore.Observability;

/// <summary>What is counted at one node while its graph is measured. It hangs off the node, and goes with it.</summary>
internal sealed class NodeMeter
{
    public NodeMeter(GraphMeters meters, BlockNode node)
    {
        Meters = meters;
        Node = node;
        Tags = MeterTags.Of(node);
        Instance = new MeteredInstance(this, null);
    }

    /// <summary>The measuring that it belongs to.</summary>
    public GraphMeters Meters { get; }

    public BlockNode Node { get; }

    public MeterTags Tags { get; }

    public MeterLanes Lanes { get; } = new();

    /// <summary>The driver for what comes by no edge in particular.</summary>
    public MeteredInstance Instance { get; }
}
