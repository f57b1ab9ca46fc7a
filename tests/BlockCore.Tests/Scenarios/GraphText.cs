using BlockGraph.BlockCore.Graph;

namespace BlockGraph.BlockCore.Tests.Scenarios;

/// <summary>A whole graph as text: what a change that failed must have left as it was.</summary>
internal static class GraphText
{
    /// <summary>Every node with its edges, permissions, drains, options, references and home, and every user.</summary>
    public static string Of(NodeGraph graph) => string.Join('\n', graph.Nodes.Select(Describe).Concat(graph.Roots.Select(Describe)));

    private static string Describe(IRootParent root) =>
        $"{root.Description}: {string.Join(' ', root.Edges.Select(e => $"{e.Name}->{e.Node.Name}({e.Permissions.Required:D}/{e.Permissions.Shared:D})"))}";

    private static string Describe(BlockNode node)
    {
        string children = string.Join(' ', node.Children.Select(c => $"{c.Name}[{c.Role}]->{c.Node.Name}({c.Permissions.Required:D}/{c.Permissions.Shared:D}{(c.IsFrozen ? " frozen" : "")})"));
        string parents = string.Join(' ', node.Parents.Select(p => $"{p.Parent.Description}.{p.Name}({p.Permissions.Required:D}/{p.Permissions.Shared:D})"));
        string options = string.Join(',', node.Options.Select(o => $"{o.Key}={o.Value.AsText}"));
        return $"{node.Name} {{{children}}} <- {{{parents}}} {options} quiesced {node.QuiesceCount} references {node.ReferenceCount} {(node.IsReadOnly ? "ro" : "rw")} {(node.IsInactive ? "inactive" : "active")} in {node.Context.Name}";
    }
}
