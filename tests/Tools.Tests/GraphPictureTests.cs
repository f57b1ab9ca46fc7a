using System.Xml.Linq;
using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.TestKit;
using BlockGraph.Tools.GraphView;

namespace BlockGraph.Tools.Tests;

/// <summary>Graphs as pictures: what is taken from the graph, how each form spells it, and what the command says.</summary>
[TestFixture]
internal sealed class GraphPictureTests
{
    private const string Nasty = "a\"b\\c\nd<e>&amp;#f;`g`|{h}";
    private const string Chain = "driver=throttle,node-name=top,limits.iops-total=5,file.driver=null-co,file.node-name=leaf,file.size=1M";

    [Test]
    public void Dot_names_boxes_and_arrows()
    {
        ToolRun run = ToolRun.Own("graph", "-r", Chain, "--dot");
        Assert.That(run.Out, Is.EqualTo(
            """
            digraph blockgraph {
              rankdir=TB;
              node [shape=box, style="rounded,filled", fontname="sans-serif", fontsize=11];
              edge [fontname="sans-serif", fontsize=9];
              n0 [label="an unnamed block device", color="#5b6475", fillcolor="#eef0f4"];
              n1 [label="top\nthrottle filter, 1 MiB\nread-only", color="#b06a12", fillcolor="#fdf1de"];
              n2 [label="leaf\nnull-co protocol, 1 MiB\nread-only", color="#2f7d4f", fillcolor="#e7f5ec"];
              n0 -> n1 [label="root\lfiltered+primary\lmay consistent read\llets others consistent read, write, write unchanged, resize\l"];
              n1 -> n2 [label="file\lfiltered+primary\lmay consistent read\llets others consistent read, write, write unchanged, resize\l"];
            }

            """), run.Error);
    }

    [Test]
    public void Mermaid_names_boxes_and_arrows()
    {
        ToolRun run = ToolRun.Own("graph", Chain, "--mermaid");
        Assert.That(run.Out, Is.EqualTo(
            """
            flowchart TD
              n0(["an unnamed block device"]):::user
              n1["top<br/>throttle filter, 1 MiB"]:::filter
              n2["leaf<br/>null-co protocol, 1 MiB"]:::protocol
              n0 -->|"root<br/>filtered+primary<br/>may consistent read, write<br/>lets others consistent read, write unchanged"| n1
              n1 -->|"file<br/>filtered+primary<br/>may consistent read, write<br/>lets others consistent read, write unchanged"| n2
              classDef user fill:#eef0f4,stroke:#5b6475,color:#1f2430
              classDef protocol fill:#e7f5ec,stroke:#2f7d4f,color:#1f2430
              classDef filter fill:#fdf1de,stroke:#b06a12,color:#1f2430

            """), run.Error);
    }

    [Test]
    public void Svg_is_one_file_that_needs_nothing()
    {
        ToolRun run = ToolRun.Own("graph", Chain, "--svg");
        XElement svg = XDocument.Parse(run.Out).Root!;
        Assert.That(Texts(svg), Is.SupersetOf(new[] { "an unnamed block device", "top", "throttle filter, 1 MiB", "leaf", "root", "file", "filtered+primary" }), "every box and arrow");
        Assert.That(svg.DescendantsAndSelf().Attributes().Select(a => a.Value), Has.None.Contains("url(").And.None.Contains("href"), "nothing is loaded");
        Assert.That(svg.Value, Does.Contain("prefers-color-scheme: dark").And.Not.Contains("@import"), "both kinds of pages");
        Assert.That(svg.Descendants().Count(e => e.Name.LocalName == "path" && (string?)e.Attribute("class") == "head"), Is.EqualTo(2), "two arrows");
    }

    [Test]
    public void A_brief_picture_has_names_only()
    {
        ToolRun run = ToolRun.Own("graph", Chain, "--brief", "--mermaid");
        Assert.That(run.Out, Does.Contain("  n0 -->|\"root\"| n1\n  n1 -->|\"file\"| n2\n"), run.Error);
        Assert.That(ToolRun.Own("graph", Chain, "--brief").Error, Does.Contain("Option '--brief' is about pictures: --svg, --dot or --mermaid"), "not a tree");
        GraphPicture brief = new GraphPicture([GraphPictures.Node("n", PictureKind.Protocol, "t.img")], []).ToBrief();
        Assert.That(PictureText.Of(brief.Nodes[0]), Is.EqualTo(new[] { "n", "protocol protocol, 1 MiB" }), "no file name");
    }

    [Test]
    public void What_could_mean_something_is_escaped()
    {
        Assert.That(GraphDot.Escape(Nasty), Is.EqualTo("""a\"b\\c\nd<e>&amp;amp;#f;`g`|{h}"""), "dot: quotes, backslashes, line ends, entities");
        Assert.That(
            GraphMermaid.Escape(Nasty),
            Is.EqualTo("a#34;b#92;c#10;d#60;e#62;#38;amp#59;#35;f#59;#96;g#96;#124;#123;h#125;"),
            "mermaid: whatever is no letter, digit or plain stop");
        Assert.That(PictureText.Visible("tab\tline\nbell\aé\u2028\ud800x"), Is.EqualTo("tab⇥line↵bell\ufffdé\ufffd\ufffdx"), "what would break a line is a sign");
    }

