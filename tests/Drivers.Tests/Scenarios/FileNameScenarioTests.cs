using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.Drivers.Formats.Qcow2;
using BlockGraph.Drivers.Protocols.Null;
using BlockGraph.Drivers.Tests.HostFile;
using BlockGraph.TestKit;
using BlockGraph.TestKit.Cow;

namespace BlockGraph.Drivers.Tests.Scenarios;

/// <summary>Scenarios 23, 24, 27 and 29: the names of images, on real files, and the backing files that headers name. As QEMU 7.2 was observed to do with qcow2.</summary>
[TestFixture("cow")]
[TestFixture("qcow2")]
[Category("Scenario")]
public sealed class FileNameScenarioTests(string format) : FileDriverFixture("linux")
{
    private const int Cluster = 4096;

    private static readonly BackendOptions s_reader = new() { ReadOnly = true };

    [TestCase(true)]
    [TestCase(false)]
    public void S23_Backing_null_opens_without_the_chain_that_the_header_names(bool isBaseThere) => Run(async () =>
    {
        // top (header: base.img)        base.img (nobody's)
        if (isBaseThere)
        {
            MakeFile("base.img", Filled(Cluster, 1));
        }

        string path = MakeImage("top.cow", "base.img", "raw");
        string name = $"json:{{\"backing\": null, \"driver\": \"{format}\", \"file\": {{\"driver\": \"file\", \"filename\": \"{path}\"}}}}";
        await using (BlockBackend top = await OpenAsync($"{{\"driver\": \"{format}\", \"backing\": null, \"file\": {{\"driver\": \"file\", \"filename\": \"{path}\"}}}}"))
        {
            Assert.That(top.Root!.CowChild, Is.Null, "there is no chain");
            Assert.That(Graph.Nodes, Has.Count.EqualTo(2), "the image and its file");
            Assert.That(top.Root.Instance.BackingFileName, Is.EqualTo("base.img"), "the header names one as before");
            Assert.That(await ReadFirstAsync(top), Is.Zero, "it reads as zeros");
            Assert.That(top.Root.ShownFileName, Is.EqualTo(name), "its name says so");
        }

        await using (BlockBackend again = await OpenAsync(name))
        {
            Assert.That((again.Root!.CowChild, again.Root.ShownFileName), Is.EqualTo(((BlockChild?)null, name)), "by which it can be opened again");
        }

        if (isBaseThere)
        {
            await using BlockBackend plain = await OpenAsync($"driver={format},file.filename={path}");
            Assert.That((await ReadFirstAsync(plain), plain.Root!.ShownFileName), Is.EqualTo(((byte)1, path)), "without it the chain is there, and the plain name");
            return;
        }

        Assert.That((await RefusedAsync($"driver={format},file.filename={path}")).Message, Does.StartWith("Could not open backing file: "), "without it the chain is missed");
    });

    [TestCase("file.filename=")]
    [TestCase("file.driver=raw,file.file.filename=")]
    [TestCase("file.driver=throttle,file.file.driver=file,file.file.filename=")]
    public void S24_A_relative_name_in_a_header_lies_beside_the_overlay_and_not_where_the_program_is(string overlay) => Run(async () =>
    {
        //  one/top.cow (two/mid.cow)  ->  one/two/mid.cow (../base.img)  ->  one/base.img
        Directory.CreateDirectory(PathOf("one/two"));
        string top = MakeImage("one/top.cow", "two/mid.cow", format);
        MakeImage("one/two/mid.cow", "../base.img", "raw");
        MakeFile("one/base.img", Filled(Cluster, 1));
        MakeFile("base.img", Filled(Cluster, 2));
        Assert.That(File.Exists("two/mid.cow"), Is.False, "nothing of that name is where the program is");
        await using BlockBackend backend = await OpenAsync($"driver={format},{overlay}{top}", s_reader);
        BlockNode middle = backend.Root!.CowChild!.Node;
        Assert.That(middle.ShownFileName, Is.EqualTo(PathOf("one/two/mid.cow")), "beside the overlay");
        Assert.That(Path.GetFullPath(middle.CowChild!.Node.ShownFileName), Is.EqualTo(PathOf("one/base.img")), "beside the overlay that is itself one's backing file");
        Assert.That(await ReadFirstAsync(backend), Is.EqualTo(1), "what that holds");
    });

