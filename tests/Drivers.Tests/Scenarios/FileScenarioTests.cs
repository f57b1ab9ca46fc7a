using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.Drivers.Tests.HostFile;
using BlockGraph.Qapi.Options;
using BlockGraph.TestKit;
using OpenFile = BlockGraph.BlockCore.Scheduling.HostFile;

namespace BlockGraph.Drivers.Tests.Scenarios;

/// <summary>Scenarios 16, 17, 22, 25, 26, 28 and 32: opening and reopening, on real files.</summary>
[TestFixture]
[Category("Scenario")]
public sealed class FileScenarioTests() : FileDriverFixture("linux")
{
    [Test]
    public void S16_A_second_opener_is_kept_out_by_locks_unless_it_only_reads_and_shares() => Run(async () =>
    {
        // The locks belong to the open file, not to the process: another graph is kept out as another process is.
        string path = MakeFile("a.img", new byte[4096]);
        string options = $"driver=raw,file.filename={path}";
        GraphFixture other = AddWorld();
        await using BlockBackend writer = await OpenAsync(options);
        other.Run(async () =>
        {
            BlockException error = await RefusedAsync(() => OpenAsync(other.Graph, options));
            Assert.That((error.Message, error.Hint), Is.EqualTo(("Failed to get \"write\" lock", $"Is another process using the image [{path}]?")), "we write");
            await using BlockBackend reader = await OpenAsync(other.Graph, options + ",read-only=on,force-share=on", new BackendOptions { ReadOnly = true });
            await reader.ReadAsync(0, new byte[512]);
        });
    });

    [Test]
    public void Another_program_is_kept_out_and_keeps_us_out() => Run(async () =>
    {
        string path = MakeFile("a.img", new byte[4096]);
        string options = $"driver=raw,file.filename={path}";
        using (new QemuIo("-f", "raw", path))
        {
            Assert.That((await RefusedAsync(options)).Message, Is.EqualTo("Failed to get shared \"write\" lock"), "the other program writes");
        }

        await using (await OpenAsync(options))
        {
            Assert.That(QemuIo.Run("-f", "raw", "-c", "read 0 512", path), Does.Contain("Failed to get \"write\" lock"), "we write");
            Assert.That(QemuIo.Run("-U", "-r", "-f", "raw", "-c", "read 0 512", path), Does.Contain("read 512/512 bytes"), "sharing everything, it may read");
        }
    });

    [Test]
    public void S17_Becoming_read_only_gives_locks_back_and_becoming_writable_takes_them_again() => Run(async () =>
    {
        // fmt (a format, nobody uses it) -> file
        string path = MakeFile("a.img", new byte[4096]);
        BlockNode fmt = await AddNodeAsync($"driver=any-role,node-name=fmt,file.driver=file,file.filename={path}");
        Assert.That(LocksOf(path), Is.EqualTo(new[] { 100, 101, 103, 201, 203 }), "writable");
        await Graph.ApplyAsync(GraphEdit.Reopen(fmt, GraphFixture.Options("read-only=on")));
        Assert.That(LocksOf(path), Is.EqualTo(new[] { 100, 201, 203 }), "read-only");
        Assert.That(DescriptorsMayWrite(path), Is.EqualTo(new[] { false }), "and with a descriptor that cannot write");
        await Graph.ApplyAsync(GraphEdit.Reopen(fmt, GraphFixture.Options("read-only=off")));
        Assert.That(LocksOf(path), Is.EqualTo(new[] { 100, 101, 103, 201, 203 }), "writable again");
        Assert.That(DescriptorsMayWrite(path), Is.EqualTo(new[] { true }), "by one that can");
        await Graph.ApplyAsync(GraphEdit.Deactivate(fmt));
        Assert.That(LocksOf(path), Is.Empty, "inactive, it is nobody's");
        await Graph.ApplyAsync(GraphEdit.Activate(fmt));
        Assert.That(LocksOf(path), Is.EqualTo(new[] { 100, 101, 103, 201, 203 }), "active, it is ours");
    });

