using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Events;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.TestKit.Cow;

namespace BlockGraph.TestKit.Tests.Cow;

/// <summary>What happens to an image as a whole: growth, other options, another backing node and name, how it is closed.</summary>
[TestFixture]
public sealed class CowControlTests : CowTests
{
    private static readonly BackendOptions s_resizing = new() { CanResize = true };

    [Test]
    public void What_an_image_grows_by_reads_as_zeros_whatever_the_backing_node_has([Values("off", "on")] string lazy) => Fixture.Run(async () =>
    {
        FillMemory("base", 5 * Cluster, 1);
        string options = $",lazy-table={lazy},backing.driver=memory,backing.filename=base";
        byte[] expected = [.. Filled(Cluster + 100, 1), .. new byte[(5 * Cluster) - 200]];
        await using (BlockBackend backend = await OpenAsync(new CowImageOptions(Cluster + 100), options))
        {
            await backend.TruncateAsync(expected.Length);
            Assert.That(backend.LengthBytes, Is.EqualTo(expected.Length), "the length");
            Assert.That(await ReadAllAsync(backend), Is.EqualTo(expected), "zeros from the old end on");
        }

        await using BlockBackend again = await OpenAsync(null, options);
        Assert.That(await ReadAllAsync(again), Is.EqualTo(expected), "and for ever");
        Assert.That((await again.CheckAsync()).IsClean, "the table is right");
    });

