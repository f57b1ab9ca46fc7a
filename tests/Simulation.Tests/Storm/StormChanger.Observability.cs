using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Observability;

namespace BlockGraph.Simulation.Tests.Storm;

/// <content>The graph is measured for a while: nothing may come of it but counts.</content>
internal sealed partial class StormChanger
{
    private async Task<StormOutcome> MeasureAsync()
    {
        await using GraphMeasurement measurement = await world.Graph.MeasureAsync();
        await PauseAsync(400_000);
        await using (await world.Graph.DrainAllAsync())
        {
            IReadOnlyList<EdgeMeasures> edges = measurement.ReadEdges();
            foreach (NodeMeasures node in measurement.ReadNodes())
            {
                world.Expect(node.InFlightCount == 0 ? null : $"node '{node.Node.Name}' counts {node.InFlightCount} under way, and the graph is drained");
                ExpectEdgesWithin(node, [.. edges.Where(e => ReferenceEquals(e.Edge.Node, node.Node))]);
            }
        }

        return StormOutcome.Done;
    }

    // An edge that came from elsewhere has begun anew, and one that is gone has taken its counts along: together they know no more than the node.
    private void ExpectEdgesWithin(NodeMeasures node, List<EdgeMeasures> edges)
    {
        long Count(IReadOnlyList<OperationMeasures> operations) => operations.Where(o => o.Kind != RequestKind.Flush).Sum(o => o.Counters.OperationCount);
        long edgeSum = edges.Sum(e => Count(e.Operations));
        world.Expect(edgeSum <= Count(node.Operations) ? null : $"node '{node.Node.Name}' has carried out {Count(node.Operations)}, and its edges count {edgeSum}");
        world.Expect(edges.All(e => e.InFlightCount == 0) ? null : $"an edge to node '{node.Node.Name}' counts something under way, and the graph is drained");
    }
}
