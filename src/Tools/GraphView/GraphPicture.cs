using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Graph;

namespace BlockGraph.Tools.GraphView;

/// <summary>
/// What a picture of a graph shows: boxes for nodes and their users, arrows for edges. It is taken from the graph once, in an order that
/// depends on nothing but the graph, and is all that the renderers know.
/// </summary>
/// <param name="Nodes">The boxes; every parent stands before its children's first mention, users first of all.</param>
/// <param name="Edges">The arrows, those of one parent in its own order.</param>
internal sealed record GraphPicture(IReadOnlyList<PictureNode> Nodes, IReadOnlyList<PictureEdge> Edges)
{
    /// <summary>The whole graph: every user with what is below it, then what no user reaches.</summary>
    public static GraphPicture Of(NodeGraph graph)
    {
        IEnumerable<BlockNode> tops = graph.Nodes.Where(node => node.Parents.Count == 0);
        Walk walk = new();
        foreach (IRootParent user in graph.Roots)
        {
            walk.AddUser(user);
        }

        foreach (BlockNode top in tops)
        {
            walk.AddNode(top);
        }

        return walk.ToPicture();
    }

    /// <summary>The same with nothing but names beside the arrows, and without file names.</summary>
    public GraphPicture ToBrief() =>
        new([.. Nodes.Select(node => node with { FileName = null })], [.. Edges.Select(edge => edge with { IsBrief = true })]);

    private sealed class Walk
    {
        private readonly List<PictureNode> _boxes = [];
        private readonly List<PictureEdge> _edges = [];
        private readonly List<string?> _contexts = [];
        private readonly Dictionary<BlockNode, int> _seen = [];

        public void AddUser(IRootParent user)
        {
            int index = Add(new PictureNode(PictureKind.User, user.Description), (user as BlockBackend)?.Context.Name);
            AddEdges(index, user.Edges);
        }

        public int AddNode(BlockNode node)
        {
            if (_seen.TryGetValue(node, out int known))
            {
                return known;
            }

            int index = Add(Describe(node), node.Context.Name);
            _seen.Add(node, index);
            AddEdges(index, node.Children);
            return index;
        }

        public GraphPicture ToPicture()
        {
            bool isOneContext = _contexts.OfType<string>().Distinct().Count() <= 1;
            return new GraphPicture(isOneContext ? _boxes : [.. _boxes.Select((box, i) => box with { Context = _contexts[i] })], _edges);
        }

        private int Add(PictureNode box, string? context)
        {
            _boxes.Add(box);
            _contexts.Add(context);
            return _boxes.Count - 1;
        }

        private void AddEdges(int from, IReadOnlyList<BlockChild> edges)
        {
            foreach (BlockChild edge in edges)
            {
                int slot = _edges.Count;
                _edges.Add(new PictureEdge(from, from, edge.Name, edge.Role, edge.Permissions) { IsFrozen = edge.IsFrozen });
                _edges[slot] = _edges[slot] with { To = AddNode(edge.Node) };
            }
        }

        private static PictureNode Describe(BlockNode node) => new(KindOf(node.Driver), node.Name)
        {
            Driver = node.Driver.Name,
            LengthBytes = node.LengthBytes,
            IsReadOnly = node.IsReadOnly,
            IsInactive = node.IsInactive,
            IsProbed = node.IsProbed,
            FileName = node.FileChild is null ? node.FileName : null,
        };

        private static PictureKind KindOf(BlockDriver driver) => driver.Category switch
        {
            DriverCategory.Protocol => PictureKind.Protocol,
            DriverCategory.Format => PictureKind.Format,
            DriverCategory.Filter => PictureKind.Filter,
            _ => PictureKind.Composite,
        };
    }
}
