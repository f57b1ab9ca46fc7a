using System.Text.Json;

namespace BlockGraph.Tools.Tests;

[TestFixture]
public class GraphTests
{
    private const string Chain = "driver=throttle,node-name=top,limits.iops-total=5,file.driver=raw,file.node-name=mid,file.file.driver=null-co,file.file.node-name=leaf,file.file.size=1M";

    [Test]
    public void The_tree_shows_nodes_edges_and_permissions()
    {
        ToolRun run = ToolRun.Own("graph", Chain);
        Assert.That(run.Out, Is.EqualTo(
            """
            an unnamed block device
            └─ root: top (throttle, 1048576 bytes)
               │  role filtered+primary; may consistent read, write; lets others consistent read, write unchanged
               └─ file: mid (raw, 1048576 bytes)
                  │  role filtered+primary; may consistent read, write; lets others consistent read, write unchanged
                  └─ file: leaf (null-co, 1048576 bytes)
                        role filtered+primary; may consistent read, write; lets others consistent read, write unchanged

            """), run.Error);
        Assert.That(run.ExitCode, Is.Zero);
    }

    [Test]
    public void A_read_only_graph_says_so_and_grants_no_write()
    {
        ToolRun run = ToolRun.Own("graph", "-r", "driver=null-co,node-name=n,size=512");
        Assert.That(run.Out, Is.EqualTo(
            """
            an unnamed block device
            └─ root: n (null-co, 512 bytes, read-only)
                  role filtered+primary; may consistent read; lets others consistent read, write, write unchanged, resize

            """));
    }

    [Test]
    public void A_probed_file_shows_its_name_and_how_its_format_was_found()
    {
        using TemporaryFolder folder = new();
        string path = folder.Image("t.img", 512);
        ToolRun run = ToolRun.Own("graph", "-r", path);
        Assert.That(run.Out, Does.Contain("(raw by probing, 512 bytes, read-only)"));
        Assert.That(run.Out, Does.Contain($"(file, 512 bytes, read-only, '{path}')"));
        Assert.That(run.Error, Is.Empty, "nothing is written, so nothing is restricted");
    }

    [Test]
    public void Json_nests_edges_and_nodes()
    {
        ToolRun run = ToolRun.Own("graph", Chain, "--json");
        using JsonDocument document = JsonDocument.Parse(run.Out);
        JsonElement top = document.RootElement.GetProperty("root");
        Assert.That(top.GetProperty("granted").EnumerateArray().Select(bit => bit.GetString()), Is.EqualTo(new[] { "consistent-read", "write" }));
        JsonElement node = top.GetProperty("node");
        Assert.That(node.GetProperty("node-name").GetString(), Is.EqualTo("top"));
        Assert.That(node.GetProperty("length").GetInt64(), Is.EqualTo(1 << 20));
        JsonElement details = node.GetProperty("details");
        Assert.That((details.GetProperty("throttle-group").GetString(), details.GetProperty("limits.iops-total").GetInt64()), Is.EqualTo(("#throttle0", 5)));
        JsonElement leaf = node.GetProperty("children").GetProperty("file").GetProperty("node").GetProperty("children").GetProperty("file").GetProperty("node");
        Assert.That(leaf.GetProperty("driver").GetString(), Is.EqualTo("null-co"));
        Assert.That(leaf.GetProperty("read-only").GetBoolean(), Is.False);
        Assert.That(leaf.GetProperty("children").EnumerateObject(), Is.Empty);
    }

    [Test]
    public void Json_names_files_and_probing()
    {
        using TemporaryFolder folder = new();
        string path = folder.Image("t.img", 512);
        using JsonDocument document = JsonDocument.Parse(ToolRun.Own("graph", path, "-r", "--json").Out);
        JsonElement node = document.RootElement.GetProperty("root").GetProperty("node");
        Assert.That(node.GetProperty("probed").GetBoolean(), Is.True);
        Assert.That(node.GetProperty("filename").GetString(), Is.EqualTo(path));
    }

    [Test]
    public void Json_options_are_taken_as_they_are() =>
        Assert.That(ToolRun.Own("graph", """{"driver": "null-co", "size": 512, "node-name": "j"}""").Out, Does.Contain("root: j (null-co, 512 bytes)"));
}
