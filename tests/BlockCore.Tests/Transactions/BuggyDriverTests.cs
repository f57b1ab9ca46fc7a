using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Events;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Tests.Graph;
using BlockGraph.BlockCore.Tests.Scenarios;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Transactions;

/// <summary>Drivers that throw where they may not: refused cleanly while that is possible, reported afterwards, and the graph is of one piece either way.</summary>
[TestFixture]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class BuggyDriverTests : GraphTests
{
    private readonly BuggyDriver _driver = new();

    protected override GraphFixture CreateFixture() => new(drivers: [_driver]);

    [TestCase("check a")]
    [TestCase("check b")]
    public void A_bug_while_permissions_are_checked_is_a_refusal(string bug) => Fixture.Run(async () =>
    {
        BlockNode a = await AddChainAsync();
        string before = GraphText.Of(Fixture.Graph);
        _driver.Bug = bug;
        InvalidOperationException error = await Failure.OfAsync<InvalidOperationException>(() => Fixture.Graph.AttachBackendAsync(a));
        Assert.That(error.Message, Is.EqualTo("check has a bug"), "the driver's own exception");
        Assert.That(GraphText.Of(Fixture.Graph), Is.EqualTo(before), "nothing has changed");
    });

    [TestCase("commit a")]
    [TestCase("commit b")]
    public void A_bug_while_permissions_are_committed_is_reported_and_everything_else_is_committed(string bug) => Fixture.Run(async () =>
    {
        BlockNode a = await AddChainAsync();
        BlockBackend blk = await Fixture.Graph.AttachBackendAsync(a, new BackendOptions { ReadOnly = true });
        _driver.Bug = bug;
        InvariantViolationException report = await Failure.OfAsync<InvariantViolationException>(() => blk.SetPermissionsAsync(new(BlockPermissions.Write, BlockPermissions.All)));
        Assert.That(report.Message, Is.EqualTo($"Invariant violated: driver 'buggy' of node '{bug[^1]}' threw while committing permissions: commit has a bug"), "who and where");
        _driver.Bug = null;
        Assert.That(Fixture.Graph.FindNode("disk")!.CumulativePermissions.Required, Is.EqualTo(BlockPermissions.Write), "the permissions are those of the change, all the way down");
        await blk.WriteAsync(0, new byte[1]);
    });

    [Test]
    public void A_bug_while_going_back_does_not_keep_the_others_from_it() => Fixture.Run(async () =>
    {
        BlockNode a = await AddChainAsync();
        string before = GraphText.Of(Fixture.Graph);
        Fixture.Graph.Events.Subscribe<BlockWarning>(_ => { });
        Fixture.Roles.RefusingNode = "c";
        _driver.Bug = "abort b";
        InvariantViolationException report = await Failure.OfAsync<InvariantViolationException>(() => Fixture.Graph.AttachBackendAsync(a));
        Assert.That(report.Message, Does.Contain("driver 'buggy' of node 'b' threw while aborting permissions"), "who and where");
        Assert.That(GraphText.Of(Fixture.Graph), Is.EqualTo(before), "nothing has changed");
    });

    [TestCase("prepare a")]
    [TestCase("prepare b")]
    public void A_bug_while_a_reopen_is_prepared_is_a_refusal(string bug) => Fixture.Run(async () =>
    {
        BlockNode a = await AddChainAsync();
        string before = GraphText.Of(Fixture.Graph);
        _driver.Bug = bug;
        BlockException error = await Failure.OfAsync(() => Fixture.Graph.ApplyAsync(GraphEdit.Reopen(a, GraphFixture.Options("read-only=on"))));
        Assert.That(error.Message, Is.EqualTo($"failed while preparing to reopen image '{bug[^1]}'"), "what failed");
        Assert.That(error.InnerException, Is.TypeOf<InvalidOperationException>(), "and the bug");
        Assert.That(GraphText.Of(Fixture.Graph), Is.EqualTo(before), "nothing has changed");
    });

    [Test]
    public void A_bug_while_a_reopen_is_committed_is_reported_and_the_options_hold() => Fixture.Run(async () =>
    {
        BlockNode a = await AddChainAsync();
        _driver.Bug = "reopen b";
        InvariantViolationException report = await Failure.OfAsync<InvariantViolationException>(() => Fixture.Graph.ApplyAsync(GraphEdit.Reopen(a, GraphFixture.Options("read-only=on"))));
        Assert.That(report.Message, Does.Contain("driver 'buggy' of node 'b' threw while committing a reopen"), "who and where");
        Assert.That(Fixture.Graph.Nodes.Select(n => n.IsReadOnly), Has.All.True, "every node has its new options");
        Assert.That(Fixture.Graph.Nodes.Select(n => n.QuiesceCount), Has.All.Zero, "no drain is left");
    });

    [TestCase("deactivate a")]
    [TestCase("deactivate b")]
    public void A_bug_while_a_node_goes_inactive_is_a_refusal(string bug) => Fixture.Run(async () =>
    {
        BlockNode a = await AddChainAsync();
        string before = GraphText.Of(Fixture.Graph);
        _driver.Bug = bug;
        InvalidOperationException error = await Failure.OfAsync<InvalidOperationException>(() => Fixture.Graph.ApplyAsync(GraphEdit.Deactivate(a)));
        Assert.That(error.Message, Is.EqualTo("deactivate has a bug"), "the driver's own exception");
        Assert.That(GraphText.Of(Fixture.Graph), Is.EqualTo(before), "nothing has changed");
    });

    [TestCase("activate a")]
    [TestCase("activate b")]
    public void A_bug_while_a_node_becomes_active_again_after_all_is_told_and_no_drain_is_left(string bug) => Fixture.Run(async () =>
    {
        // c refuses in the end, and those that are inactive already are told that they are not.
        BlockNode a = await AddChainAsync();
        string before = GraphText.Of(Fixture.Graph);
        List<string> warnings = [];
        using IDisposable subscription = Fixture.Graph.Events.Subscribe<BlockWarning>(w => warnings.Add(w.Message));
        Fixture.Roles.RefusingNode = "c";
        _driver.Bug = bug;
        BlockException error = await Failure.OfAsync(() => Fixture.Graph.ApplyAsync(GraphEdit.Deactivate(a)));
        Assert.That(error.Message, Is.EqualTo("Node 'c' refuses"), "the reason stays what it is");
        Assert.That(warnings, Is.EqualTo(new[] { $"Node '{bug[^1]}' stays active, and could not be read again: activate has a bug" }), "told");
        Assert.That(GraphText.Of(Fixture.Graph), Is.EqualTo(before), "nothing has changed");
        Assert.That(Fixture.Graph.Drains, Is.Empty, "no drain is left");
    });

    [TestCase("activate a")]
    [TestCase("activate b")]
    public void A_bug_while_a_node_becomes_active_leaves_it_inactive(string bug) => Fixture.Run(async () =>
    {
        BlockNode a = await AddChainAsync();
        await Fixture.Graph.ApplyAsync(GraphEdit.Deactivate(a));
        string before = GraphText.Of(Fixture.Graph);
        _driver.Bug = bug;
        await Failure.OfAsync<InvalidOperationException>(() => Fixture.Graph.ApplyAsync(GraphEdit.Activate(a)));
        Assert.That(GraphText.Of(Fixture.Graph), Is.EqualTo(before), "inactive as before");
        _driver.Bug = null;
        await Fixture.Graph.ApplyAsync(GraphEdit.Activate(a));
        Assert.That(a.IsInactive, Is.False, "and it can be tried again");
    });

    [TestCase("detach a", "leaving its context")]
    [TestCase("attach b", "coming to its context")]
    public void A_bug_while_nodes_move_is_reported_and_all_of_them_have_moved(string bug, string doing) => Fixture.Run(async () =>
    {
        BlockNode a = await AddChainAsync();
        _driver.Bug = bug;
        InvariantViolationException report = await Failure.OfAsync<InvariantViolationException>(() => Fixture.Graph.ApplyAsync(GraphEdit.Move(a, Fixture.ContextOf("other"))));
        Assert.That(report.Message, Is.EqualTo($"Invariant violated: driver 'buggy' of node '{bug[^1]}' threw while {doing}: {bug[..^2]} has a bug"), "who and where");
        Assert.That(Fixture.Graph.Nodes.Select(n => n.Context.Name), Has.All.EqualTo("other"), "one home for all");
        Assert.That(Fixture.Graph.Drains, Is.Empty, "no drain is left");
        _driver.Bug = null;
    });

    [Test]
    public void A_bug_while_a_node_is_closed_is_told_and_the_rest_is_closed() => Fixture.Run(async () =>
    {
        await AddChainAsync();
        List<string> warnings = [];
        using IDisposable subscription = Fixture.Graph.Events.Subscribe<BlockWarning>(w => warnings.Add(w.Message));
        _driver.Bug = "close a";
        await Fixture.Graph.RemoveNodeAsync("a");
        Assert.That(warnings, Is.EqualTo(new[] { "Node 'a': driver 'buggy' failed to close: close has a bug" }), "told");
        Assert.That(Fixture.Graph.Nodes, Is.Empty, "every node is gone");
        Assert.That(Fixture.Memory.Storage("disk").OpenCount, Is.Zero, "the storage is closed");
        await AddChainAsync();
    });

    // a -> b -> c -> disk
    private Task<BlockNode> AddChainAsync() => Fixture.AddAsync(
        "driver=buggy,node-name=a,file.driver=buggy,file.node-name=b,file.file.driver=any-role,file.file.role=filtered,file.file.node-name=c,file.file.file.driver=memory,file.file.file.filename=disk,file.file.file.node-name=disk");
}