    [Test]
    public void A_reopen_that_another_process_stands_against_leaves_descriptor_and_locks_as_they_were() => Run(async () =>
    {
        string path = MakeFile("a.img", new byte[4096]);
        BlockNode fmt = await AddNodeAsync($"driver=any-role,node-name=fmt,read-only=on,file.driver=file,file.filename={path}");
        GraphFixture other = AddWorld();
        other.Run(async () => await other.Graph.AddNodeAsync(CommandOptions.Read($"driver=any-role,node-name=other,read-only=on,file.driver=file,file.filename={path}")));
        int[] before = LocksOf(path);
        BlockException error = await RefusedAsync(() => Graph.ApplyAsync(GraphEdit.Reopen(fmt, GraphFixture.Options("read-only=off"))));
        Assert.That(error.Message, Is.EqualTo("Failed to get \"write\" lock"), "the other process does not share writing");
        Assert.That(LocksOf(path), Is.EqualTo(before), "the locks");
        Assert.That(DescriptorsMayWrite(path), Has.All.False, "the descriptors");
        Assert.That(fmt.IsReadOnly, Is.True, "the node");
    });

    [Test]
    public void A_reopened_file_is_the_one_that_was_open_whatever_its_name_stands_for() => Run(async () =>
    {
        string path = MakeFile("a.img", [1, 2, 3, 4]);
        await using BlockBackend backend = await OpenAsync($"driver=file,node-name=f,filename={path},read-only=on");
        File.Move(path, PathOf("moved.img"));
        MakeFile("a.img", [9, 9, 9, 9]);
        await Graph.ApplyAsync(GraphEdit.Reopen(backend.Root!, GraphFixture.Options("read-only=off")));
        byte[] read = new byte[4];
        await backend.ReadAsync(0, read);
        Assert.That(read, Is.EqualTo(new byte[] { 1, 2, 3, 4 }), "the file that was open");
    });

    [Test]
    public void S32_Locks_and_descriptors_are_as_before_where_another_node_refuses([Values] bool isRefusedByPermissions) => Run(async () =>
    {
        // one -> a.img, two -> b.img; one is to become read-only, and two refuses
        string path = MakeFile("a.img", new byte[4096]);
        BlockNode one = await AddNodeAsync($"driver=any-role,node-name=one,file.driver=file,file.node-name=file,file.filename={path}");
        BlockNode two = await AddNodeAsync($"driver=any-role,node-name=two,file.driver=file,file.filename={MakeFile("b.img", new byte[4096])}");
        World.Roles.RefusingReopen = isRefusedByPermissions ? null : "two";
        World.Roles.RefusingNode = isRefusedByPermissions ? "two" : null;
        string before = World.Picture().ToString();
        BlockException refusal = await RefusedAsync(() => Graph.ApplyAsync(
            GraphEdit.Reopen(one, GraphFixture.Options("label=new,read-only=on")),
            GraphEdit.Reopen(two, GraphFixture.Options("label=new"))));
        Assert.That(refusal.Message, Is.EqualTo(isRefusedByPermissions ? "Node 'two' refuses" : "Node 'two' will not be reopened"), "who refuses");
        Assert.That(LocksOf(path), Is.EqualTo(new[] { 100, 101, 103, 201, 203 }), "the locks");
        Assert.That(DescriptorsMayWrite(path), Is.EqualTo(new[] { true }), "the descriptor");
        Assert.That((one.IsReadOnly, Graph.FindNode("file")!.IsReadOnly), Is.EqualTo((false, false)), "the nodes");
        Assert.That(World.Picture().ToString(), Is.EqualTo(before), "edges and permissions");
        World.Roles.RefusingNode = World.Roles.RefusingReopen = null;
        await Graph.ApplyAsync(GraphEdit.Reopen(one, GraphFixture.Options("label=new,read-only=on")), GraphEdit.Reopen(two, GraphFixture.Options("label=new")));
        Assert.That(LocksOf(path), Is.EqualTo(new[] { 100, 201, 203 }), "and where it does not, they change");
    });