    [Test]
    public void An_image_does_not_shrink_and_grows_as_far_as_its_table() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync(new CowImageOptions(4 * Cluster) { LengthBytesMax = 8 * Cluster });
        Assert.That((await Failure.OfAsync(() => backend.TruncateAsync(Cluster))).Message, Is.EqualTo("Shrinking images is currently not supported"), "shorter");
        Assert.That((await Failure.OfAsync(() => backend.TruncateAsync((8 * Cluster) + 1))).Message, Is.EqualTo("The image's table has entries for 32768 bytes only"), "too long");
        await backend.TruncateAsync(8 * Cluster);
        await backend.WriteAsync((8 * Cluster) - 1, Filled(1, 1));
        Assert.That((await ReadAllAsync(backend))[^1], Is.EqualTo((byte)1), "as long as it gets");
    });

    [Test]
    public void A_write_beyond_the_end_makes_the_image_longer() => Fixture.Run(async () =>
    {
        // upper (cow) -> lower (cow) -> file: the lower grows as the upper takes clusters
        CowImage.Format(Disk.Storage, new CowImageOptions(0) { LengthBytesMax = 64 * Cluster });
        BlockNode lower = await Fixture.AddAsync("driver=cow,node-name=lower,file.driver=faulty,file.filename=disk");
        await CowImage.CreateAsync(lower, new CowImageOptions(10 * Cluster));
        await using (BlockBackend backend = await Fixture.OpenAsync("driver=cow,file=lower"))
        {
            await backend.WriteAsync(Cluster, Filled(2 * Cluster, 1));
            await backend.WriteAsync(5 * Cluster, new byte[Cluster]);
        }

        await Fixture.Graph.RemoveNodeAsync("lower");
        await using BlockBackend again = await Fixture.OpenAsync("driver=cow,file.driver=cow,file.file.driver=faulty,file.file.filename=disk");
        Assert.That((await ReadAllAsync(again)).Count(b => b == 1), Is.EqualTo(2 * Cluster), "the data");
        Assert.That((await again.CheckAsync()).IsClean, "zeros at the end of the file made it longer too");
    });

    [Test]
    public void Options_change_while_it_is_open_and_the_others_cannot() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync(new CowImageOptions(4 * Cluster));
        await backend.WriteAsync(0, Filled(Cluster, 1));
        await ReopenAsync(backend.Root!, "lazy-table=on,pass-discard=off");
        int flushCount = Disk.CountOf(StorageCall.Flush);
        await backend.WriteAsync(Cluster, Filled(Cluster, 2));
        await backend.DiscardAsync(0, Cluster);
        Assert.That(Disk.CountOf(StorageCall.Flush), Is.EqualTo(flushCount), "the table is lazy now");
        Assert.That(Disk.CountOf(StorageCall.Discard), Is.Zero, "and the file keeps what is discarded");
        await ReopenAsync(backend.Root!, "lazy-table=off");
        byte[] expected = [.. new byte[Cluster], .. Filled(Cluster, 2), .. new byte[2 * Cluster]];
        Assert.That(await ReadAllAsync(backend), Is.EqualTo(expected), "nothing is lost on the way");
        Assert.That((await Failure.OfAsync(() => ReopenAsync(backend.Root!, "length=4096"))).Message, Is.EqualTo("Cannot change the option 'length'"), "an option that is not mutable");
        Assert.That((await Failure.OfAsync(() => ReopenAsync(backend.Root!, "lazy-table=x"))).Message, Is.EqualTo("Parameter 'lazy-table' expects 'on' or 'off'"), "a bad value");
    });

    [Test]
    public void An_image_made_read_only_is_clean_in_the_file() => Fixture.Run(async () =>
    {
        BlockBackend backend = await OpenAsync(new CowImageOptions(4 * Cluster));
        await backend.WriteAsync(0, Filled(Cluster, 1));
        Assert.That(IsDirtyInFile(), Is.True, "while it is written");
        await backend.DisposeAsync();
        Assert.That(IsDirtyInFile(), Is.False, "closed");
        BlockNode node = await Fixture.AddAsync("driver=cow,node-name=top,file.driver=faulty,file.filename=disk");
        BlockBackend writer = await Fixture.Graph.AttachBackendAsync(node);
        await writer.WriteZeroesAsync(0, Cluster);
        await writer.DisposeAsync();
        Assert.That(IsDirtyInFile(), Is.True, "open and written");
        await ReopenAsync(node, "read-only=on");
        Assert.That(IsDirtyInFile(), Is.False, "read-only");
    });

    [Test]
    public void An_open_that_fails_or_only_reads_writes_nothing() => Fixture.Run(async () =>
    {
        CowImage.Format(Disk.Storage, new CowImageOptions(4 * Cluster));
        Disk.Storage.Bytes[15] = 1; // It was not closed cleanly.
        List<string> warnings = [];
        using IDisposable subscription = Fixture.Graph.Events.Subscribe<BlockWarning>(warning => warnings.Add(warning.Message));
        await (await OpenAsync()).DisposeAsync();
        Assert.That(Disk.CountOf(StorageCall.Write), Is.Zero, "opened and closed");
        Assert.That(warnings, Has.Member("Node 'top': the image was not closed cleanly; a check finds what was lost"), "but told of");
        await Failure.OfAsync(() => OpenAsync(null, ",backing=nobody"));
        Assert.That(Disk.CountOf(StorageCall.Write), Is.Zero, "not opened");
        await using BlockBackend backend = await OpenAsync();
        await backend.CheckAsync(ImageRepairs.Leaks | ImageRepairs.Errors);
        Assert.That(IsDirtyInFile(), Is.False, "a check that finds nothing makes it clean");
    });

    [Test]
    public void The_header_names_the_backing_file_and_a_relative_name_lies_beside_the_image() => Fixture.Run(async () =>
    {
        string folder = Directory.CreateTempSubdirectory("blockgraph-cow-").FullName;
        try
        {
            File.WriteAllBytes(Path.Combine(folder, "base.img"), Filled(2 * Cluster, 1));
            CowImage.Format(Path.Combine(folder, "top.cow"), new CowImageOptions(4 * Cluster) { BackingFileName = "base.img", BackingFormat = "raw" });
            await using BlockBackend backend = await Fixture.OpenAsync($"filename={Path.Combine(folder, "top.cow")}");
            Assert.That(backend.Root!.Driver.Name, Is.EqualTo("cow"), "the format was recognised");
            Assert.That(backend.Root.CowChild!.Node.Driver.Name, Is.EqualTo("raw"), "the format that the header names");
            Assert.That(await ReadAllAsync(backend), Is.EqualTo((byte[])[.. Filled(2 * Cluster, 1), .. new byte[2 * Cluster]]), "what the file has");
            Assert.That(backend.Root.ShownFileName, Is.EqualTo(Path.Combine(folder, "top.cow")), "its name says it all");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    });

    [Test]
    public void Another_backing_node_shows_at_once_and_none_shows_zeros() => Fixture.Run(async () =>
    {
        FillMemory("one", 4 * Cluster, 1);
        FillMemory("two", 2 * Cluster, 2);
        await Fixture.AddAsync("driver=memory,node-name=one,filename=one,read-only=on");
        await Fixture.AddAsync("driver=memory,node-name=two,filename=two,read-only=on");
        await using BlockBackend backend = await OpenAsync(new CowImageOptions(4 * Cluster), ",backing=one");
        await backend.WriteAsync(0, Filled(1, 9));
        await Fixture.Graph.ApplyAsync(GraphEdit.SetBacking(backend.Root!, Fixture.Graph.FindNode("two")));
        byte[] expected = [9, .. Filled(Cluster - 1, 1), .. Filled(Cluster, 2), .. new byte[2 * Cluster]];
        Assert.That(await ReadAllAsync(backend), Is.EqualTo(expected), "the other, and what was copied before");
        await Fixture.Graph.ApplyAsync(GraphEdit.SetBacking(backend.Root!, null));
        expected.AsSpan(Cluster).Clear();
        Assert.That(await ReadAllAsync(backend), Is.EqualTo(expected), "none");
        await backend.WriteZeroesAsync((2 * Cluster) + 5, 10);
        await Fixture.Graph.ApplyAsync(GraphEdit.SetBacking(backend.Root!, Fixture.Graph.FindNode("one")));
        expected.AsSpan(Cluster, Cluster).Fill(1);
        expected.AsSpan(3 * Cluster).Fill(1);
        Assert.That(await ReadAllAsync(backend), Is.EqualTo(expected), "zeros written meanwhile stay zeros");
    });

    [Test]
    public void The_header_is_rewritten_when_intermediate_nodes_go() => Fixture.Run(async () =>
    {
        // top (cow) -> middle (cow) -> base (memory)
        FillMemory("base", 4 * Cluster, 1);
        CowImage.Format(Fixture.Memory.Storage("middle"), new CowImageOptions(4 * Cluster) { BackingFileName = "memory:base", BackingFormat = "raw" });
        await using (BlockBackend backend = await OpenAsync(new CowImageOptions(4 * Cluster) { BackingFileName = "memory:middle", BackingFormat = "cow" }))
        {
            BlockNode middle = backend.Root!.CowChild!.Node;
            Assert.That((backend.Root.Instance.BackingFileName, middle.ShownFileName), Is.EqualTo(("memory:middle", "memory:middle")), "before");
            await Fixture.Graph.ApplyAsync(GraphEdit.DropIntermediate(middle, middle.CowChild!.Node));
            Assert.That((backend.Root.Instance.BackingFileName, backend.Root.Instance.BackingFormat), Is.EqualTo(("memory:base", "raw")), "after");
            Assert.That(await ReadAllAsync(backend), Is.All.EqualTo((byte)1), "the data");
        }

        await using BlockBackend again = await OpenAsync();
        Assert.That(again.Root!.CowChild!.Node.ShownFileName, Is.EqualTo("memory:base"), "opened anew");
    });

    [Test]
    public void Backing_null_shows_in_the_name_of_the_node() => Fixture.Run(async () =>
    {
        CowImage.Format(Disk.Storage, new CowImageOptions(4 * Cluster) { BackingFileName = "memory:nowhere", BackingFormat = "raw" });
        OptionsDictionary options = Json("json:{\"driver\":\"cow\",\"backing\":null,\"length\":4096,\"file\":{\"driver\":\"faulty\",\"filename\":\"disk\"}}");
        await using BlockBackend backend = await Fixture.Graph.OpenAsync(options);
        Assert.That(backend.Root!.CowChild, Is.Null, "no backing node");
        Assert.That(
            backend.Root.ShownFileName,
            Is.EqualTo("json:{\"length\": 4096, \"backing\": null, \"driver\": \"cow\", \"file\": {\"driver\": \"faulty\", \"filename\": \"disk\"}}"),
            "what its name has to say");
    });

    [Test]
    public void Images_that_name_each_other_are_refused() => Fixture.Run(async () =>
    {
        CowImage.Format(Fixture.Memory.Storage("a"), new CowImageOptions(Cluster) { BackingFileName = "memory:b", BackingFormat = "cow" });
        CowImage.Format(Fixture.Memory.Storage("b"), new CowImageOptions(Cluster) { BackingFileName = "memory:a", BackingFormat = "cow" });
        BlockException refusal = await Failure.OfAsync(() => Fixture.OpenAsync("driver=cow,file.driver=memory,file.filename=a"));
        Assert.That(refusal.Message, Does.EndWith("Backing file 'memory:a' creates an infinite loop."), "the text");
        Assert.That(Fixture.Graph.Nodes, Is.Empty, "nothing is left");
    });

    [Test]
    public void Two_writable_images_in_one_file_exclude_each_other_and_two_read_only_ones_do_not() => Fixture.Run(async () =>
    {
        CowImage.Format(Disk.Storage, new CowImageOptions(Cluster));
        BlockNode file = await Fixture.AddAsync("driver=faulty,node-name=file,filename=disk");
        await Fixture.AddAsync("driver=cow,node-name=first,file=file");
        BlockException refusal = await Failure.OfAsync(() => Fixture.AddAsync("driver=cow,node-name=second,file=file"));
        Assert.That(
            refusal.Message,
            Is.EqualTo("Permission conflict on node 'file': permissions 'write, resize' are both required by node 'second' (uses node 'file' as 'file' child) and unshared by node 'first' (uses node 'file' as 'file' child)."),
            "the text");
        Assert.That(file.Parents, Has.Count.EqualTo(1), "the file's parents");
        await Fixture.Graph.RemoveNodeAsync("first");
        await Fixture.AddAsync("driver=cow,node-name=first,file=file,read-only=on");
        await Fixture.AddAsync("driver=cow,node-name=second,file=file,read-only=on");
        Assert.That(file.Parents, Has.Count.EqualTo(2), "both read");
    });

    private bool IsDirtyInFile() => CowHeader.TryParse(Disk.Storage.Bytes, out CowHeader header, out _) && header.IsDirty;
}
