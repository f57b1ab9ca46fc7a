using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.Drivers.Protocols.Null;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Graph;

/// <summary>How options become a tree: drivers, references, inheritance, and every refusal on the way.</summary>
[TestFixture]
public sealed class OpeningTests : GraphTests
{
    protected override GraphFixture CreateFixture() => new(drivers: [new RawDriver(), new NullCoDriver()]);

    [Test]
    public void A_tree_is_opened_children_first_and_its_root_is_the_backends() => Fixture.Run(async () =>
    {
        BlockBackend backend = await Fixture.OpenAsync("driver=pass-through,node-name=top,file.driver=raw,file.node-name=middle,file.file.driver=memory,file.file.filename=disk,file.file.node-name=bottom");
        Assert.That(Fixture.Graph.Nodes.Select(n => n.Name), Is.EqualTo(new[] { "bottom", "middle", "top" }), "in order of creation");
        Assert.That(backend.Root!.Name, Is.EqualTo("top"), "the root");
        Assert.That(backend.Root.FileChild!.Node.FileChild!.Node.Name, Is.EqualTo("bottom"), "the chain");
        Assert.That(backend.Root.FileChild.Node.FileChild.Node.FileName, Is.EqualTo("disk"), "the file name is kept");
    });

    [Test]
    public void Nested_and_dotted_options_mean_the_same() => Fixture.Run(async () =>
    {
        OptionsDictionary nested = new() { { "driver", "pass-through" }, { "file", new OptionsDictionary { { "driver", "memory" }, { "filename", "disk" } } } };
        await using BlockBackend backend = await Fixture.Graph.OpenAsync(nested);
        Assert.That(backend.Root!.FileChild!.Node.Driver.Name, Is.EqualTo("memory"), "the child");
        Assert.That(nested.Count, Is.EqualTo(2), "the caller's options are not consumed");
    });

    [Test]
    public void A_string_under_the_child_key_refers_to_a_node() => Fixture.Run(async () =>
    {
        BlockNode disk = await Fixture.AddAsync("driver=memory,filename=disk,node-name=disk");
        await using BlockBackend backend = await Fixture.OpenAsync("driver=raw,file=disk");
        Assert.That(backend.Root!.FileChild!.Node, Is.SameAs(disk), "the node itself");
        await backend.DisposeAsync();
        Assert.That(Fixture.Graph.FindNode("disk"), Is.SameAs(disk), "it outlives its user");
    });

    [Test]
    public void A_reference_may_name_a_backend() => Fixture.Run(async () =>
    {
        BlockBackend first = await Fixture.OpenAsync("driver=memory,filename=disk", new BackendOptions { Name = "drive0", ShareWrite = true });
        BlockBackend second = await Fixture.OpenAsync("driver=raw,file=drive0", new BackendOptions { ShareWrite = true });
        Assert.That(second.Root!.FileChild!.Node, Is.SameAs(first.Root), "its root");
    });

    [TestCase("driver=nosuch", "Unknown driver 'nosuch'")]
    [TestCase("driver=memry,filename=x", "Unknown driver 'memry' (did you mean 'memory'?)")]
    [TestCase("driver=raw", "A block device must be specified for \"file\"")]
    [TestCase("driver=raw,file=nobody", "Cannot find device='nobody' nor node-name='nobody'")]
    [TestCase("driver=raw,node-name=self,file=self", "Cannot find device='self' nor node-name='self'")]
    [TestCase("driver=raw,file=a,file.filename=b", "Cannot reference an existing block device with additional options or a new filename")]
    [TestCase("driver=raw,filename=memory:a,file.filename=memory:b", "Can't specify 'file' and 'filename' options at the same time")]
    [TestCase("driver=raw,filename=memory:a,file=b", "Can't specify 'file' and 'filename' options at the same time")]
    [TestCase("node-name=x", "Must specify either driver or file")]
    [TestCase("driver=raw,file.node-name=x", "Must specify either driver or file")]
    [TestCase("driver=memory", "The 'memory' block driver requires a file name")]
    [TestCase("filename=foo:bar", "Unknown protocol 'foo'")]
    [TestCase("driver=null-co,bogus=1", "Block protocol 'null-co' doesn't support the option 'bogus'")]
    [TestCase("driver=null-co,latency-n=1", "Block protocol 'null-co' doesn't support the option 'latency-n' (did you mean 'latency-ns'?)")]
    [TestCase("driver=null-co,readonly=on", "Block protocol 'null-co' doesn't support the option 'readonly' (did you mean 'read-only'?)")]
    [TestCase("driver=raw,ofset=1,file.driver=null-co", "Block format 'raw' does not support the option 'ofset' (did you mean 'offset'?)")]
    [TestCase("driver=raw,file.driver=null-co,file.bogus=1", "Block protocol 'null-co' doesn't support the option 'bogus'")]
    [TestCase("driver=null-co,discard=foo", "Invalid discard option")]
    [TestCase("driver=null-co,detect-zeroes=unmap", "setting detect-zeroes to unmap is not allowed without setting discard operation to unmap")]
    [TestCase("driver=null-co,force-share=on", "force-share=on can only be used with read-only images")]
    [TestCase("driver=null-co,read-only=maybe", "Parameter 'read-only' expects 'on' or 'off'")]
    [TestCase("filename=json:{}", "Could not parse the JSON options: this graph has no JSON parser")]
    public void Bad_options_are_refused_and_leave_nothing(string options, string message) => AssertRefused(options, message);