    [Test]
    public void S22_An_unknown_option_of_a_nested_child_names_the_childs_driver() => Run(async () =>
    {
        string path = MakeFile("a.img", new byte[4096]);
        Assert.That((await RefusedAsync($"driver=throttle,file.driver=raw,file.file.driver=file,file.file.filename={path},file.file.nonsense=1")).Message, Does.StartWith("Block protocol 'file' doesn't support the option 'nonsense'"), "the protocol");
        Assert.That((await RefusedAsync($"driver=throttle,file.driver=raw,file.nonsense=1,file.file.filename={path}")).Message, Does.StartWith("Block format 'raw' does not support the option 'nonsense'"), "the format");
        AssertNothingIsLeft("afterwards", path: path);
    });

    [TestCase("driver=raw,file=n,file.x=1")]
    [TestCase("driver=raw,file=n,file.driver=null-co")]
    [TestCase("{\"driver\": \"raw\", \"file\": \"n\", \"file.filename\": \"x\"}")]
    public void S25_A_reference_with_options_beside_it_is_refused(string options) => Run(async () =>
    {
        await AddNodeAsync("driver=memory,filename=disk,node-name=n");
        Assert.That((await RefusedAsync(() => Graph.OpenAsync(Both(options)))).Message, Is.EqualTo("Cannot reference an existing block device with additional options or a new filename"), options);
    });

    [Test]
    public void S26_A_guessed_raw_image_is_kept_from_looking_like_another_format() => Run(async () =>
    {
        string path = MakeFile("a.img", new byte[4096]);
        byte[] header = new byte[512];
        "QFI\xfb"u8[..3].CopyTo(header);
        header[3] = 0xfb;
        header[7] = 3;
        await using (BlockBackend guessed = await OpenAsync(path))
        {
            BlockException error = await RefusedAsync(async () => await guessed.WriteAsync(0, header));
            Assert.That(error.Kind, Is.EqualTo(BlockErrorKind.NotPermitted), "EPERM");
            await guessed.WriteAsync(512, header);
        }

        await using BlockBackend told = await OpenAsync($"driver=raw,file.filename={path}");
        await told.WriteAsync(0, header);
    });

    [Test]
    public void S28_Cache_options_reach_the_children_detect_zeroes_does_not_and_discard_becomes_unmap() => Run(async () =>
    {
        string path = MakeFile("a.img", new byte[4096]);
        await AddNodeAsync($"driver=raw,node-name=top,cache.no-flush=on,detect-zeroes=on,discard=ignore,file.driver=file,file.node-name=file,file.filename={path}");
        NodeSettings file = Graph.FindNode("file")!.Settings;
        Assert.That((file.CacheNoFlush, file.DetectZeroes, file.DiscardUnmap), Is.EqualTo((true, DetectZeroesMode.Off, true)), "what the child has");
        await AddNodeAsync("driver=raw,node-name=direct,cache.direct=on,file.driver=memory,file.filename=disk,file.node-name=own");
        NodeSettings own = Graph.FindNode("own")!.Settings;
        Assert.That((own.CacheDirect, own.CacheNoFlush), Is.EqualTo((true, false)), "each cache option by itself");
        await AddNodeAsync("driver=raw,node-name=kept,cache.direct=on,file.driver=memory,file.filename=disk,file.node-name=said,file.cache.direct=off,file.discard=ignore");
        NodeSettings said = Graph.FindNode("said")!.Settings;
        Assert.That((said.CacheDirect, said.DiscardUnmap), Is.EqualTo((false, false)), "what is said of the child itself holds");
        Assert.That(Graph.FindNode("file")!.ExplicitOptions.Keys, Is.EquivalentTo(new[] { "driver", "node-name", "filename" }), "none of it was said of the child");
    });

    // Two spellings of one name at once, as no option string can have them.
    private static BlockCore.Options.OptionsDictionary Both(string options)
    {
        if (options[0] == '{')
        {
            return JsonOptions.Parse(options);
        }

        BlockCore.Options.OptionsDictionary flat = [];
        foreach (string part in options.Split(','))
        {
            flat[part.Split('=')[0]] = part.Split('=')[1];
        }

        return flat;
    }

    /// <summary>The bytes of the file that somebody has locked.</summary>
    private int[] LocksOf(string path)
    {
        using OpenFile file = Platform.OpenFile(new HostFileOptions(path));
        return [.. Enumerable.Range(100, 5).Concat(Enumerable.Range(200, 5)).Where(offset => file.IsLockedByOthers(offset))];
    }
}
