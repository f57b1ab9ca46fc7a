using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Observability;

namespace BlockGraph.Simulation.Tests.Storm;

/// <content>The graph is measured for a while: nothing may come of it but counts.</content>
internal sealed partial class StormChanger
{
    private const int QuietRoundCountMax = 500;

    private async Task<StormOutcome> MeasureAsync()
    {
        await using GraphMeasurement measurement = await world.Graph.MeasureAsync();
        await PauseAsync(400_000);
        await using (await world.Graph.DrainAllAsync())
        {
            // Nobody's requests are under way now; another change may still be flushing what it is about to reopen or to close.
            for (int round = 0; round < QuietRoundCountMax && CountInFlight(measurement) != 0; round++)
            {
                await PauseAsync(20_000);
            }

            world.Expect(CountInFlight(measurement) == 0 ? null : $"{CountInFlight(measurement)} calls are counted as under way, and the graph has long been drained");
            IReadOnlyList<EdgeMeasures> edges = measurement.ReadEdges();
            foreach (NodeMeasures node in measurement.ReadNodes())
            {
                ExpectEdgesWithin(node, [.. edges.Where(e => ReferenceEquals(e.Edge.Node, node.Node))]);
            }
        }

        return StormOutcome.Done;
    }

    private static int CountInFlight(GraphMeasurement measurement) => measurement.ReadNodes().Sum(n => n.InFlightCount) + measurement.ReadEdges().Sum(e => e.InFlightCount);

    // An edge that came from elsewhere has begun anew, and one that is gone has taken its counts along: together they know no more than the node.
    private void ExpectEdgesWithin(NodeMeasures node, List<EdgeMeasures> edges)
    {
        long Count(IReadOnlyList<OperationMeasures> operations) => operations.Where(o => o.Kind != RequestKind.Flush).Sum(o => o.Counters.OperationCount);
        long edgeSum = edges.Sum(e => Count(e.Operations));
        world.Expect(edgeSum <= Count(node.Operations) ? null : $"node '{node.Node.Name}' has carried out {Count(node.Operations)}, and its edges count {edgeSum}");
    }
}
