using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.TestKit.Drawing;

/// <summary>What a drawing says, with its names resolved: which node is opened when, and which moves where.</summary>
internal sealed class DrawingPlan
{
    private readonly NodeGraph _graph;
    private readonly GraphDrawing _drawing;
    private readonly string[] _lines;
    private readonly List<DrawnNode> _ordered = [];
    private readonly List<DrawnNode> _open = [];

    public DrawingPlan(NodeGraph graph, GraphDrawing drawing, string text)
    {
        _graph = graph;
        _drawing = drawing;
        _lines = text.ReplaceLineEndings("\n").Split('\n');
        foreach (DrawnBackend backend in drawing.Backends)
        {
            if (backend.Root is { } root && Find(root) is null && !IsInGraph(root))
            {
                throw Fail(backend.Line, backend.Column, Unknown(root));
            }
        }
    }

    /// <summary>True where <paramref name="key"/> names a child of nodes of <paramref name="driver"/>.</summary>
    public static bool IsEdge(BlockDriver driver, string key) =>
        driver.Options.Children.Any(c => c.Name == key || (c.Type == OptionType.ChildList && key.LastIndexOf('.') == c.Name.Length && key.StartsWith(c.Name, StringComparison.Ordinal)));

    /// <summary>The nodes, children before their parents.</summary>
    public List<DrawnNode> InOrder()
    {
        foreach (DrawnNode node in _drawing.Nodes)
        {
            Visit(node);
        }

        return _ordered;
    }

    /// <summary>Which nodes are to move where.</summary>
    public IEnumerable<(int Line, string Node, string Context)> Moves() =>
        _drawing.Nodes.Where(n => n.Context is not null).Select(n => (n.Line, n.Name, n.Context!))
            .Concat(_drawing.Backends.Where(b => b is { Context: not null, Root: not null }).Select(b => (b.Line, b.Root!, b.Context!)));

    private void Visit(DrawnNode node)
    {
        if (_ordered.Contains(node))
        {
            return;
        }

        _open.Add(node);
        foreach (DrawnEdge edge in EdgesOf(node))
        {
            if (Find(edge.Child) is not { } child)
            {
                if (!IsInGraph(edge.Child))
                {
                    throw Fail(edge.Line, edge.Column, Unknown(edge.Child));
                }
            }
            else if (_open.Contains(child))
            {
                throw Fail(edge.Line, edge.Column, $"'{edge.Child}' would be below itself: {string.Join(" -> ", _open.SkipWhile(n => n != child).Select(n => n.Name))} -> {edge.Child}");
            }
            else
            {
                Visit(child);
            }
        }

        _open.Remove(node);
        _ordered.Add(node);
    }

    private IEnumerable<DrawnEdge> EdgesOf(DrawnNode node)
    {
        BlockDriver driver = _graph.Drivers.All.FirstOrDefault(d => d.Name == node.Driver)
            ?? throw Fail(node.Line, node.Column, $"node '{node.Name}': unknown driver '{node.Driver}'" + Nearest(node.Driver, _graph.Drivers.All.Select(d => d.Name)));

        return node.Edges.Concat(node.Options.Where(o => IsEdge(driver, o.Key) && o.Value != "null").Select(o => new DrawnEdge(o.Key, o.Value, o.Line, o.Column)));
    }

    private DrawnNode? Find(string name) => _drawing.Nodes.FirstOrDefault(n => n.Name == name);

    private bool IsInGraph(string name) => _graph.FindNode(name) is not null || _graph.FindRoot(name) is not null;

    private string Unknown(string name) => $"there is no node '{name}'" + Nearest(name, _drawing.Nodes.Select(n => n.Name).Concat(_graph.Nodes.Select(n => n.Name)));

    private static string Nearest(string name, IEnumerable<string> names) => NearestText.Find(name, names) is { } nearest ? $" (did you mean '{nearest}'?)" : "";

    private DrawingException Fail(int line, int column, string problem) => new(line, column, problem, _lines[line - 1]);
}
