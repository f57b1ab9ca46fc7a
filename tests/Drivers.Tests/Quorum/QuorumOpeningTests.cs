using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.Qapi.Options;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Quorum;

/// <summary>Opening a quorum: what is refused and how, what it needs of its children, its length, its status, its name, other options.</summary>
[TestFixture]
public sealed class QuorumOpeningTests : QuorumFixture
{
    private const BlockPermissions Read = BlockPermissions.ConsistentRead;
    private const BlockPermissions Write = BlockPermissions.Write;
    private const BlockPermissions Unchanged = BlockPermissions.WriteUnchanged;
    private const BlockPermissions Resize = BlockPermissions.Resize;
    private const BlockPermissions All = BlockPermissions.All;
    private const string NullChildren = "driver=quorum,node-name=q,vote-threshold=1,children.0.driver=null-co,children.0.node-name=a,children.0.size=64k,children.1.driver=null-co,children.1.node-name=b,children.1.size=64k";

    // THREE stands for three children over a, b and c, TWO for two.
    [TestCase("vote-threshold=1", "Number of provided children must be 1 or more")]
    [TestCase("THREE", "Parameter 'vote-threshold' is missing")]
    [TestCase("vote-threshold=0,THREE", "Parameter 'vote-threshold' expects a value >= 1")]
    [TestCase("vote-threshold=-1,THREE", "Parameter 'vote-threshold' expects a value >= 1")]
    [TestCase("vote-threshold=x,THREE", "Parameter 'vote-threshold' expects a number")]
    [TestCase("vote-threshold=4,THREE", "threshold may not exceed children count")]
    [TestCase("vote-threshold=9999999999,THREE", "threshold may not exceed children count")]
    [TestCase("vote-threshold=2,read-pattern=foo,THREE", "Parameter 'read-pattern' does not accept value 'foo'")]
    [TestCase("vote-threshold=2,rewrite-corrupted=maybe,THREE", "Parameter 'rewrite-corrupted' expects 'on' or 'off'")]
    [TestCase("vote-threshold=2,blkverify=maybe,THREE", "Parameter 'blkverify' expects 'on' or 'off'")]
    [TestCase("vote-threshold=2,blkverify=on,THREE", "blkverify=on can only be set if there are exactly two files and vote-threshold is 2")]
    [TestCase("vote-threshold=1,blkverify=on,TWO", "blkverify=on can only be set if there are exactly two files and vote-threshold is 2")]
    [TestCase("vote-threshold=2,blkverify=on,rewrite-corrupted=on,TWO", "rewrite-corrupted=on cannot be used with blkverify=on")]
    [TestCase("vote-threshold=2,children.3.driver=memory,children.3.filename=d,TWO", "Block format 'quorum' does not support the option 'children.3.driver'")]
    [TestCase("vote-threshold=2,children.2.driver=nope,TWO", "Unknown driver 'nope'")]
    [TestCase("vote-threshold=2,children.2=nope,TWO", "Cannot find device='nope' nor node-name='nope'")]
    [TestCase("vote-threshold=2,vote-treshold=2,TWO", "Block format 'quorum' does not support the option 'vote-treshold' (did you mean 'vote-threshold'?)")]
    [TestCase("vote-threshold=2,filename=a,TWO", "Block format 'quorum' does not support the option 'filename'")]
    [TestCase("vote-threshold=2,children.2.driver=memory,children.2.filename=s,TWO", "Could not refresh total sector count: Input/output error")]
    [TestCase("vote-threshold=2,rewrite-corrupted=on,read-only=on,THREE", "Block node is read-only")]
    public void What_does_not_go_is_refused_and_leaves_nothing(string options, string text) => Fixture.Run(async () =>
    {
        _ = (Storage("a"), Storage("b"), Storage("c"), Storage("d"), Fixture.Memory.Storage("s", 1024));
        string two = "children.0.driver=memory,children.0.filename=a,children.1.driver=memory,children.1.filename=b";
        options = options.Replace("THREE", two + ",children.2.driver=memory,children.2.filename=c", StringComparison.Ordinal).Replace("TWO", two, StringComparison.Ordinal);
        BlockException refusal = await Failure.OfAsync(() => Fixture.OpenAsync("driver=quorum," + options, new BackendOptions { ReadOnly = true }));
        Assert.That(refusal.Message, Is.EqualTo(text), "the text");
        Assert.That(Graph.Nodes, Is.Empty, "no node is left");
        Assert.That("abcds".Select(name => Fixture.Memory.Storage($"{name}").OpenCount), Is.All.Zero, "no storage is left open");
    });

