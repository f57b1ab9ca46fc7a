using System.Text.Json;
using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.Tools.Dispatch;

namespace BlockGraph.Tools.GraphView;

/// <summary>Prints the tree below a backend as JSON: edges with their node, nodes with their child edges. A node that is reached twice is spelt out once.</summary>
internal static class GraphJson
{
    /// <summary>Prints the tree below <paramref name="backend"/>, and the nodes that nobody uses where there are any.</summary>
    public static void Print(TextWriter output, BlockBackend backend) => JsonLines.Print(output, isIndented: true, writer =>
    {
        HashSet<BlockNode> seen = [];
        writer.WriteStartObject();
        WriteEdge(writer, "root", backend.RootEdge!, seen);
        BlockNode[] unused = [.. backend.Graph.Nodes.Where(node => node.Parents.Count == 0)];
        if (unused.Length > 0)
        {
            writer.WriteStartArray("unused");
            foreach (BlockNode node in unused)
            {
                writer.WriteStartObject();
                WriteNode(writer, node, seen);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        }

        writer.WriteEndObject();
    });

    private static void WriteEdge(Utf8JsonWriter writer, string property, BlockChild edge, HashSet<BlockNode> seen)
    {
        writer.WriteStartObject(property);
        WriteList(writer, "role", edge.Role.Names());
        WriteList(writer, "granted", Hyphenated(edge.Permissions.Required));
        WriteList(writer, "shared", Hyphenated(edge.Permissions.Shared));
        writer.WriteStartObject("node");
        WriteNode(writer, edge.Node, seen);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static void WriteNode(Utf8JsonWriter writer, BlockNode node, HashSet<BlockNode> seen)
    {
        writer.WriteString("node-name", node.Name);
        if (!seen.Add(node))
        {
            return;
        }

        writer.WriteString("driver", node.Driver.Name);
        writer.WriteNumber("length", node.LengthBytes);
        writer.WriteBoolean("read-only", node.IsReadOnly);
        writer.WriteBoolean("probed", node.IsProbed);
        if (node.FileName is not null)
        {
            writer.WriteString("filename", node.FileName);
        }

        WriteDetails(writer, node.Details);
        writer.WriteStartObject("children");
        foreach (BlockChild child in node.Children)
        {
            WriteEdge(writer, child.Name, child, seen);
        }

        writer.WriteEndObject();
    }

    // What the driver alone can tell: a throttle its group and the limits in force.
    private static void WriteDetails(Utf8JsonWriter writer, OptionsDictionary details)
    {
        if (details.Count == 0)
        {
            return;
        }

        writer.WriteStartObject("details");
        foreach ((string key, OptionValue value) in details)
        {
            if (value is OptionInteger integer)
            {
                writer.WriteNumber(key, (long)integer.Value);
            }
            else
            {
                writer.WriteString(key, value.AsText);
            }
        }

        writer.WriteEndObject();
    }

    // In JSON a permission is one word, as in QEMU's own graph dumps.
    private static IEnumerable<string> Hyphenated(BlockPermissions permissions) => permissions.Names().Select(name => name.Replace(' ', '-'));

    private static void WriteList(Utf8JsonWriter writer, string property, IEnumerable<string> names)
    {
        writer.WriteStartArray(property);
        foreach (string name in names)
        {
            writer.WriteStringValue(name);
        }

        writer.WriteEndArray();
    }
}