    [Test]
    public void A_reference_that_is_no_name_is_refused() => Fixture.Run(async () =>
    {
        BlockException error = await Failure.OfAsync(() => Fixture.Graph.OpenAsync(new OptionsDictionary { { "driver", "raw" }, { "file", OptionNull.Instance } }));
        Assert.That(error.Message, Is.EqualTo("A block device must be specified for \"file\""), "null means none, and one is needed");
    });

    [Test]
    public void Options_that_nest_too_deep_are_refused() => Fixture.Run(async () =>
    {
        OptionsDictionary options = new() { { "driver", "null-co" } };
        for (int i = 0; i < 200; i++)
        {
            options = new OptionsDictionary { { "driver", "pass-through" }, { "file", options } };
        }

        BlockException error = await Failure.OfAsync(() => Fixture.Graph.OpenAsync(options));
        Assert.That(error.Message, Is.EqualTo("The options nest more than 200 nodes"), "201 of them");
        Assert.That(Fixture.Graph.Nodes, Is.Empty, "nothing is left");
    });

    [Test]
    public void A_child_inherits_cache_and_read_only_but_not_detect_zeroes_and_passes_discards() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await Fixture.OpenAsync(
            "driver=raw,cache.direct=on,cache.no-flush=on,read-only=on,auto-read-only=on,force-share=on,detect-zeroes=on,file.driver=null-co");
        NodeSettings child = backend.Root!.FileChild!.Node.Settings;
        Assert.That(child.CacheDirect, Is.True, "cache.direct");
        Assert.That(child.CacheNoFlush, Is.True, "cache.no-flush");
        Assert.That(child.ReadOnly, Is.True, "read-only");
        Assert.That(child.AutoReadOnly, Is.True, "auto-read-only");
        Assert.That(child.ForceShare, Is.True, "force-share");
        Assert.That(child.DiscardUnmap, Is.True, "discard: the parent decides what reaches it");
        Assert.That(child.DetectZeroes, Is.EqualTo(DetectZeroesMode.Off), "detect-zeroes is the parent's own");
        Assert.That(backend.Root.Settings.DiscardUnmap, Is.False, "the root's own default");
        Assert.That(backend.IsReadOnly, Is.True, "the backend asks for no more than the node can");
    });

    [Test]
    public void What_a_child_says_itself_is_not_inherited() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await Fixture.OpenAsync(
            "driver=raw,cache.direct=on,read-only=on,file.driver=null-co,file.cache.direct=off,file.read-only=off,file.discard=ignore");
        NodeSettings child = backend.Root!.FileChild!.Node.Settings;
        Assert.That((child.CacheDirect, child.ReadOnly, child.DiscardUnmap), Is.EqualTo((false, false, false)), "its own word");
    });

    [Test]
    public void A_backing_child_is_read_only_whatever_its_parent_is() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await Fixture.OpenAsync("driver=any-role,auto-read-only=on,file.driver=null-co,backing.driver=null-co");
        NodeSettings backing = backend.Root!.FindChild("backing")!.Node.Settings;
        Assert.That((backing.ReadOnly, backing.AutoReadOnly), Is.EqualTo((true, false)), "read-only and not by falling back");
    });

    [Test]
    public void A_pseudo_filename_is_read_by_whoever_knows_JSON_and_gives_way_to_given_options()
    {
        string? seen = null;
        NodeGraphOptions options = new()
        {
            PseudoFileNames = name =>
            {
                seen = name;
                return new OptionsDictionary { { "driver", "null-co" }, { "size", "1M" }, { "node-name", "from-json" } };
            },
        };
        using GraphFixture fixture = new(drivers: [new RawDriver(), new NullCoDriver()], graphOptions: options);
        fixture.Run(async () =>
        {
            await using BlockBackend backend = await fixture.OpenAsync("filename=json:{…},size=2M");
            Assert.That(seen, Is.EqualTo("json:{…}"), "the whole name");
            Assert.That(backend.LengthBytes, Is.EqualTo(2 << 20), "the given option wins");
            Assert.That(backend.Root!.Name, Is.EqualTo("from-json"), "the others come from the name");
            await using BlockBackend child = await fixture.OpenAsync("driver=raw,file.filename=json:{…},file.node-name=inner");
            Assert.That(child.Root!.FileChild!.Node.Name, Is.EqualTo("inner"), "for a child as well");
        });
    }

    [Test]
    public void An_open_that_is_cancelled_leaves_nothing() => Fixture.Run(async () =>
    {
        await Failure.OfAsync<OperationCanceledException>(() => Fixture.Graph.OpenAsync(GraphFixture.Options("driver=null-co"), cancel: new CancellationToken(canceled: true)));
        Assert.That(Fixture.Graph.Nodes, Is.Empty, "no node");
    });

    [Test]
    public void The_qemu_profile_suggests_nothing()
    {
        using GraphFixture fixture = new(drivers: [new NullCoDriver()], graphOptions: new NodeGraphOptions { Profile = DriverModel.CompatibilityProfile.Qemu });
        fixture.Run(async () =>
        {
            Assert.That((await Failure.OfAsync(() => fixture.OpenAsync("driver=null-co,latency-n=1"))).Message, Is.EqualTo("Block protocol 'null-co' doesn't support the option 'latency-n'"), "option");
            Assert.That((await Failure.OfAsync(() => fixture.OpenAsync("driver=nul-co"))).Message, Is.EqualTo("Unknown driver 'nul-co'"), "driver");
        });
    }
}