    [Test]
    public void A_refusal_of_lengths_says_which() => Fixture.Run(async () =>
    {
        _ = (Storage("a"), Fixture.Memory.Storage("s", 1024));
        BlockException refusal = await Failure.OfAsync(() => OpenAsync("as", 1));
        Assert.That(refusal.Hint, Is.EqualTo("'children.0' has 65536 bytes and 'children.1' 1024: the children of a quorum have the same length."), "the hint");
        Assert.That(refusal.Kind, Is.EqualTo(BlockErrorKind.InputOutput), "the kind");
    });

    [TestCase("read-pattern=fifo,blkverify=on")]
    [TestCase("read-pattern=fifo,rewrite-corrupted=on")]
    public void In_fifo_what_only_votes_need_is_not_looked_at(string options) => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("abc", 2, options, new BackendOptions { ReadOnly = true });
        Assert.That(backend.Root!.Children.Select(c => c.Permissions.Required), Is.All.EqualTo(Read), "nobody writes");
    });

    // users' required, shared | rewrite-corrupted | child's required, shared: as observed of QEMU 7.2.
    [TestCase(BlockPermissions.None, All, "off", BlockPermissions.None, Read | Unchanged)]
    [TestCase(Read, All & ~Read, "off", Read, Unchanged)]
    [TestCase(Write, All & ~Unchanged, "off", Write, Read)]
    [TestCase(Unchanged, All & ~Resize, "off", Unchanged, Read | Unchanged)]
    [TestCase(Resize, All & ~Write, "off", Resize, Read | Unchanged)]
    [TestCase(BlockPermissions.None, All, "on", Write, Read | Unchanged)]
    [TestCase(Read, All, "on", Read | Write, Read | Unchanged)]
    [TestCase(Unchanged, All & ~Read, "on", Unchanged | Write, Unchanged)]
    public void Children_are_needed_for_what_the_users_need_and_nobody_else_writes(
        BlockPermissions required, BlockPermissions shared, string rewrites, BlockPermissions childRequired, BlockPermissions childShared) => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("ab", 1, $"rewrite-corrupted={rewrites}", new BackendOptions { Permissions = new PermissionSet(required, shared) });
        Assert.That(backend.Root!.Children.Select(c => c.Permissions), Is.All.EqualTo(new PermissionSet(childRequired, childShared)), "each edge");
        Assert.That(backend.Root.Children.Select(c => (c.Name, c.Role)), Is.EqualTo(new[] { ("children.0", ChildRole.Data), ("children.1", ChildRole.Data) }), "what they are");
    });

    [Test]
    public void A_node_cannot_be_two_children_that_are_written() => Fixture.Run(async () =>
    {
        _ = Storage("a");
        await Fixture.AddAsync("driver=memory,filename=a,node-name=a");
        await Fixture.AddAsync("driver=quorum,node-name=q,vote-threshold=1,children.0=a,children.1=a");
        await Graph.AttachBackendAsync(Graph.FindNode("q")!, new BackendOptions { ReadOnly = true });
        BlockException refusal = await Failure.OfAsync(() => Graph.AttachBackendAsync(Graph.FindNode("q")!));
        Assert.That(refusal.Message, Does.StartWith("Permission conflict on node 'a': permissions 'write' are both required by node 'q'"), "why");
    });

    [Test]
    public void The_node_cannot_be_resized() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("ab", 1, backend: new BackendOptions { CanResize = true });
        Assert.That((await Failure.OfAsync(() => backend.TruncateAsync(2 * LengthBytes))).Message, Is.EqualTo("Image format driver does not support resize"), "why");
        Assert.That((backend.LengthBytes, Storage("a").Bytes.Length), Is.EqualTo(((long)LengthBytes, LengthBytes)), "as long as before");
    });

    [Test]
    public void The_status_is_zeros_where_all_children_agree_and_data_elsewhere() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await Fixture.OpenAsync(
            "driver=quorum,vote-threshold=1,children.0.driver=null-co,children.0.size=64k,children.0.read-zeroes=on,children.1.driver=blkdebug,children.1.node-name=b,"
            + "children.1.inject-error.0.event=none,children.1.inject-error.0.iotype=block-status,children.1.inject-error.0.once=on,children.1.image.driver=null-co,children.1.image.size=64k,children.1.image.read-zeroes=on");
        BlockStatus status = await backend.GetStatusAsync(0, 4096);
        Assert.That((status.Flags & (BlockStatusFlags.Data | BlockStatusFlags.Zero), status.LengthBytes), Is.EqualTo((BlockStatusFlags.Data, 4096)), "a child that cannot say may have data");
        status = await backend.GetStatusAsync(0, 4096);
        Assert.That((status.Flags & (BlockStatusFlags.Data | BlockStatusFlags.Zero), status.LengthBytes), Is.EqualTo((BlockStatusFlags.Zero, 4096)), "all agree");
        await using BlockBackend mixed = await Fixture.OpenAsync("driver=quorum,vote-threshold=1,children.0.driver=null-co,children.0.size=64k,children.0.read-zeroes=on,children.1.driver=null-co,children.1.size=64k");
        status = await mixed.GetStatusAsync(0, 4096);
        Assert.That((status.Flags & BlockStatusFlags.Data, status.LengthBytes), Is.EqualTo((BlockStatusFlags.Data, 4096)), "one has data");
    });

    [Test]
    public void Its_name_lists_the_children_and_opens_the_same_again() => Fixture.Run(async () =>
    {
        string name;
        await using (BlockBackend backend = await Fixture.OpenAsync(NullChildren + ",read-pattern=fifo"))
        {
            name = backend.Root!.ShownFileName;
        }

        Assert.That(name, Does.StartWith("json:").And.Contain("\"children\": [{").And.Contain("\"read-pattern\": \"fifo\""), "a tree of options");
        await using BlockBackend again = await Graph.OpenAsync(CommandOptions.Read(name));
        Assert.That(again.Root!.Children.Select(c => c.Name), Is.EqualTo(new[] { "children.0", "children.1" }), "opened again");
    });

    [TestCase("vote-threshold=1", null)]
    [TestCase("vote-threshold=2", "Cannot change the option 'vote-threshold'")]
    [TestCase("read-pattern=fifo", "Cannot change the option 'read-pattern'")]
    [TestCase("read-pattern=quorum", null)]
    [TestCase("read-only=on", null)]
    [TestCase("children.0=a,children.1=b", null)]
    [TestCase("children.0=b", "Cannot change the option 'children.0'")]
    public void It_can_be_reopened_with_nothing_but_generic_options_changed(string change, string? text) => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await Fixture.OpenAsync(NullChildren, new BackendOptions { ReadOnly = true });
        Task reopening = Graph.ApplyAsync(GraphEdit.Reopen(backend.Root!, GraphFixture.Options(change)));
        if (text is null)
        {
            await reopening;
        }
        else
        {
            Assert.That((await Failure.OfAsync(() => reopening)).Message, Is.EqualTo(text), "why");
        }

        Assert.That(backend.Root!.IsReadOnly, Is.EqualTo(change == "read-only=on"), "read-only");
        await backend.ReadAsync(0, new byte[512]);
    });
}
