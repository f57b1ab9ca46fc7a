using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Tests.Graph;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Permissions;

/// <summary>A change of permissions reaches every driver below, parents first, or none.</summary>
[TestFixture]
public sealed class PermissionTransactionTests : GraphTests
{
    [Test]
    public void Drivers_are_asked_parents_first_and_then_told() => Fixture.Run(async () =>
    {
        BlockNode top = await AddChainAsync();
        Fixture.Roles.Log.Clear();
        await Fixture.Graph.AttachBackendAsync(top);
        Assert.That(Fixture.Roles.Log, Is.EqualTo(new[] { "check a", "check b", "check c", "commit a", "commit b", "commit c" }), "the calls");
    });

    [TestCase("a", new[] { "check a" })]
    [TestCase("b", new[] { "check a", "check b", "abort a" })]
    [TestCase("c", new[] { "check a", "check b", "check c", "abort b", "abort a" })]
    public void Where_a_driver_refuses_those_asked_before_go_back_in_reverse(string refusing, string[] calls) => Fixture.Run(async () =>
    {
        BlockNode top = await AddChainAsync();
        PermissionSet[] before = [.. Edges()];
        Fixture.Roles.Log.Clear();
        Fixture.Roles.RefusingNode = refusing;
        BlockException error = await Failure.OfAsync(() => Fixture.Graph.AttachBackendAsync(top));
        Assert.That(error.Message, Is.EqualTo($"Node '{refusing}' refuses"), "the driver's own words");
        Assert.That(Fixture.Roles.Log, Is.EqualTo(calls), "the calls");
        Assert.That(Edges(), Is.EqualTo(before), "every edge is as before");
        Assert.That(top.Parents, Is.Empty, "the backend is gone");
        Assert.That(Fixture.Graph.Backends, Is.Empty, "and unknown");
    });

    [Test]
    public void In_a_diamond_a_node_is_visited_after_all_its_parents() => Fixture.Run(async () =>
    {
        //      a
        //    /   \
        //   b     |     the shared base is reached by a short way and a long one
        //    \   /
        //    base
        await Fixture.AddAsync("driver=any-role,role=filtered,node-name=base,file.driver=memory,file.filename=disk");
        await Fixture.AddAsync("driver=any-role,role=filtered,node-name=b,file=base");
        BlockNode a = await Fixture.AddAsync("driver=any-role,role=filtered,node-name=a,file=base,second=b");
        Fixture.Roles.Log.Clear();
        await Fixture.Graph.AttachBackendAsync(a, new BackendOptions { Permissions = new PermissionSet(BlockPermissions.ConsistentRead, BlockPermissions.All) });
        Assert.That(Fixture.Roles.Log.Take(3), Is.EqualTo(new[] { "check a", "check b", "check base" }), "each once, parents before children");
        Assert.That(TopologicalOrder.Below([Fixture.Graph.FindNode("base")!, a]).Select(n => n.Name).Take(3), Is.EqualTo(new[] { "a", "b", "base" }), "whatever the roots' order");
    });

    [Test]
    public void An_exclusive_writer_may_move_from_one_arm_of_a_diamond_to_the_other() => Fixture.Run(async () =>
    {
        // switcher -> (selected: write, unshared) one of two filters -> base. With stale needs of the other arm either way conflicts.
        await Fixture.AddAsync("driver=memory,filename=disk,node-name=base");
        BlockNode one = await Fixture.AddAsync("driver=pass-through,node-name=one,file=base");
        BlockNode two = await Fixture.AddAsync("driver=pass-through,node-name=two,file=base");
        PermissionSet exclusive = new(BlockPermissions.Write, BlockPermissions.All & ~BlockPermissions.Write);
        await using BlockBackend first = await Fixture.Graph.AttachBackendAsync(one, new BackendOptions { Permissions = exclusive });
        await using BlockBackend second = await Fixture.Graph.AttachBackendAsync(two, new BackendOptions { Permissions = PermissionSet.Unused });
        foreach ((BlockChild to, BlockChild from) in new[] { (second.RootEdge!, first.RootEdge!), (first.RootEdge!, second.RootEdge!) })
        {
            await Fixture.Graph.ApplyAsync(GraphEdit.SetPermissions(to, exclusive), GraphEdit.SetPermissions(from, PermissionSet.Unused));
            Assert.That(to.Node.FileChild!.Permissions, Is.EqualTo(exclusive), "the selected arm writes");
            Assert.That(from.Node.FileChild!.Permissions, Is.EqualTo(PermissionSet.Unused), "the other needs nothing");
        }
    });

