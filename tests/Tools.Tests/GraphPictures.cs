using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.TestKit;
using BlockGraph.Tools.GraphView;

namespace BlockGraph.Tools.Tests;

/// <summary>Pictures of the shapes that graphs have, and random ones.</summary>
internal static class GraphPictures
{
    private static readonly PermissionSet s_writer = new(BlockPermissions.ConsistentRead | BlockPermissions.Write, BlockPermissions.ConsistentRead | BlockPermissions.WriteUnchanged);

    /// <summary>user -> filter -> format -> file</summary>
    public static GraphPicture Chain { get; } = new(
        [User(), Node("limit", PictureKind.Filter), Node("image", PictureKind.Format), Node("storage", PictureKind.Protocol, "/images/t.img")],
        [Edge(0, 1, "root"), Edge(1, 2), Edge(2, 3)]);

    /// <summary>user -> quorum -> left, right -> one leaf, which the quorum uses itself, too</summary>
    public static GraphPicture Diamond { get; } = new(
        [User(), Node("top", PictureKind.Composite), Node("left", PictureKind.Filter), Node("leaf", PictureKind.Protocol, "leaf.img"), Node("right", PictureKind.Filter)],
        [Edge(0, 1, "root"), Edge(1, 2, "children.0"), Edge(2, 3), Edge(1, 4, "children.1"), Edge(4, 3), Edge(1, 3, "children.2")]);

    /// <summary>overlay -> middle -> base, each over a file of its own</summary>
    public static GraphPicture Backing { get; } = new(
        [
            User(), Node("overlay", PictureKind.Format), Node("overlay-file", PictureKind.Protocol, "o.qcow2"), Node("middle", PictureKind.Format),
            Node("middle-file", PictureKind.Protocol, "m.qcow2"), Node("base", PictureKind.Format), Node("base-file", PictureKind.Protocol, new string('x', 200)),
        ],
        [
            Edge(0, 1, "root"), Edge(1, 2), Edge(1, 3, "backing", ChildRole.Cow), Edge(3, 4), Edge(3, 5, "backing", ChildRole.Cow), Edge(5, 6),
        ]);

    /// <summary>user -> quorum -> nine leaves</summary>
    public static GraphPicture Fan { get; } = new(
        [User(), Node("q", PictureKind.Composite), .. Enumerable.Range(0, 9).Select(i => Node($"leaf{i}", PictureKind.Protocol))],
        [Edge(0, 1, "root"), .. Enumerable.Range(0, 9).Select(i => Edge(1, 2 + i, $"children.{i}"))]);

    /// <summary>Every shape, by name.</summary>
    public static IEnumerable<TestCaseData<GraphPicture>> Shapes =>
    [
        new(Chain) { TestName = "{m}(chain)" }, new(Diamond) { TestName = "{m}(diamond)" }, new(Backing) { TestName = "{m}(backing chain)" }, new(Fan) { TestName = "{m}(fan)" },
        new(new GraphPicture([User(), Node("alone", PictureKind.Protocol)], [])) { TestName = "{m}(nothing linked)" },
        new(new GraphPicture([], [])) { TestName = "{m}(nothing at all)" },
        .. Enumerable.Range(1, 40).Select(seed => new TestCaseData<GraphPicture>(Random((ulong)seed)) { TestName = $"{{m}}(seed {seed})" }),
    ];

    public static PictureNode User(string name = "an unnamed block device") => new(PictureKind.User, name);

    public static PictureNode Node(string name, PictureKind kind, string? fileName = null) =>
        new(kind, name) { Driver = kind.ToString().ToLowerInvariant(), LengthBytes = 1 << 20, FileName = fileName };

    public static PictureEdge Edge(int from, int to, string name = "file", ChildRole role = ChildRole.Image) => new(from, to, name, role, s_writer);

    // Parents before children; a few users, nodes that nobody uses, several edges between the same two.
    private static GraphPicture Random(ulong seed)
    {
        SeededRandom chance = new(seed);
        List<PictureNode> nodes = [.. Enumerable.Range(0, 1 + chance.Next(2)).Select(i => User($"block device 'd{i}'"))];
        List<PictureEdge> edges = [];
        int count = 2 + chance.Next(18);
        for (int i = 0; i < count; i++)
        {
            int node = nodes.Count;
            nodes.Add(Node($"n{i}", (PictureKind)(1 + chance.Next(4)), chance.OneIn(3) ? new string('f', chance.Next(80)) : null));
            for (int j = chance.OneIn(6) ? 0 : 1 + chance.Next(3); j > 0; j--)
            {
                edges.Add(Edge(chance.Next(node), node, $"e{j}"));
            }
        }

        return new GraphPicture(nodes, edges);
    }
}