    // What the options are, and the name; PATH is a file, TOP an image of the format over it, and LONE one over nothing.
    [TestCase("driver=raw,file.filename=PATH", "PATH")]
    [TestCase("driver=raw,file.filename=PATH,cache.no-flush=on,file.node-name=f", "PATH")]
    [TestCase("driver=raw,file.filename=PATH,offset=512", "json:{\"offset\": \"512\", \"driver\": \"raw\", \"file\": {\"driver\": \"file\", \"filename\": \"PATH\"}}")]
    [TestCase("driver=raw,file.driver=raw,file.file.filename=PATH", "json:{\"driver\": \"raw\", \"file\": {\"driver\": \"raw\", \"file\": {\"driver\": \"file\", \"filename\": \"PATH\"}}}")]
    [TestCase("driver=null-co", "null-co://")]
    [TestCase("driver=null-co,latency-ns=5", "null-co://")]
    [TestCase("driver=null-co,size=1M,latency-ns=5", "json:{\"driver\": \"null-co\", \"size\": \"1M\"}")]
    [TestCase("driver=null-co,read-zeroes=on", "json:{\"read-zeroes\": \"on\", \"driver\": \"null-co\"}")]
    [TestCase("driver=throttle,file.driver=raw,file.file.filename=PATH", "json:{\"driver\": \"throttle\", \"file\": {\"driver\": \"raw\", \"file\": {\"driver\": \"file\", \"filename\": \"PATH\"}}}")]
    [TestCase("driver=FORMAT,file.filename=TOP", "TOP")]
    [TestCase(
        "driver=FORMAT,file.filename=TOP,backing.driver=raw,backing.file.driver=file,backing.file.filename=PATH",
        "json:{\"backing\": {\"driver\": \"raw\", \"file\": {\"driver\": \"file\", \"filename\": \"PATH\"}}, \"driver\": \"FORMAT\", \"file\": {\"driver\": \"file\", \"filename\": \"TOP\"}}")]
    [TestCase(
        "driver=FORMAT,file.filename=LONE,backing.driver=null-co",
        "json:{\"backing\": {\"driver\": \"null-co\"}, \"driver\": \"FORMAT\", \"file\": {\"driver\": \"file\", \"filename\": \"LONE\"}}")]
    public void S27_A_name_is_exact_where_that_says_everything_and_else_json(string options, string name)
    {
        GraphFixture world = AddWorld(drivers: new NullCoDriver());
        world.Run(async () =>
        {
            string path = MakeFile("base.img", Filled(Cluster, 1));
            string top = MakeImage("top.cow", "base.img", "raw");
            string lone = MakeImage("lone.cow");
            string Fill(string text) => text.Replace("FORMAT", format, StringComparison.Ordinal).Replace("PATH", path, StringComparison.Ordinal).Replace("TOP", top, StringComparison.Ordinal).Replace("LONE", lone, StringComparison.Ordinal);
            await using (BlockBackend backend = await OpenAsync(world.Graph, Fill(options), s_reader))
            {
                Assert.That(backend.Root!.ShownFileName, Is.EqualTo(Fill(name)), options);
                Assert.That(backend.Root.ExactFileName, name.StartsWith("json:", StringComparison.Ordinal) ? Is.Null : Is.EqualTo(Fill(name)), "exact or none");
            }

            await using BlockBackend again = await OpenAsync(world.Graph, Fill(name), s_reader);
            Assert.That(again.Root!.ShownFileName, Is.EqualTo(Fill(name)), "and opens the same again");
        });
    }

    [TestCase("lazy-table=on", "TOP")]
    [TestCase("length=512", "json:{\"length\": \"512\", \"driver\": \"cow\", \"file\": {\"driver\": \"file\", \"filename\": \"TOP\"}}")]
    public void S27_Of_a_format_s_own_options_those_are_in_its_name_that_change_what_is_read(string options, string name) => Run(async () =>
    {
        CowImage.Format(PathOf("own.cow"), new CowImageOptions(Cluster));
        await using BlockBackend backend = await OpenAsync($"driver=cow,file.filename={PathOf("own.cow")},{options}", s_reader);
        Assert.That(backend.Root!.ShownFileName, Is.EqualTo(name.Replace("TOP", PathOf("own.cow"), StringComparison.Ordinal)));
    });