    [Test]
    public void An_aborted_change_of_permissions_is_taken_back() => Fixture.Run(async () =>
    {
        BlockNode top = await AddChainAsync();
        BlockBackend backend = await Fixture.Graph.AttachBackendAsync(top);
        PermissionSet[] before = [.. Edges()];
        Fixture.Roles.Log.Clear();
        GraphDraft draft = new(Fixture.Graph);
        draft.Request(backend.RootEdge!, PermissionSet.Unused);
        PermissionPlan plan = PermissionUpdate.Compute(draft).Plan!;
        Assert.That(plan.Edges, Is.Not.Empty, "something would change");
        Transaction transaction = new();
        PermissionAction.Prepare(transaction, plan, new ReopenSet());
        transaction.Abort();
        Assert.That(Edges(), Is.EqualTo(before), "nothing has");
        Assert.That(Fixture.Roles.Log, Is.EqualTo(new[] { "check a", "check b", "check c", "abort c", "abort b", "abort a" }), "in reverse");
    });

    [Test]
    public void An_action_that_throws_does_not_keep_the_others_from_ending([Values] bool commits)
    {
        List<string> log = [];
        Transaction transaction = new();
        transaction.Add(new LoggingAction("1", log));
        transaction.Add(new LoggingAction("2", log) { Bug = new InvalidOperationException("a bug") });
        transaction.Add(new LoggingAction("3", log));
        string verb = commits ? "commit" : "abort";
        Assert.That(commits ? transaction.Commit : transaction.Abort, Throws.InvalidOperationException.With.Message.EqualTo("a bug"), "it is told");
        Assert.That(log, Is.EqualTo(new[] { $"{verb} 3", $"{verb} 2", $"{verb} 1", "clean 3", "clean 2", "clean 1" }), "when everything is over");
    }

    [Test]
    public void Actions_end_in_reverse_order_and_are_cleaned_afterwards([Values] bool commits)
    {
        List<string> log = [];
        Transaction transaction = new();
        transaction.Add(new LoggingAction("1", log));
        transaction.Add(new LoggingAction("2", log));
        if (commits)
        {
            transaction.Commit();
        }
        else
        {
            transaction.Abort();
        }

        string verb = commits ? "commit" : "abort";
        Assert.That(log, Is.EqualTo(new[] { $"{verb} 2", $"{verb} 1", "clean 2", "clean 1" }), "the order");
        Assert.That(transaction.Commit, Throws.TypeOf<InvariantViolationException>(), "it ends once");
        Assert.That(transaction.Abort, Throws.TypeOf<InvariantViolationException>(), "it ends once");
        Assert.That(() => transaction.Add(new LoggingAction("3", log)), Throws.TypeOf<InvariantViolationException>(), "nothing is added afterwards");
    }

    // a -> b -> c -> memory, filters all
    private Task<BlockNode> AddChainAsync() => Fixture.AddAsync(
        "driver=any-role,role=filtered,node-name=a,file.driver=any-role,file.role=filtered,file.node-name=b,file.file.driver=any-role,file.file.role=filtered,file.file.node-name=c,file.file.file.driver=memory,file.file.file.filename=disk");

    private IEnumerable<PermissionSet> Edges() => Fixture.Graph.Nodes.SelectMany(n => n.Children).Select(e => e.Permissions);

    private sealed class LoggingAction(string name, List<string> log) : ITransactionAction
    {
        public Exception? Bug { get; init; }

        public void Commit() => End("commit");

        public void Abort() => End("abort");

        public void Clean() => log.Add($"clean {name}");

        private void End(string verb)
        {
            log.Add($"{verb} {name}");
            if (Bug is not null)
            {
                throw Bug;
            }
        }
    }
}
