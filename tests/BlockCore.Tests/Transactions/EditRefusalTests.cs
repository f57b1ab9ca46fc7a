using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Jobs;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Tests.Graph;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.Drivers.Composites.Quorum;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Transactions;

/// <summary>
/// What each edit of a graph is refused with, beside what the scenarios say; nothing has changed each time.
/// <code>
///   drive (writes) -> top -> flt -> base          fresh, an overlay that nobody uses
/// </code>
/// </summary>
[TestFixture]
public sealed class EditRefusalTests : GraphTests
{
    [Test]
    public void A_node_that_cannot_be_opened_is_not_appended() => Fixture.Run(async () =>
    {
        await BuildAsync();
        await AssertRefusedAsync(() => AppendAsync("node-name=new"), "driver is not specified");
        await AssertRefusedAsync(() => AppendAsync("driver=nope"), "Unknown driver 'nope'");
        await AssertRefusedAsync(() => AppendAsync("driver=pass-through,node-name=flt"), "Could not create node: Duplicate nodes with node-name='flt'");
        await AssertRefusedAsync(() => AppendAsync("driver=pass-through,node-name=new,nonsense=1"), "Could not create node: Block format 'pass-through' does not support the option 'nonsense'");
        BlockException error = await AssertRefusedAsync(
            () => AppendAsync("driver=raw,node-name=new"), "Driver 'raw' is neither a filter nor supports backing files: it cannot be put over node 'top'");
        Assert.That(error.Kind, Is.EqualTo(BlockErrorKind.NotSupported), "the kind");
    });

    [Test]
    public void A_node_whose_users_must_stay_is_not_replaced_by_one_that_is_appended() => Fixture.Run(async () =>
    {
        await BuildAsync();
        await ApplyAsync(GraphEdit.Freeze(Node("top"), Node("base")));
        BlockException error = await AssertRefusedAsync(
            () => ApplyAsync(GraphEdit.Append(GraphFixture.Options("driver=pass-through,node-name=new"), Node("flt"))), "Could not replace node: Cannot change 'backing' link to 'flt'");
        Assert.That((error.Kind, error.Hint), Is.EqualTo((BlockErrorKind.NotPermitted, "The link is frozen.")), "kind and hint go along");
        await AssertRefusedAsync(() => ApplyAsync(GraphEdit.Replace(Node("flt"), Node("base"))), "Cannot change 'backing' link to 'flt'");
        await ApplyAsync(GraphEdit.Thaw(Node("top"), Node("base")));
    });

    [Test]
    public void An_overlay_must_be_able_to_be_one() => Fixture.Run(async () =>
    {
        await BuildAsync();
        await Fixture.AddAsync("driver=raw,node-name=plain,file.driver=memory,file.filename=plain");
        await Fixture.AddAsync("driver=pass-through,node-name=filter,file.driver=memory,file.filename=filter");
        await Fixture.AddAsync("driver=any-role,node-name=based,file.driver=memory,file.filename=based,backing.driver=memory,backing.filename=low");
        BlockBackend reader = await Fixture.Graph.AttachBackendAsync(Node("fresh"), new BackendOptions { ReadOnly = true });
        await AssertOverlayRefusedAsync("fresh", BlockErrorKind.Busy, "The overlay is already in use");
        await reader.DisposeAsync();
        await AssertOverlayRefusedAsync("filter", BlockErrorKind.InvalidArgument, "Filters cannot be used as overlays");
        await AssertOverlayRefusedAsync("based", BlockErrorKind.Busy, "The overlay already has a backing image");
        await AssertOverlayRefusedAsync("plain", BlockErrorKind.NotSupported, "The overlay does not support backing images");
        await AssertRefusedAsync(() => ApplyAsync(GraphEdit.Overlay(Node("fresh"), Node("flt"))), "Node 'flt' is busy: node is used as backing hd of 'top'");
        await ApplyAsync(GraphEdit.Overlay(Node("fresh"), Node("top")));
        Assert.That(Fixture.Graph.FindBackend("drive")!.Root!.Name, Is.EqualTo("fresh"), "and this one is");
    });

