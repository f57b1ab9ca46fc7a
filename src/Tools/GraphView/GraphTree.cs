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
    /// <summary>Draws the tree below <paramref name="backend"/>.</summary>
    public static void Print(TextWriter output, BlockBackend backend)
    {
        output.WriteLine(backend.Description);
        PrintEdge(output, backend.RootEdge!, "", isLast: true, []);
    }

    private static void PrintEdge(TextWriter output, BlockChild edge, string indent, bool isLast, HashSet<BlockNode> seen)
    {
        BlockNode node = edge.Node;
        bool isNew = seen.Add(node);
        string below = indent + (isLast ? "   " : "│  ");
        string bar = isNew && node.Children.Count > 0 ? "│ " : "  ";
        output.WriteLine($"{indent}{(isLast ? "└─ " : "├─ ")}{edge.Name}: {node.Name} ({Describe(node)}){(isNew ? "" : " *")}");
        output.WriteLine($"{below}{bar} {EdgeText(edge)}");
        if (!isNew)
        {
            return;
        }

        for (int i = 0; i < node.Children.Count; i++)
        {
            PrintEdge(output, node.Children[i], below, i == node.Children.Count - 1, seen);
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
