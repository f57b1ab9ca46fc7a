using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Observability;

namespace BlockGraph.BlockCore.Tests.Observability;

/// <summary>What was measured, as text that tests compare: <c>disk: Read 2x1024, Write 2x1024 (1 failed)</c>.</summary>
internal static class MeasureText
{
    public static IEnumerable<string> Nodes(GraphMeasurement measurement) =>
        measurement.ReadNodes().Select(m => $"{m.Node.Name}: {Operations(m.Operations)}{InFlight(m.InFlightCount)}").Order(StringComparer.Ordinal);

    public static IEnumerable<string> Edges(GraphMeasurement measurement) =>
        measurement.ReadEdges().Select(m => $"{m.Edge.Parent.Description} -{m.Edge.Name}-> {m.Edge.Node.Name}: {Operations(m.Operations)}{InFlight(m.InFlightCount)}").Order(StringComparer.Ordinal);

    public static OperationMeasures? Of(GraphMeasurement measurement, string node, RequestKind kind) =>
        measurement.ReadNodes().Single(m => m.Node.Name == node).Operations.SingleOrDefault(o => o.Kind == kind);

    private static string Operations(IReadOnlyList<OperationMeasures> operations) =>
        operations.Count == 0 ? "nothing" : string.Join(", ", operations.Select(o => $"{o.Kind} {o.Counters.OperationCount}x{o.Counters.ByteCount}{(o.Counters.FailedCount == 0 ? "" : $" ({o.Counters.FailedCount} failed)")}"));

    private static string InFlight(int count) => count == 0 ? "" : $", {count} in flight";
}