    [Test]
    public void What_cannot_be_flushed_gets_no_overlay() => Fixture.Run(async () =>
    {
        await BuildAsync();
        await Fixture.AddAsync("driver=faulty,filename=disk,node-name=disk");
        await using BlockBackend writer = await Fixture.Graph.AttachBackendAsync(Node("disk"));
        await writer.WriteAsync(0, new byte[512]);
        Fixture.Faulty.Disk("disk").FailNth(1, StorageCall.Flush);
        await AssertRefusedAsync(() => ApplyAsync(GraphEdit.Overlay(Node("fresh"), Node("disk"))), "Error flushing drive: Input/output error");
        await ApplyAsync(GraphEdit.Overlay(Node("fresh"), Node("disk")));
        Assert.That(writer.Root!.Name, Is.EqualTo("fresh"), "the next flush succeeds");
    });

    [Test]
    public void Only_some_drivers_have_any_number_of_children() => Fixture.Run(async () =>
    {
        await BuildAsync();
        BlockException error = await AssertRefusedAsync(() => ApplyAsync(GraphEdit.AddChild(Node("top"), Node("fresh"))), "The node top does not support adding a child");
        Assert.That(error.Kind, Is.EqualTo(BlockErrorKind.NotSupported), "the kind");
        error = await AssertRefusedAsync(() => ApplyAsync(GraphEdit.RemoveChild(Node("top"), "file")), "The node top does not support removing a child");
        Assert.That(error.Kind, Is.EqualTo(BlockErrorKind.NotSupported), "the kind");
        await AssertRefusedAsync(() => ApplyAsync(GraphEdit.RemoveChild(Node("top"), "third")), "Node 'top' does not have child 'third'");
        await Fixture.AddAsync("driver=quorum,node-name=q,vote-threshold=1,children.0.driver=memory,children.0.filename=c0,children.1.driver=memory,children.1.filename=c1");
        await AssertRefusedAsync(() => ApplyAsync(GraphEdit.AddChild(Node("q"), Node("base"))), "The node base already has a parent");
        await AssertRefusedAsync(() => ApplyAsync(GraphEdit.RemoveChild(Node("q"), "children.7")), "Node 'q' does not have child 'children.7'");
        await ApplyAsync(GraphEdit.RemoveChild(Node("q"), "children.0"));
        await AssertRefusedAsync(() => ApplyAsync(GraphEdit.RemoveChild(Node("q"), "children.1")), "The number of children cannot be lower than the vote threshold 1");
    });

    [Test]
    public void A_new_edge_closes_no_cycle_and_doubles_no_other() => Fixture.Run(async () =>
    {
        await BuildAsync();
        await AssertRefusedAsync(() => ApplyAsync(GraphEdit.Attach(Node("flt"), Node("top"), "second", ChildRole.None)), "Making 'top' a second child of 'flt' would create a cycle");
        await AssertRefusedAsync(() => ApplyAsync(GraphEdit.Attach(Node("top"), Node("fresh"), "file", ChildRole.None)), "Node 'top' has a 'file' child already");
        await AssertRefusedAsync(() => ApplyAsync(GraphEdit.Attach(Node("top"), Node("fresh"), "second", ChildRole.Cow)), "Node 'top' cannot have two cow children, 'backing' and 'second'");
    });

    [Test]
    public void Only_filters_are_dropped_and_only_what_is_below_is_a_chain() => Fixture.Run(async () =>
    {
        await BuildAsync();
        await AssertRefusedAsync(() => ApplyAsync(GraphEdit.DropFilter(Node("top"))), "Node 'top' is not a filter");
        await AssertRefusedAsync(() => ApplyAsync(GraphEdit.DropIntermediate(Node("flt"), Node("top"))), "Node 'top' is not below 'flt' in its chain");
        await AssertRefusedAsync(() => ApplyAsync(GraphEdit.Freeze(Node("top"), Node("fresh"))), "Node 'fresh' is not in the chain of 'top'");
        BlockChild edge = Node("top").CowChild!;
        await ApplyAsync(GraphEdit.Detach(edge));
        await AssertRefusedAsync(() => ApplyAsync(GraphEdit.Detach(edge)), "node 'top' no longer uses node 'flt' as 'backing' child");
    });

