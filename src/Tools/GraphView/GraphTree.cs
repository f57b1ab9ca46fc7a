using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Permissions;

namespace BlockGraph.Tools.GraphView;

/// <summary>
/// Draws the tree below a backend: two lines for each edge, first the child, then what the edge may do. A node that is reached
/// twice is drawn once and only named the second time.
/// </summary>
internal static class GraphTree
{
    /// <summary>Draws the tree below <paramref name="backend"/>, then those of nodes that nobody uses.</summary>
    public static void Print(TextWriter output, BlockBackend backend)
    {
        HashSet<BlockNode> seen = [];
        output.WriteLine(backend.Description);
        PrintEdge(output, backend.RootEdge!, "", isLast: true, seen);
        foreach (BlockNode node in backend.Graph.Nodes.Where(node => node.Parents.Count == 0))
        {
            output.WriteLine();
            output.WriteLine($"used by nobody: {node.Name} ({Describe(node)})");
            PrintChildren(output, node, "", seen);
        }
    }

    private static void PrintEdge(TextWriter output, BlockChild edge, string indent, bool isLast, HashSet<BlockNode> seen)
    {
        BlockNode node = edge.Node;
        bool isNew = seen.Add(node);
        string below = indent + (isLast ? "   " : "│  ");
        string bar = isNew && node.Children.Count > 0 ? "│ " : "  ";
        output.WriteLine($"{indent}{(isLast ? "└─ " : "├─ ")}{edge.Name}: {node.Name} ({Describe(node)}){(isNew ? "" : " *")}");
        output.WriteLine($"{below}{bar} {EdgeText(edge)}");
        if (isNew)
        {
            PrintChildren(output, node, below, seen);
        }
    }

    private static void PrintChildren(TextWriter output, BlockNode node, string indent, HashSet<BlockNode> seen)
    {
        for (int i = 0; i < node.Children.Count; i++)
        {
            PrintEdge(output, node.Children[i], indent, i == node.Children.Count - 1, seen);
        }
    }

    private static string Describe(BlockNode node)
    {
        string file = node.FileName is null || node.FileChild is not null ? "" : $", '{node.FileName}'";
        return $"{node.Driver.Name}{(node.IsProbed ? " by probing" : "")}, {node.LengthBytes} bytes{(node.IsReadOnly ? ", read-only" : "")}{file}";
    }

    private static string EdgeText(BlockChild edge) =>
        $"role {string.Join('+', edge.Role.Names())}; may {Text(edge.Permissions.Required)}; lets others {Text(edge.Permissions.Shared)}";

    private static string Text(BlockPermissions permissions) => permissions == BlockPermissions.None ? "nothing" : permissions.ToText();
}
