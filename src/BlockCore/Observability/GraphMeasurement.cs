using BlockGraph.BlockCore.Graph;

namespace BlockGraph.BlockCore.Observability;

/// <summary>
/// A graph is measured for as long as one of these lives: every call of every driver is counted, by node and by edge. Made by <see cref="NodeGraph.MeasureAsync()"/>. <i>QEMU: none.</i>
/// </summary>
/// <remarks>Counts begin when the graph is not measured yet; with the last measurement they are gone. Reading is for any thread.</remarks>
public sealed class GraphMeasurement : IAsyncDisposable
{
    private readonly NodeGraph _graph;
    private int _isDisposed;

    internal GraphMeasurement(NodeGraph graph, GraphMeters meters)
    {
        _graph = graph;
        Meters = meters;
    }

    /// <summary>The meters; the same for all who measure at once.</summary>
    internal GraphMeters Meters { get; }

    /// <summary>What every node has carried out, in the order of <see cref="NodeGraph.Nodes"/>; nodes that have carried out nothing among them.</summary>
    public IReadOnlyList<NodeMeasures> ReadNodes() =>
        [.. _graph.Nodes.Select(node => MeterOf(node) is { } meter ? new NodeMeasures(node, meter.Lanes.InFlightCount, meter.Lanes.Read()) : new NodeMeasures(node, 0, []))];

    /// <summary>What was carried out by way of every edge to a node of the graph, in the order of nodes and of the edges above each.</summary>
    public IReadOnlyList<EdgeMeasures> ReadEdges() =>
        [.. _graph.Nodes.SelectMany(node => node.Parents).Select(edge => MeterOf(edge) is { } meter ? new EdgeMeasures(edge, meter.Lanes.InFlightCount, meter.Lanes.Read()) : new EdgeMeasures(edge, 0, []))];

    /// <summary>Measures no longer. Requests are drained for a moment, if nobody else measures.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
        {
            await _graph.EndMeasuringAsync();
        }
    }

    /// <summary>The meter of a node, if it belongs to this measuring.</summary>
    internal NodeMeter? MeterOf(BlockNode node) => node.Meter is { } meter && ReferenceEquals(meter.Meters, Meters) ? meter : null;

    /// <summary>The meter of an edge, if it belongs to this measuring and the edge leads where it led.</summary>
    internal EdgeMeter? MeterOf(BlockChild edge) => edge.Meter is { } meter && ReferenceEquals(meter.Node.Meters, Meters) && ReferenceEquals(meter.Node.Node, edge.Node) ? meter : null;
}