    [Test]
    public void A_node_that_somebody_else_works_with_is_not_made_inactive() => Fixture.Run(async () =>
    {
        await BuildAsync();
        BlockException error = await AssertRefusedAsync(() => ApplyAsync(GraphEdit.Deactivate(Node("flt"))), "Node 'flt' has active parent node 'top'");
        Assert.That(error.Kind, Is.EqualTo(BlockErrorKind.Busy), "the kind");
        StationaryUser user = await StationaryUser.AttachAsync(Node("fresh"));
        await AssertRefusedAsync(() => ApplyAsync(GraphEdit.Deactivate(Node("fresh"))), "Node 'fresh' cannot be made inactive: the stationary user uses the node");
        await user.DisposeAsync();
    });

    [Test]
    public void A_user_that_cannot_move_keeps_its_node_where_it_is() => Fixture.Run(async () =>
    {
        await BuildAsync();
        AioContext other = Fixture.ContextOf("other");
        StationaryUser user = await StationaryUser.AttachAsync(Node("base"));
        BlockException error = await AssertRefusedAsync(
            () => ApplyAsync(GraphEdit.Move(Node("flt"), other, isForced: true)), "Changing iothreads is not supported by the stationary user");
        Assert.That(error.Kind, Is.EqualTo(BlockErrorKind.NotPermitted), "the kind");
        await AssertRefusedAsync(
            () => ApplyAsync(GraphEdit.Move(Node("base"), other)),
            "Node base is associated with a BlockBackend and could be in use (use force=true to override this check)");
        await user.DisposeAsync();
        await ApplyAsync(GraphEdit.Move(Node("flt"), other, isForced: true));
        Assert.That(Node("top").Context, Is.SameAs(other), "without it all of them move");
    });

    [Test]
    public void A_backend_in_use_that_may_not_move_is_the_reason_why_nothing_does() => Fixture.Run(async () =>
    {
        await BuildAsync();
        await using BlockBackend reader = await Fixture.Graph.AttachBackendAsync(Node("base"), new BackendOptions { ReadOnly = true });
        await AssertRefusedAsync(() => ApplyAsync(GraphEdit.Move(Node("flt"), Fixture.ContextOf("other"), isForced: true)), "Cannot change iothread of active block backend");
    });

    protected override GraphFixture CreateFixture() => new(drivers: [new RawDriver(), new QuorumDriver()]);

    private BlockNode Node(string name) => Fixture.Graph.FindNode(name)!;

    private Task ApplyAsync(params GraphEdit[] edits) => Fixture.Graph.ApplyAsync(edits);

    private Task AppendAsync(string options) => ApplyAsync(GraphEdit.Append(GraphFixture.Options(options), Node("top")));

    private async Task AssertOverlayRefusedAsync(string overlay, BlockErrorKind kind, string message)
    {
        BlockException error = await AssertRefusedAsync(() => ApplyAsync(GraphEdit.Overlay(Node(overlay), Node("top"))), message);
        Assert.That(error.Kind, Is.EqualTo(kind), message);
    }

    [Test]
    public void Children_are_changed_by_one_child_or_one_node() => Fixture.Run(async () =>
    {
        await BuildAsync();
        await AssertRefusedAsync(() => ApplyAsync(GraphEdit.ChangeChildren(Node("top"), "file", Node("base"))), "The parameters child and node are in conflict");
        await AssertRefusedAsync(() => ApplyAsync(GraphEdit.ChangeChildren(Node("top"), null, null)), "Either child or node must be specified");
        await AssertRefusedAsync(() => ApplyAsync(GraphEdit.ChangeChildren(Node("top"), "file", null)), "The node top does not support removing a child");
        await AssertRefusedAsync(() => ApplyAsync(GraphEdit.ChangeChildren(Node("top"), null, Node("base"))), "The node top does not support adding a child");
    });