    [Test]
    public void S27_A_name_speaks_of_the_backing_node_while_it_is_another_than_the_header_leads_to() => Run(async () =>
    {
        // top (header: base.img) -> base.img    =>    top -> other    =>    top -> same, which is base.img as well
        string @base = MakeFile("base.img", Filled(Cluster, 1));
        string other = MakeFile("other.img", Filled(Cluster, 2));
        string path = MakeImage("top.cow", "base.img", "raw");
        BlockNode top = await AddNodeAsync($"driver={format},node-name=top,file.filename={path}");
        Assert.That(top.ShownFileName, Is.EqualTo(path), "the header says it");
        await Graph.ApplyAsync(GraphEdit.SetBacking(top, await AddNodeAsync($"driver=raw,node-name=other,read-only=on,file.filename={other}")));
        Assert.That(
            top.ShownFileName,
            Is.EqualTo($"json:{{\"backing\": {{\"driver\": \"raw\", \"file\": {{\"driver\": \"file\", \"filename\": \"{other}\"}}}}, \"driver\": \"{format}\", \"file\": {{\"driver\": \"file\", \"filename\": \"{path}\"}}}}"),
            "the header says something else");
        await Graph.ApplyAsync(GraphEdit.SetBacking(top, await AddNodeAsync($"driver=raw,node-name=same,read-only=on,file.filename={@base}")));
        Assert.That(top.ShownFileName, Is.EqualTo(path), "it says it again, whatever the node is called");
        await Graph.ApplyAsync(GraphEdit.SetBacking(top, null));
        Assert.That(top.ShownFileName, Does.StartWith("json:{\"backing\": null, "), "it says more than there is");
    });

    [Test]
    public void S27_A_json_name_that_is_too_long_is_cut() => Run(async () =>
    {
        // raw -> raw -> raw -> … -> file
        const int depth = 180;
        string path = MakeFile("base.img", Filled(Cluster, 1));
        string raws = string.Concat(Enumerable.Range(0, depth).Select(i => $"{string.Concat(Enumerable.Repeat("file.", i))}driver=raw,"));
        await using BlockBackend backend = await OpenAsync($"{raws}{string.Concat(Enumerable.Repeat("file.", depth))}filename={path}");
        Assert.That(backend.Root!.ShownFileName, Has.Length.EqualTo(4095).And.StartWith("json:{\"driver\": \"raw\", \"file\": {").And.EndWith("..."), "what fits, and an ellipsis");
    });

    [TestCase("a.cow", "a.cow")]
    [TestCase("b.cow", "a.cow")]
    [TestCase("./sub/../b.cow", "a.cow")]
    [TestCase("link.cow", "a.cow")]
    public void S29_Images_that_name_each_other_are_refused_and_leave_nothing(string named, string namedBack) => Run(async () =>
    {
        // a -> b -> a -> …
        Directory.CreateDirectory(PathOf("sub"));
        MakeImage("b.cow", namedBack, format);
        string path = MakeImage("a.cow", named, format);
        File.CreateSymbolicLink(PathOf("link.cow"), path);
        BlockException refusal = await RefusedAsync($"driver={format},file.filename={path}", s_reader);
        Assert.That(refusal.Message, Does.StartWith("Could not open backing file: ").And.EndsWith(" creates an infinite loop."), "why");
        AssertNothingIsLeft("afterwards", path: path);
    });

    private static byte[] Filled(int lengthBytes, byte value)
    {
        byte[] bytes = new byte[lengthBytes];
        Array.Fill(bytes, value);
        return bytes;
    }

    private static async Task<byte> ReadFirstAsync(BlockBackend backend)
    {
        byte[] read = [0xEE];
        await backend.ReadAsync(0, read);
        return read[0];
    }

    private string MakeImage(string name, string? backingFileName = null, string? backingFormat = null)
    {
        if (format == "cow")
        {
            CowImage.Format(PathOf(name), new CowImageOptions(Cluster) { BackingFileName = backingFileName, BackingFormat = backingFormat });
            return PathOf(name);
        }

        Qcow2HeaderArea area = new Qcow2CreateOptions { LengthBytes = Cluster, ClusterBits = 12 }.CreateHeaderArea() with { BackingFileName = backingFileName, BackingFormat = backingFormat };
        return MakeFile(name, new Qcow2Layout(area, Cluster).ToArray());
    }
}
