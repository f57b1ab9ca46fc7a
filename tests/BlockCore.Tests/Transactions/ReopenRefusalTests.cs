using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Tests.Graph;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.TestKit;
using BlockGraph.TestKit.Cow;

namespace BlockGraph.BlockCore.Tests.Transactions;

/// <summary>
/// What a reopen, or a change of one child, is refused with, beside what scenarios 30 to 38 say.
/// <code>
///   top -> flt -> base          other          top and other are formats that may have a backing child
/// </code>
/// </summary>
[TestFixture]
public sealed class ReopenRefusalTests : GraphTests
{
    [Test]
    public void What_cannot_be_flushed_is_not_reopened() => Fixture.Run(async () =>
    {
        await Fixture.AddAsync("driver=faulty,filename=disk,node-name=disk");
        await using BlockBackend blk = await Fixture.Graph.AttachBackendAsync(Node("disk"));
        await blk.WriteAsync(0, new byte[512]);
        Fixture.Faulty.Disk("disk").FailNth(1, StorageCall.Flush);
        BlockException error = await AssertRefusedAsync(() => ReopenAsync("disk", "detect-zeroes=on"), "Error flushing drive: Input/output error");
        Assert.That(error.Kind, Is.EqualTo(BlockErrorKind.InputOutput), "the storage's own kind");
        await ReopenAsync("disk", "detect-zeroes=on");
        Assert.That(Node("disk").Settings.DetectZeroes, Is.EqualTo(DetectZeroesMode.On), "the next flush succeeds");
    });

    [Test]
    public void A_driver_that_cannot_be_reopened_is_refused_by_name() => Fixture.Run(async () =>
    {
        await Fixture.AddAsync("driver=switch-filter,node-name=fixed,file.driver=memory,file.filename=disk");
        BlockException error = await AssertRefusedAsync(() => ReopenAsync("fixed", "read-only=on"), "Block format 'switch-filter' used by node 'fixed' does not support reopening files");
        Assert.That(error.Kind, Is.EqualTo(BlockErrorKind.NotSupported), "the kind");
    });

    [Test]
    public void A_header_that_names_a_backing_file_counts_as_a_backing_child() => Fixture.Run(async () =>
    {
        // The header names memory:base, and the options say that there is to be none.
        CowImage.Format(Fixture.Memory.Storage("image"), new CowImageOptions(1 << 16) { BackingFileName = "memory:base" });
        OptionsDictionary options = GraphFixture.Options("driver=cow,node-name=n,file.driver=memory,file.filename=image,file.node-name=file");
        options["backing"] = OptionNull.Instance;
        await Fixture.Graph.AddNodeAsync(options);
        await AssertRefusedAsync(() => Fixture.Graph.ApplyAsync(GraphEdit.Reopen(GraphFixture.Options("driver=cow,node-name=n,file=file"))), "backing is missing for 'n'");
        OptionsDictionary again = GraphFixture.Options("driver=cow,node-name=n,file=file");
        again["backing"] = OptionNull.Instance;
        await Fixture.Graph.ApplyAsync(GraphEdit.Reopen(again));
        Assert.That(Node("n").CowChild, Is.Null, "null is an answer");
    });

    [TestCase(true)]
    [TestCase(false)]
    public void A_backing_child_from_above_would_create_a_cycle(bool isReopen) => Fixture.Run(async () =>
    {
        await BuildAsync();
        await Fixture.AddAsync("driver=any-role,node-name=above,file.driver=memory,file.filename=above,backing=top");
        Func<Task> change = isReopen ? () => ReopenAsync("top", "backing=above") : () => ApplyAsync(GraphEdit.SetBacking(Node("top"), Node("above")));
        await AssertRefusedAsync(change, "Making 'above' a backing child of 'top' would create a cycle");
        await AssertRefusedAsync(() => ApplyAsync(GraphEdit.SetBacking(Node("top"), Node("top"))), "Making 'top' a backing child of 'top' would create a cycle");
        await AssertRefusedAsync(() => ReopenAsync("top", "file=above"), "Making 'above' a file child of 'top' would create a cycle");
    });

    [Test]
    public void A_filter_that_an_operation_put_there_stays_there() => Fixture.Run(async () =>
    {
        await BuildAsync();
        Node("flt").IsImplicit = true;
        await AssertRefusedAsync(() => ApplyAsync(GraphEdit.SetBacking(Node("top"), Node("other"))), "Cannot replace implicit backing child of top");
        BlockException error = await AssertRefusedAsync(() => ReopenAsync("top", "backing=other"), "Cannot replace implicit backing child of top");
        Assert.That(error.Kind, Is.EqualTo(BlockErrorKind.NotPermitted), "the kind");
        await AssertRefusedAsync(() => ApplyAsync(GraphEdit.SetBacking(Node("top"), null)), "Cannot replace implicit backing child of top");
        await ApplyAsync(GraphEdit.SetBacking(Node("top"), Node("base")));
        Assert.That(Node("top").CowChild!.Node.Name, Is.EqualTo("flt"), "who names the node below it means what is there");
    });