    [Test]
    public void A_filter_that_was_dropped_is_used_by_nobody_again() => Fixture.Run(async () =>
    {
        await BuildAsync();
        await ApplyAsync(GraphEdit.DropFilter(Node("flt")));
        const string message = "Node 'flt' is a filter that was dropped: there is nothing below it";
        await AssertRefusedAsync(() => Fixture.Graph.AttachBackendAsync(Node("flt")), message);
        await AssertRefusedAsync(() => ApplyAsync(GraphEdit.SetBacking(Node("top"), Node("flt"))), message);
        await AssertRefusedAsync(() => Fixture.AddAsync("driver=pass-through,node-name=new,file=flt"), message);
    });

    [Test]
    public void A_filter_is_not_dropped_under_a_job_that_stays_at_it() => Fixture.Run(async () =>
    {
        await BuildAsync();
        ScriptedJob job = await ScriptedJob.NewAsync(Fixture.Graph, new JobOptions { Id = "j" }, ScriptedJob.Reads(Node("flt")));
        await AssertRefusedAsync(() => ApplyAsync(GraphEdit.DropFilter(Node("flt"))), "Should not change 'main node' link to 'flt'");
        await job.CancelAsync(isForced: true);
        await ApplyAsync(GraphEdit.DropFilter(Node("flt")));
        Assert.That(Node("top").CowChild!.Node.Name, Is.EqualTo("base"), "without it, it is");
    });

    [Test]
    public void A_header_of_an_inactive_overlay_is_not_written() => Fixture.Run(async () =>
    {
        await BuildAsync();
        await ApplyAsync(GraphEdit.Deactivate(Node("top")));
        await AssertRefusedAsync(() => ApplyAsync(GraphEdit.DropIntermediate(Node("flt"), Node("base"), "base")), "Node 'top' is inactive: the backing file name in its header cannot be changed");
    });

    private async Task BuildAsync()
    {
        await Fixture.AddAsync("driver=memory,filename=base,node-name=base");
        await Fixture.AddAsync("driver=pass-through,node-name=flt,file=base");
        await Fixture.AddAsync("driver=any-role,node-name=top,file.driver=memory,file.filename=top,file.node-name=top-file,backing=flt");
        await Fixture.AddAsync("driver=any-role,node-name=fresh,file.driver=memory,file.filename=fresh,file.node-name=fresh-file");
        await Fixture.Graph.AttachBackendAsync(Node("top"), new BackendOptions { Name = "drive", ShareWrite = true });
    }

    /// <summary>A root parent that says nothing of moves and of going inactive.</summary>
    private sealed class StationaryUser(NodeGraph graph) : IRootParent
    {
        private readonly List<BlockChild> _edges = [];

        public string Description => "the stationary user";

        public BlockNode? AsNode => null;

        public string? Name => null;

        public BlockChild? RootEdge => null;

        public IReadOnlyList<BlockChild> Edges => _edges;

        public bool IsKnownQuiet => true;

        public static async Task<StationaryUser> AttachAsync(BlockNode node)
        {
            StationaryUser user = new(node.Graph);
            await node.Graph.AttachAsync(user, node, "root", ChildRole.None);
            return user;
        }

        public PermissionSet PermissionsOf(BlockChild edge) => PermissionSet.Unused;

        public void OnAttached(BlockChild edge) => _edges.Add(edge);

        public void OnDetached(BlockChild edge) => _edges.Remove(edge);

        public void DrainedBegin()
        {
        }

        public Task<bool> DrainedPollAsync() => Task.FromResult(false);

        public void DrainedEnd()
        {
        }

        public async ValueTask DisposeAsync() => await graph.ApplyAsync([.. _edges.Select(GraphEdit.Detach)]);
    }
}
