using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.TestKit.Drawing;

namespace BlockGraph.TestKit.Tests.Drawing;

/// <summary>A graph is built as it is drawn, or the drawing is refused where it is wrong.</summary>
[TestFixture]
public sealed class GraphBuilderTests
{
    private GraphFixture _fixture = null!;

    [SetUp]
    public void SetUp() => _fixture = new GraphFixture();

    [TearDown]
    public void TearDown() => _fixture.Dispose();

    [Test]
    public void A_drawing_becomes_a_graph() => _fixture.Run(async () =>
    {
        IReadOnlyList<BlockBackend> backends = await _fixture.BuildAsync("""
            // a writer and an onlooker
            blk[consistent-read,write|share=consistent-read] -> top
            [consistent-read] -> mid @main
            top: cow(lazy-table=on, backing=mid) -> topfile
            topfile: memory(align=512) holds cow(size=1M)
            mid: pass-through -> disk
            disk: memory(filename="disk, of zeros")
            """);
        Assert.That(backends.Select(b => (b.Name, b.Root!.Name)), Is.EqualTo(new[] { ("blk", "top"), ((string?)null, "mid") }), "the backends");
        Assert.That(
            backends[0].Permissions,
            Is.EqualTo(new PermissionSet(BlockPermissions.ConsistentRead | BlockPermissions.Write, BlockPermissions.ConsistentRead)),
            "exactly the permissions that are drawn");
        Assert.That(_fixture.Graph.FindNode("top")!.Children.Select(c => (c.Name, c.Node.Name)), Is.EqualTo(new[] { ("file", "topfile"), ("backing", "mid") }), "the edges");
        Assert.That(_fixture.Graph.FindNode("topfile")!.Limits.RequestAlignmentBytes, Is.EqualTo(512), "the options");
        Assert.That(_fixture.Graph.FindNode("disk")!.Options.GetText("filename"), Is.EqualTo("disk, of zeros"), "text in quotes");
        Assert.That(backends[0].LengthBytes, Is.EqualTo(1 << 20), "the image that the node holds");
    });

    [Test]
    public void Contexts_empty_backends_and_nodes_that_are_there() => _fixture.Run(async () =>
    {
        await _fixture.BuildAsync("base: memory");
        IReadOnlyList<BlockBackend> backends = await _fixture.BuildAsync("""
            filled: memory holds bytes(size=5, value=7)
            disk[all] -> filled @io1
            cdrom[consistent-read|share=all] @io2
            other -> base
            """);
        Assert.That(_fixture.Graph.FindNode("filled")!.Context, Is.SameAs(_fixture.ContextOf("io1")), "the component moved");
        Assert.That((backends[1].Root, backends[1].Context), Is.EqualTo(((BlockCore.Graph.BlockNode?)null, _fixture.ContextOf("io2"))), "no medium, and a home");
        Assert.That(backends[2].Root!.Name, Is.EqualTo("base"), "a node of before");
        byte[] read = new byte[5];
        await backends[0].ReadAsync(0, read);
        Assert.That(read, Is.All.EqualTo((byte)7), "bytes");
    });

    [TestCase("disk memory", 1, 6, "expected ':' after the name of a node, or '[' or '->' after that of a backend")]
    [TestCase("disk:", 1, 6, "expected the name of a driver")]
    [TestCase("disk: memory(align)", 1, 19, "expected '=' after option 'align'")]
    [TestCase("disk: memory(align=512", 1, 23, "expected ')' after the options")]
    [TestCase("disk: memory(align=1, align=2)", 1, 23, "option 'align' is given twice")]
    [TestCase("disk: memory(filename=\"a)", 1, 24, "expected a closing '\"'")]
    [TestCase("\n\n  top: pass-through ->", 3, 23, "expected the name of the file child")]
    [TestCase("a: memory\na: memory", 2, 1, "'a' is drawn twice")]
    [TestCase("a: memory\na[] -> a", 2, 1, "'a' is drawn twice")]
    [TestCase("a: memory\nb[read] -> a", 2, 3, "'read' is no permission: consistent-read, write, write-unchanged, resize, all, none")]
    [TestCase("a: memory\nb[write|shared=all] -> a", 2, 14, "expected '=' after 'share'")]
    [TestCase("a: memory\nb[write -> a", 2, 9, "expected ']' after the permissions")]
    [TestCase("a: memory\n[write] -> a extra", 2, 14, "expected the end of the line")]
    [TestCase("a: memory {1 byte", 1, 12, "expected a closing '}'")]
    [TestCase("disk: memory\nb: pass-through -> dsik", 2, 20, "there is no node 'dsik' (did you mean 'disk'?)")]
    [TestCase("disk: memory\ntop: any-role(file=disk, backing=dosk)", 2, 26, "there is no node 'dosk' (did you mean 'disk'?)")]
    [TestCase("disk: memory\nblk -> disc", 2, 1, "there is no node 'disc' (did you mean 'disk'?)")]
    [TestCase("disk: memry", 1, 1, "node 'disk': unknown driver 'memry' (did you mean 'memory'?)")]
    [TestCase("a: pass-through -> b\nb: pass-through -> c\nc: pass-through -> b", 3, 20, "'b' would be below itself: b -> c -> b")]
    [TestCase("#block7: memory", 1, 1, "'#block7' is a name that a graph makes up: draw the node's options inside its parent, as 'file.driver=…'")]
    [TestCase("a: memory\nt: pass-through -> a\n    file -> a", 3, 5, "edge 'file' of node 't' is drawn twice")]
    public void A_wrong_drawing_is_refused_where_it_is_wrong(string drawing, int line, int column, string problem) => _fixture.Run(async () =>
    {
        DrawingException error = await Failure.OfAsync<DrawingException>(() => _fixture.BuildAsync(drawing));
        Assert.That(error.Message.Split('\n')[0], Is.EqualTo($"line {line}, column {column}: {problem}"), "what, and where");
        Assert.That((error.Line, error.Column), Is.EqualTo((line, column)), "as numbers");
        Assert.That(error.Message.Split('\n')[2].TrimStart(' '), Is.EqualTo("^"), "the place is shown");
        Assert.That(_fixture.Graph.Nodes, Is.Empty, "nothing was built");
    });

    [TestCase("a: memory(align=x)\nb: memory", "line 1: Parameter 'align' expects")]
    [TestCase("a: memory\nb: memory(colour=red)", "line 2: Block protocol 'memory' doesn't support the option 'colour'")]
    [TestCase("a: memory\nx[write|share=none] -> a\ny[write] -> a", "line 3: Permission conflict on node 'a'")]
    [TestCase("a: memory\nx -> a @nowhere", "line 2: There is no context 'nowhere'")]
    [TestCase("a: memory holds qcow2(size=1M)", "line 1: Node 'a' cannot hold 'qcow2': only cow or bytes")]
    [TestCase("a: memory holds cow(size=1M, sise=2)", "line 1: A cow image has no option 'sise'")]
    public void What_a_graph_refuses_is_said_with_its_line_and_leaves_nothing(string drawing, string message) => _fixture.Run(async () =>
    {
        GraphBuilder builder = new(_fixture.Graph);
        Assert.That((await Failure.OfAsync(() => builder.BuildAsync(drawing))).Message, Does.StartWith(message), "the graph's own words");
        Assert.That((_fixture.Graph.Nodes.Count, _fixture.Graph.Roots.Count), Is.EqualTo((0, 0)), "nothing is left");
    });
}
