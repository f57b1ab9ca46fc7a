using BlockGraph.BlockCore.Accounting;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.BlockCore.Observability;

/// <summary>The lanes of one node or edge, and their sums.</summary>
internal sealed class MeterLanes
{
    /// <summary>By context.</summary>
    public ContextLanes<MeterLane> ByContext { get; } = new(_ => new MeterLane());

    /// <summary>How many calls are under way. Exact where nothing begins or ends meanwhile.</summary>
    public int InFlightCount => ByContext.All.Sum(lane => lane.InFlightCount);

    /// <summary>What calls of <paramref name="kind"/> have added up to.</summary>
    public RequestCounters CountersOf(RequestKind kind)
    {
        RequestCounters sum = default;
        foreach (MeterLane lane in ByContext.All)
        {
            sum = sum.Plus(lane.CountersOf(kind));
        }

        return sum;
    }

    /// <summary>All of it, for the kinds of which there were any.</summary>
    public IReadOnlyList<OperationMeasures> Read()
    {
        List<OperationMeasures> result = [];
        for (RequestKind kind = 0; (int)kind < RequestKinds.Count; kind++)
        {
            RequestCounters counters = CountersOf(kind);
            if (counters.OperationCount == 0)
            {
                continue;
            }

            LatencyHistogram latencies = new();
            foreach (MeterLane lane in ByContext.All)
            {
                latencies.Add(lane.LatenciesOf(kind));
            }

            result.Add(new OperationMeasures(kind, counters, latencies));
        }

        return result;
    }
}
