using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.BlockCore.Observability;

/// <summary>The tags of what is measured at a node or an edge, made once.</summary>
internal sealed class MeterTags
{
    private readonly KeyValuePair<string, object?>[][] _byKind;

    private MeterTags(KeyValuePair<string, object?>[] all)
    {
        All = all;
        _byKind = Array.ConvertAll(Enum.GetValues<RequestKind>(), kind => (KeyValuePair<string, object?>[])[.. all, new("operation", OperationName.Of(kind))]);
    }

    /// <summary>Of what is the same for every kind.</summary>
    public KeyValuePair<string, object?>[] All { get; }

    public static MeterTags Of(BlockNode node) => new([new("node", node.Name), new("driver", node.Driver.Name)]);

    public static MeterTags Of(BlockChild edge) =>
        new([new("node", edge.Node.Name), new("driver", edge.Node.Driver.Name), new("edge", edge.Name), new("parent", ParentOf(edge))]);

    private static string ParentOf(BlockChild edge) =>
        edge.Parent.AsNode?.Name ?? (edge.Parent is IRootParent root ? edge.Node.Graph.RootLabels.Of(root) : edge.Parent.Description);

    /// <summary>Of what was counted of one kind.</summary>
    public KeyValuePair<string, object?>[] Of(RequestKind kind) => _byKind[(int)kind];
}