    [Test]
    public void A_filter_has_the_child_that_it_has() => Fixture.Run(async () =>
    {
        await BuildAsync();
        const string refusal = "'flt' is a pass-through filter node that does not support a backing child";
        await AssertRefusedAsync(() => ApplyAsync(GraphEdit.SetBacking(Node("flt"), Node("other"))), refusal);
        await AssertRefusedAsync(() => ReopenAsync("flt", "backing=other"), "Cannot change the option 'backing'");
    });

    [Test]
    public void A_frozen_link_is_not_changed() => Fixture.Run(async () =>
    {
        await BuildAsync();
        await ApplyAsync(GraphEdit.Freeze(Node("top"), Node("base")));
        const string backing = "Cannot change frozen 'backing' link from 'top' to 'flt'";
        await AssertRefusedAsync(() => ApplyAsync(GraphEdit.SetBacking(Node("top"), Node("other"))), backing);
        await AssertRefusedAsync(() => ApplyAsync(GraphEdit.SetBacking(Node("top"), null)), backing);
        await AssertRefusedAsync(() => ReopenAsync("top", "backing=other"), backing);
        BlockException error = await AssertRefusedAsync(() => ReopenAsync("flt", "file=other"), "Cannot change frozen 'file' link from 'flt' to 'base'");
        Assert.That(error.Kind, Is.EqualTo(BlockErrorKind.NotPermitted), "the kind");
        await ApplyAsync(GraphEdit.Thaw(Node("top"), Node("base")));
        await ReopenAsync("top", "backing=other");
        Assert.That(Node("top").CowChild!.Node.Name, Is.EqualTo("other"), "thawed, it is");
    });

    [Test]
    public void A_format_without_backing_files_gets_none() => Fixture.Run(async () =>
    {
        await BuildAsync();
        await Fixture.AddAsync("driver=raw,node-name=plain,file.driver=memory,file.filename=plain");
        BlockException error = await AssertRefusedAsync(
            () => ApplyAsync(GraphEdit.SetBacking(Node("plain"), Node("base"))), "Driver 'raw' of node 'plain' does not support backing files");
        Assert.That(error.Kind, Is.EqualTo(BlockErrorKind.NotSupported), "the kind");
        await AssertRefusedAsync(() => ReopenAsync("plain", "backing=base"), "Cannot change the option 'backing'");
    });

    [Test]
    public void A_format_without_a_file_child_gets_none() => Fixture.Run(async () =>
    {
        await BuildAsync();
        await Fixture.AddAsync("driver=fileless,node-name=n");
        await AssertRefusedAsync(() => ReopenAsync("n", "file=base"), "Cannot set file child to format node without file child");
        await AssertRefusedAsync(() => ReopenAsync("n", "file=nobody"), "Cannot find device='' nor node-name='nobody'");
    });

    [Test]
    public void A_child_is_named_and_not_described() => Fixture.Run(async () =>
    {
        await BuildAsync();
        await AssertRefusedAsync(
            () => ApplyAsync(GraphEdit.Reopen(Node("top"), new OptionsDictionary { { "file", OptionNull.Instance } })), "Invalid parameter type for 'file', expected: string");
    });

    protected override GraphFixture CreateFixture() => new(drivers: [new RawDriver(), new FilelessDriver()]);

    private BlockNode Node(string name) => Fixture.Graph.FindNode(name)!;

    private Task ApplyAsync(params GraphEdit[] edits) => Fixture.Graph.ApplyAsync(edits);

    private Task ReopenAsync(string node, string changes) => ApplyAsync(GraphEdit.Reopen(Node(node), GraphFixture.Options(changes)));

    private async Task BuildAsync()
    {
        await Fixture.AddAsync("driver=memory,filename=base,node-name=base");
        await Fixture.AddAsync("driver=pass-through,node-name=flt,file=base");
        await Fixture.AddAsync("driver=any-role,node-name=top,file.driver=memory,file.filename=top,file.node-name=top-file,backing=flt");
        await Fixture.AddAsync("driver=any-role,node-name=other,file.driver=memory,file.filename=other,file.node-name=other-file");
    }

    /// <summary>A format that may have a file child, and is opened without one.</summary>
    private sealed class FilelessDriver : BlockDriver
    {
        public override string Name => "fileless";

        public override string Summary => "a format that can do without its file, for tests";

        public override DriverCategory Category => DriverCategory.Format;

        public override bool SupportsReopen => true;

        public override OptionSchema Options { get; } = new(new OptionDefinition("file", OptionType.Child, "the child"));

        public override async Task<BlockDriverInstance> OpenAsync(OpenContext context, CancellationToken cancel)
        {
            await context.OpenOptionalChildAsync("file", ChildRole.Image);
            return new Instance();
        }

        private sealed class Instance : BlockDriverInstance
        {
            protected internal override long GetLengthBytes() => 512;

            protected internal override ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) => default;

            protected internal override ValueTask WriteAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) => default;
        }
    }
}