    [Test]
    public void A_nasty_file_name_is_one_line_of_one_box_in_every_form()
    {
        GraphPicture picture = new([GraphPictures.User(), GraphPictures.Node("n", PictureKind.Protocol, Nasty)], [GraphPictures.Edge(0, 1, "root")]);
        string seen = $"'{Nasty.Replace('\n', '↵')}'";
        string svg = Text(GraphSvg.Print, picture);
        Assert.That(Texts(XDocument.Parse(svg).Root!), Does.Contain(seen), "svg: what XML reads back");
        Assert.That(Text(GraphDot.Print, picture), Does.Contain("""\n'a\"b\\c↵d<e>&amp;amp;#f;`g`|{h}'", color"""), "dot");
        Assert.That(Text(GraphMermaid.Print, picture).Split('\n').Count(line => line.Contains("n1[", StringComparison.Ordinal)), Is.EqualTo(1), "mermaid: one line");
    }

    [Test]
    public void Long_names_are_shortened_in_the_drawing_and_whole_in_its_tooltip()
    {
        string name = "/images/" + new string('x', 200) + "/end.img";
        GraphPicture picture = new([GraphPictures.Node("n", PictureKind.Protocol, name)], []);
        XElement svg = XDocument.Parse(Text(GraphSvg.Print, picture)).Root!;
        Assert.That(Texts(svg), Has.One.StartsWith("'/images/").And.One.EndsWith("end.img'"), "both ends");
        Assert.That(Texts(svg), Has.None.Contains(name), "not all of it");
        Assert.That(svg.Descendants().Single(e => e.Name.LocalName == "g").Elements().First().Value, Does.Contain(name), "the tooltip");
    }

    [Test]
    public void States_are_shown()
    {
        PictureNode node = GraphPictures.Node("n", PictureKind.Format) with { IsReadOnly = true, IsInactive = true, IsProbed = true, Context = "io0", LengthBytes = 1 };
        GraphPicture picture = new([node, GraphPictures.Node("c", PictureKind.Protocol)], [GraphPictures.Edge(0, 1, "file", ChildRole.None) with { IsFrozen = true, Permissions = default }]);
        Assert.That(PictureText.Of(node), Is.EqualTo(new[] { "n", "format format, 1 byte", "by probing, read-only, inactive", "context io0" }), "the box");
        Assert.That(PictureText.Of(picture.Edges[0]), Is.EqualTo(new[] { "file (frozen)", "no role", "may nothing", "lets others nothing" }), "the arrow");
        Assert.That(Text(GraphSvg.Print, picture), Does.Contain("""<g class="format inactive">""").And.Contain("""<g class="arrow frozen">"""), "svg");
        Assert.That(Text(GraphDot.Print, picture), Does.Contain("dashed").And.Contain("style=bold"), "dot");
        Assert.That(Text(GraphMermaid.Print, picture), Does.Contain("n0 ==>|"), "mermaid");
    }

    [TestCase(0, "0 bytes")]
    [TestCase(512, "512 bytes")]
    [TestCase(1024, "1 KiB")]
    [TestCase(1_000_000, "1000000 bytes")]
    [TestCase(64L << 20, "64 MiB")]
    [TestCase(1L << 60, "1024 PiB")]
    public void Lengths_are_in_the_largest_unit_that_divides_them(long lengthBytes, string text) =>
        Assert.That(PictureText.Of(GraphPictures.Node("n", PictureKind.Protocol) with { LengthBytes = lengthBytes })[1], Is.EqualTo($"protocol protocol, {text}"));

    [Test]
    public void A_picture_of_a_graph_has_every_user_and_node_once()
    {
        // backend -> left -> leaf <- right, which nobody uses; the leaf is in another context than an idle node
        using GraphFixture fixture = new();
        fixture.Run(async () =>
        {
            await fixture.AddAsync("driver=memory,filename=a,node-name=leaf");
            await using BlockBackend backend = await fixture.OpenAsync("driver=pass-through,node-name=left,file=leaf", new BackendOptions { Name = "disk", AllowsContextChange = true });
            await fixture.AddAsync("driver=pass-through,node-name=right,file=leaf");
            GraphPicture picture = GraphPicture.Of(fixture.Graph);
            Assert.That(picture.Nodes.Select(n => n.Name), Is.EqualTo(new[] { "block device 'disk'", "left", "leaf", "right" }), "users first, then what is below them");
            Assert.That(picture.Edges.Select(e => (e.From, e.To)), Is.EqualTo(new[] { (0, 1), (1, 2), (3, 2) }), "each edge once");
            Assert.That(picture.Nodes.Select(n => n.Context), Is.All.Null, "all are at home in one place");
            Assert.That(picture.Nodes[2].FileName, Is.EqualTo("a"), "the file of a protocol");
            Assert.That(picture.Nodes[1].FileName, Is.Null, "and not above it");

            await fixture.AddAsync("driver=memory,filename=b,node-name=idle");
            AioContext other = fixture.World.CreateContext("other");
            await fixture.Graph.ApplyAsync(GraphEdit.Move(backend.Root!, other, isForced: true), GraphEdit.Freeze(backend.Root!, backend.Root!.FileChild!.Node));
            picture = GraphPicture.Of(fixture.Graph);
            Assert.That(picture.Nodes.Select(n => n.Context), Is.EqualTo(new[] { "other", "other", "other", "other", "main" }), "contexts, now that they differ");
            Assert.That(picture.Edges.Select(e => e.IsFrozen), Is.EqualTo(new[] { false, true, false }), "the frozen link");
            Assert.That(picture.Edges[1].Permissions.Required, Is.EqualTo(BlockPermissions.ConsistentRead | BlockPermissions.Write), "what it may");
            await fixture.Graph.ApplyAsync(GraphEdit.Thaw(backend.Root!, backend.Root!.FileChild!.Node));
        });
    }

