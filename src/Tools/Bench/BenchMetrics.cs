using System.Globalization;
using System.Text.Json;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Observability;

namespace BlockGraph.Tools.Bench;

/// <summary>Shows what every node has carried out during a load, and by way of which edge: as tables, or as members of a JSON object.</summary>
/// <param name="depths">The nodes of the graph, and how deep each lies below the root.</param>
/// <param name="nodes">What nodes have carried out.</param>
/// <param name="edges">The same by edge.</param>
/// <param name="elapsedNs">How long the load has run.</param>
internal sealed class BenchMetrics(IReadOnlyDictionary<BlockNode, int> depths, IReadOnlyList<NodeMeasures> nodes, IReadOnlyList<EdgeMeasures> edges, long elapsedNs)
{
    private const double NsPerSecond = 1e9;
    private const string None = "-";
    private static readonly string[] s_numbers = ["count", "IOPS", "MB/s", "depth", "p50", "p99", "max", "errors"];

    /// <summary>Reads what <paramref name="measurement"/> has counted during a load of <paramref name="elapsedNs"/>, from the root down.</summary>
    public static BenchMetrics Read(GraphMeasurement measurement, BlockNode root, long elapsedNs)
    {
        Dictionary<BlockNode, int> depths = [];
        List<BlockNode> order = [];
        Visit(root, 0, depths, order);
        return new BenchMetrics(
            depths,
            [.. measurement.ReadNodes().Where(m => depths.ContainsKey(m.Node)).OrderBy(m => order.IndexOf(m.Node))],
            [.. measurement.ReadEdges().Where(m => depths.ContainsKey(m.Edge.Node)).OrderBy(m => order.IndexOf(m.Edge.Node))],
            elapsedNs);
    }

    /// <summary>Prints a table of nodes and one of edges.</summary>
    public void PrintText(TextWriter output, bool isTerminal)
    {
        BenchTable byNode = new(["node", "driver", "operation", .. s_numbers], leftCount: 3);
        foreach (NodeMeasures node in nodes)
        {
            AddRows(byNode, [new string(' ', 2 * depths[node.Node]) + node.Node.Name, node.Node.Driver.Name], node.Operations);
        }

        byNode.Print(output, isTerminal);
        output.WriteLine();
        BenchTable byEdge = new(["edge", "to", "operation", .. s_numbers], leftCount: 3);
        foreach (EdgeMeasures edge in edges)
        {
            AddRows(byEdge, [$"{ParentOf(edge.Edge)} {edge.Edge.Name}", edge.Edge.Node.Name], edge.Operations);
        }

        byEdge.Print(output, isTerminal);
    }

    /// <summary>Writes the members <c>nodes</c> and <c>edges</c> of an object.</summary>
    public void WriteJson(Utf8JsonWriter writer)
    {
        writer.WriteStartArray("nodes");
        foreach (NodeMeasures node in nodes)
        {
            writer.WriteStartObject();
            writer.WriteString("node", node.Node.Name);
            writer.WriteString("driver", node.Node.Driver.Name);
            WriteOperations(writer, node.Operations);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteStartArray("edges");
        foreach (EdgeMeasures edge in edges)
        {
            writer.WriteStartObject();
            writer.WriteString("parent", edge.Edge.Parent.AsNode?.Name);
            writer.WriteString("edge", edge.Edge.Name);
            writer.WriteString("node", edge.Edge.Node.Name);
            WriteOperations(writer, edge.Operations);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static void Visit(BlockNode node, int depth, Dictionary<BlockNode, int> depths, List<BlockNode> order)
    {
        if (depths.TryAdd(node, depth))
        {
            order.Add(node);
            foreach (BlockChild child in node.Children)
            {
                Visit(child.Node, depth + 1, depths, order);
            }
        }
    }

    private static string ParentOf(BlockChild edge) => edge.Parent.AsNode?.Name ?? "(load)";

    private static string NameOf(RequestKind kind) => kind switch
    {
        RequestKind.Read => "read",
        RequestKind.Write => "write",
        RequestKind.WriteZeroes => "write zeroes",
        RequestKind.Discard => "discard",
        _ => "flush",
    };

    private void AddRows(BenchTable table, string[] names, IReadOnlyList<OperationMeasures> operations)
    {
        if (operations.Count == 0)
        {
            table.Add([.. names, None, .. s_numbers.Select(_ => "")]);
        }

        for (int i = 0; i < operations.Count; i++)
        {
            table.Add([.. i == 0 ? names : names.Select(_ => ""), NameOf(operations[i].Kind), .. Numbers(operations[i])]);
        }
    }

    private string[] Numbers(OperationMeasures measures) =>
    [
        measures.Counters.OperationCount.ToString(CultureInfo.InvariantCulture),
        Rate(measures.Counters.OperationCount, 0),
        Rate(measures.Counters.ByteCount / 1e6, 2),
        DepthOf(measures).ToString("F2", CultureInfo.InvariantCulture),
        BenchScreen.Duration(measures.Latencies.ValueAt(0.5)),
        BenchScreen.Duration(measures.Latencies.ValueAt(0.99)),
        BenchScreen.Duration(measures.Latencies.MaxNs),
        measures.Counters.FailedCount.ToString(CultureInfo.InvariantCulture),
    ];

    private string Rate(double amount, int places) => elapsedNs == 0 ? None : (amount / (elapsedNs / NsPerSecond)).ToString("F" + places, CultureInfo.InvariantCulture);

    // Time under way over time passed is how many were under way.
    private double DepthOf(OperationMeasures measures) => elapsedNs == 0 ? 0 : (double)measures.Counters.TotalNs / elapsedNs;

    private void WriteOperations(Utf8JsonWriter writer, IReadOnlyList<OperationMeasures> operations)
    {
        writer.WriteStartArray("operations");
        foreach (OperationMeasures measures in operations)
        {
            writer.WriteStartObject();
            writer.WriteString("operation", NameOf(measures.Kind).Replace(' ', '_'));
            writer.WriteNumber("count", measures.Counters.OperationCount);
            writer.WriteNumber("bytes", measures.Counters.ByteCount);
            writer.WriteNumber("errors", measures.Counters.FailedCount);
            writer.WriteNumber("depth", DepthOf(measures));
            writer.WriteStartObject("duration_ns");
            writer.WriteNumber("p50", measures.Latencies.ValueAt(0.5));
            writer.WriteNumber("p99", measures.Latencies.ValueAt(0.99));
            writer.WriteNumber("p999", measures.Latencies.ValueAt(0.999));
            writer.WriteNumber("max", measures.Latencies.MaxNs);
            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }
}