    [Test]
    public void Added_nodes_can_be_referred_to_and_are_shown()
    {
        string[] arguments = ["graph", "--blockdev", "driver=null-co,node-name=leaf,size=512", "--blockdev", "driver=raw,node-name=left,file=leaf", "driver=raw,node-name=right,file=leaf"];
        Assert.That(ToolRun.Own(arguments).Out, Is.EqualTo(
            """
            an unnamed block device
            └─ root: right (raw, 512 bytes)
               │  role filtered+primary; may consistent read, write; lets others consistent read, write unchanged
               └─ file: leaf (null-co, 512 bytes)
                     role filtered+primary; may consistent read, write; lets others consistent read, write unchanged

            used by nobody: left (raw, 512 bytes)
            └─ file: leaf (null-co, 512 bytes) *
                  role filtered+primary; may nothing; lets others consistent read, write, write unchanged, resize

            """), "the tree");
        Assert.That(ToolRun.Own([.. arguments, "--json"]).Out, Does.Contain("\"unused\": ["), "JSON");
        Assert.That(ToolRun.Own([.. arguments, "--dot"]).Out, Does.Contain("n3 -> n2"), "a picture: the leaf is there once");
    }

    [Test]
    public void A_picture_goes_to_a_file_where_asked_and_never_over_an_image()
    {
        using TemporaryFolder folder = new();
        string image = folder.Image("t.img", 512);
        string options = $"driver=raw,node-name=n,file.filename={image},file.node-name=storage";
        string target = Path.Combine(folder.Path, "picture.svg");
        ToolRun run = ToolRun.Own("graph", options, "--svg", "--output", target);
        Assert.That((run.ExitCode, run.Out, run.Error), Is.EqualTo((0, "", "")), "nothing is printed");
        Assert.That(File.ReadAllText(target), Is.EqualTo(ToolRun.Own("graph", options, "--svg").Out), "the same picture");
        run = ToolRun.Own("graph", options, "--svg", "-o", Path.Combine(folder.Path, ".", "t.img"));
        Assert.That(run.Error, Does.Match("^blockgraph: '.*t.img' is the file of node 'storage'\n$"), "an image is no place for it");
        Assert.That(new FileInfo(image).Length, Is.EqualTo(512), "the image is as it was");
        run = ToolRun.Own("graph", options, "--dot", "-o", Path.Combine(folder.Path, "missing", "x"));
        Assert.That(run.Error, Does.StartWith("blockgraph: Could not write '"), "nor a folder that is not there");
        Assert.That(run.ExitCode, Is.EqualTo(1), "a failure");
    }

    [TestCase("Options '--json' and '--svg' exclude each other", "--svg", "--json")]
    [TestCase("Options '--dot' and '--mermaid' exclude each other", "--mermaid", "--dot")]
    [TestCase("Option '--output' expects a file name", "--dot", "--output", "")]
    [TestCase("'node-name' must be specified for the root node", "--blockdev", "driver=null-co")]
    [TestCase("Help is not available for this option (try 'blockgraph drivers')", "--blockdev", "null-co,help")]
    [TestCase("Duplicate nodes with node-name='leaf'", "--blockdev", "null-co,node-name=leaf")]
    public void What_a_user_may_get_wrong_is_one_line(string error, params string[] arguments)
    {
        ToolRun run = ToolRun.Own(["graph", Chain, .. arguments]);
        Assert.That((run.ExitCode, run.Error), Is.EqualTo((1, $"blockgraph: {error}\n")));
        Assert.That(run.Out, Is.Empty);
    }

    private static string Text(Action<TextWriter, GraphPicture> print, GraphPicture picture)
    {
        using StringWriter text = new() { NewLine = "\n" };
        print(text, picture);
        return text.ToString();
    }

    private static string[] Texts(XElement svg) => [.. svg.Descendants().Where(e => e.Name.LocalName == "text").Select(e => e.Value)];
}
