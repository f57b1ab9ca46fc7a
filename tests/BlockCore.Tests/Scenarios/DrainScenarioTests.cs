using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Drain;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.Drivers.Filters.Throttle;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Scenarios;

/// <summary>Scenarios 39 to 48, 51 and 52: drains, and what happens to the graph while they last.</summary>
[TestFixture]
public sealed class DrainScenarioTests : ScenarioTests
{
    public enum Kind
    {
        All,
        Node,
        Subtree,
    }

    protected override GraphFixture CreateFixture() => new(drivers: [Loose, new ThrottleFilterDriver()]);

    [Test]
    public void S39_A_drain_waits_for_the_request_in_flight([Values] Kind kind) => Fixture.Run(async () =>
    {
        //  blk
        //   |
        //   n     sibling
        //    \    /
        //     child (completed by hand)
        BlockNode n = await Fixture.AddAsync("driver=loose,node-name=n");
        BlockNode child = await Fixture.AddAsync("driver=scripted,node-name=child");
        await ApplyAsync(GraphEdit.Attach(n, child, "file", ChildRole.Filtered | ChildRole.Primary));
        BlockNode sibling = await Fixture.AddAsync("driver=pass-through,node-name=sibling,file=child");
        BlockBackend blk = await BackendAsync(n);
        Loose.Log.Clear();
        Task request = blk.ReadAsync(0, new byte[1]).AsTask();
        Task<DrainScope> drain = BeginAsync(kind, n);
        await SettleAsync();
        Assert.That(drain.IsCompleted, Is.False, "the drain waits");
        Fixture.Scripted.Pending.Single().Succeed();
        DrainScope scope = await drain;
        Assert.That(request.IsCompletedSuccessfully, Is.True, "the request is over when the drain has begun");
        Assert.That(Loose.Log, Is.EqualTo(new[] { "begin n" }), "the driver was told");
        int below = kind == Kind.Node ? 0 : 1;
        Assert.That((n.QuiesceCount, blk.QuiesceCount, child.QuiesceCount, sibling.QuiesceCount), Is.EqualTo((1, 1, below, below)), "who is drained");
        Assert.That(Fixture.Scripted.DrainDepth, Is.EqualTo(below), "the child's driver was told where it is");
        await scope.DisposeAsync();
        Assert.That(Loose.Log, Is.EqualTo(new[] { "begin n", "end n" }), "and told of the end");
        Assert.That((n.QuiesceCount, blk.QuiesceCount, child.QuiesceCount, sibling.QuiesceCount), Is.EqualTo((0, 0, 0, 0)), "nobody any more");
        Assert.That(Fixture.Scripted.DrainDepth, Is.Zero, "its driver neither");
    });

    [Test]
    public void S40_Nested_drains_add_up([Values] Kind outer, [Values] Kind inner) => Fixture.Run(async () =>
    {
        // blk -> n -> child
        BlockNode n = await Fixture.AddAsync("driver=pass-through,node-name=n,file.driver=memory,file.filename=disk,file.node-name=child");
        BlockBackend blk = await BackendAsync(n);
        int Below(params Kind[] kinds) => kinds.Count(k => k != Kind.Node);
        await using (await BeginAsync(outer, n))
        {
            Assert.That((n.QuiesceCount, Node("child").QuiesceCount, blk.QuiesceCount), Is.EqualTo((1, Below(outer), 1)), "one");
            await using (await BeginAsync(inner, n))
            {
                Assert.That((n.QuiesceCount, Node("child").QuiesceCount, blk.QuiesceCount), Is.EqualTo((2, Below(outer, inner), 2)), "two");
            }

            Assert.That((n.QuiesceCount, Node("child").QuiesceCount, blk.QuiesceCount), Is.EqualTo((1, Below(outer), 1)), "one again");
        }

        Assert.That((n.QuiesceCount, Node("child").QuiesceCount, blk.QuiesceCount), Is.EqualTo((0, 0, 0)), "none");
    });

    [Test]
    public void S41_A_subtree_drain_quiets_the_other_parent_of_a_shared_child_once() => Fixture.Run(async () =>
    {
        //  blkA   blkB
        //   |      |
        //   a      b
        //    \    /
        //    backing
        (BlockNode a, BlockNode b, BlockNode backing) = await AddTwoParentsAsync();
        BlockBackend blkB = await BackendAsync(b);
        await ApplyAsync(GraphEdit.Attach(b, backing, "backing", ChildRole.Cow));
        await using (await DrainScope.BeginAsync(a, DrainReach.Subtree))
        {
            Assert.That((a.QuiesceCount, b.QuiesceCount, backing.QuiesceCount, blkB.QuiesceCount), Is.EqualTo((1, 1, 1, 1)), "once each");
            await using (await DrainScope.BeginAsync(b, DrainReach.Subtree))
            {
                Assert.That((a.QuiesceCount, b.QuiesceCount, backing.QuiesceCount, blkB.QuiesceCount), Is.EqualTo((2, 2, 2, 2)), "twice each");
            }
        }

        Assert.That((a.QuiesceCount, b.QuiesceCount, backing.QuiesceCount, blkB.QuiesceCount), Is.EqualTo((0, 0, 0, 0)), "over");
    });

    [Test]
    public void S42_Attaching_and_detaching_inside_subtree_drains_adjusts_the_counters() => Fixture.Run(async () =>
    {
        //   a (drained 3 times)     b (drained twice)
        //    \                     :
        //     backing  . . . . . . :      comes, goes and comes again
        (BlockNode a, BlockNode b, BlockNode backing) = await AddTwoParentsAsync();
        List<DrainScope> scopes = [];
        for (int i = 0; i < 5; i++)
        {
            scopes.Add(await DrainScope.BeginAsync(i < 3 ? a : b, DrainReach.Subtree));
        }

        Assert.That((a.QuiesceCount, b.QuiesceCount, backing.QuiesceCount), Is.EqualTo((3, 2, 3)), "apart");
        await ApplyAsync(GraphEdit.SetBacking(b, backing));
        Assert.That((a.QuiesceCount, b.QuiesceCount, backing.QuiesceCount), Is.EqualTo((5, 5, 5)), "together");
        await ApplyAsync(GraphEdit.SetBacking(b, null));
        Assert.That((a.QuiesceCount, b.QuiesceCount, backing.QuiesceCount), Is.EqualTo((3, 2, 3)), "apart again");
        await ApplyAsync(GraphEdit.SetBacking(b, backing));
        Assert.That((a.QuiesceCount, b.QuiesceCount, backing.QuiesceCount), Is.EqualTo((5, 5, 5)), "together again");
        foreach (DrainScope scope in scopes)
        {
            await scope.DisposeAsync();
        }

        Assert.That((a.QuiesceCount, b.QuiesceCount, backing.QuiesceCount), Is.EqualTo((0, 0, 0)), "over");
    });

    [Test]
    public void S43_Nodes_come_and_go_inside_a_drain_of_everything() => Fixture.Run(async () =>
    {
        BlockNode old = await Fixture.AddAsync("driver=loose,node-name=old");
        await using (await World.DrainAllAsync())
        {
            BlockNode fresh = await Fixture.AddAsync("driver=loose,node-name=fresh");
            Assert.That(fresh.QuiesceCount, Is.EqualTo(1), "a node made inside is drained");
            await World.RemoveNodeAsync("old");
            await using (await World.DrainAllAsync())
            {
                Assert.That((old.QuiesceCount, fresh.QuiesceCount), Is.EqualTo((0, 2)), "one that has gone is nobody's");
            }
        }

        Assert.That(Node("fresh").QuiesceCount, Is.Zero, "nothing is left over");
        BlockBackend blk = await BackendAsync(Node("fresh"));
        await blk.ReadAsync(0, new byte[1]);
    });

    [TestCase(false)]
    [TestCase(true)]
    public void S44_A_drained_request_may_need_another_thread_and_do_io_there(bool drainsFromItsOwn) => Fixture.Run(async () =>
    {
        // blk -> n in context a; its request is completed from context b, after a read of another node there, and one of a third in a
        AioContext a = Fixture.World.CreateContext("a");
        AioContext b = Fixture.World.CreateContext("b");
        BlockNode n = await Fixture.AddAsync("driver=scripted,node-name=n");
        BlockBackend blk = await BackendAsync(n);
        await blk.MoveAsync(a);
        BlockBackend other = await Fixture.OpenAsync("driver=memory,filename=other,latency-ns-max=5000");
        await other.MoveAsync(b);
        BlockBackend third = await Fixture.OpenAsync("driver=memory,filename=third,latency-ns-max=5000");
        await third.MoveAsync(a);
        Task request = a.RunAsync(async () => await blk.ReadAsync(0, new byte[1]));
        await WaitUntilAsync(() => Fixture.Scripted.Pending.Count == 1);
        async Task DrainAsync()
        {
            await using (await DrainScope.BeginAsync(n))
            {
                Assert.That(Fixture.Scripted.Pending, Is.Empty, "nothing is pending");
            }
        }

        Task drain = drainsFromItsOwn ? a.RunAsync(DrainAsync) : DrainAsync();
        await SettleAsync();
        Assert.That(drain.IsCompleted, Is.False, "the drain waits");
        await a.RunAsync(async () => await third.ReadAsync(0, new byte[1]));
        Assert.That(drain.IsCompleted, Is.False, "and goes on waiting while its own thread does something else");
        await b.RunAsync(async () =>
        {
            await other.ReadAsync(0, new byte[1]);
            Fixture.Scripted.Pending.Single().Succeed();
        });
        await drain;
        await request;
    });

    [TestCase(false)]
    [TestCase(true)]
    public void S45_A_request_that_completes_may_take_the_graph_apart(bool detachesChildren) => Fixture.Run(async () =>
    {
        // blk -> parent -> child (completed by hand)
        BlockNode parent = await Fixture.AddAsync("driver=loose,node-name=parent");
        BlockNode child = await Fixture.AddAsync("driver=scripted,node-name=child");
        await ApplyAsync(GraphEdit.Attach(parent, child, "file", ChildRole.Filtered | ChildRole.Primary));
        BlockBackend blk = await BackendAsync(parent);
        Task change = Task.CompletedTask;
        async Task ReadThenChangeAsync()
        {
            await blk.ReadAsync(0, new byte[1]);
            change = detachesChildren
                ? ApplyAsync(GraphEdit.Detach(parent.FileChild!))
                : RemoveAsync();
        }

        async Task RemoveAsync()
        {
            await blk.DisposeAsync();
            await World.RemoveNodeAsync("parent");
        }

        Task reading = ReadThenChangeAsync();
        Task<DrainScope> drain = DrainScope.BeginAsync(child).AsTask();
        await SettleAsync();
        Fixture.Scripted.Pending.Single().Succeed();
        DrainScope scope = await drain;
        await reading;
        await change;
        Assert.That((child.QuiesceCount, child.Parents.Count), Is.EqualTo((1, 0)), "the child is drained, and nobody's");
        Assert.That(World.FindNode("parent"), detachesChildren ? Is.Not.Null : Is.Null, "the parent");
        Assert.That(parent.QuiesceCount, Is.Zero, "is reached no more");
        await scope.DisposeAsync();
        Assert.That(child.QuiesceCount, Is.Zero, "over");
    });

    [Test]
    public void S46_A_parent_that_hears_of_the_drain_may_have_the_graph_changed() => Fixture.Run(async () =>
    {
        //   parent                     parent
        //    |           =>             |
        //   old     fresh        old   fresh        scheduled by the parent's hook, while a drain of its subtree waits
        BlockNode parent = await Fixture.AddAsync("driver=loose,node-name=parent");
        BlockNode old = await Fixture.AddAsync("driver=scripted,node-name=old");
        BlockNode fresh = await Fixture.AddAsync("driver=memory,filename=disk,node-name=fresh");
        await ApplyAsync(GraphEdit.Attach(parent, old, "file", ChildRole.Filtered | ChildRole.Primary));
        BlockBackend blk = await BackendAsync(parent);
        Task change = Task.CompletedTask;
        Loose.OnDrainBegin = _ => Fixture.Context.Post(_ => change = ApplyAsync(GraphEdit.Replace(old, fresh)), null);
        Task request = blk.ReadAsync(0, new byte[1]).AsTask();
        Task<DrainScope> drain = DrainScope.BeginAsync(parent, DrainReach.Subtree).AsTask();
        await SettleAsync();
        Fixture.Scripted.Pending.Single().Succeed();
        DrainScope scope = await drain;
        await change;
        await request;
        Assert.That(parent.FileChild!.Node, Is.SameAs(fresh), "changed");
        Assert.That((parent.QuiesceCount, old.QuiesceCount, fresh.QuiesceCount), Is.EqualTo((1, 0, 1)), "who is drained now");
        await scope.DisposeAsync();
        Assert.That((parent.QuiesceCount, old.QuiesceCount, fresh.QuiesceCount), Is.EqualTo((0, 0, 0)), "over");
    });

    [Test]
    public void S47_A_node_appended_over_a_drained_one_is_drained_with_it() => Fixture.Run(async () =>
    {
        // blk -> base (drained)    =>    blk -> overlay -> base
        BlockNode @base = await Fixture.AddAsync("driver=memory,filename=disk,node-name=base");
        BlockBackend blk = await BackendAsync(@base);
        DrainScope scope = await DrainScope.BeginAsync(@base);
        await ApplyAsync(GraphEdit.Append(GraphFixture.Options("driver=pass-through,node-name=overlay"), @base));
        Assert.That((Node("overlay").QuiesceCount, @base.QuiesceCount, blk.QuiesceCount), Is.EqualTo((1, 1, 1)), "drained");
        Task held = blk.ReadAsync(0, new byte[1]).AsTask();
        await SettleAsync();
        Assert.That(held.IsCompleted, Is.False, "held back");
        await scope.DisposeAsync();
        await held;
        Assert.That((Node("overlay").QuiesceCount, @base.QuiesceCount, blk.QuiesceCount), Is.EqualTo((0, 0, 0)), "the end lets go of both");
    });

    [Test]
    public void S48_A_child_is_replaced_whether_the_old_or_the_new_one_is_drained([Values] bool isOldDrained, [Values] bool isNewDrained) => Fixture.Run(async () =>
    {
        //  blk -> parent -> old (a read pending)      =>      blk -> parent -> new
        BlockNode parent = await Fixture.AddAsync("driver=loose,node-name=parent");
        BlockNode old = await Fixture.AddAsync("driver=scripted,node-name=old");
        BlockNode fresh = await Fixture.AddAsync("driver=scripted,node-name=new");
        await ApplyAsync(GraphEdit.Attach(parent, old, "file", ChildRole.Filtered | ChildRole.Primary));
        BlockBackend blk = await BackendAsync(parent);
        Task pending = blk.ReadAsync(0, new byte[1]).AsTask();
        Task<DrainScope>? oldDrain = isOldDrained ? DrainScope.BeginAsync(old).AsTask() : null;
        DrainScope? newDrain = isNewDrained ? await DrainScope.BeginAsync(fresh) : null;
        Loose.Log.Clear();
        Task change = ApplyAsync(GraphEdit.Replace(old, fresh));
        await SettleAsync();
        Assert.That(change.IsCompleted, Is.False, "the pending read is waited for");
        Assert.That(parent.QuiesceCount, Is.GreaterThan(0), "while nothing new begins");
        Fixture.Scripted.Pending.Single().Succeed();
        await change;
        await pending;
        Assert.That(parent.FileChild!.Node, Is.SameAs(fresh), "replaced");
        Assert.That((parent.QuiesceCount, fresh.QuiesceCount), Is.EqualTo(isNewDrained ? (1, 1) : (0, 0)), "the parent is drained if the new child is");
        Assert.That(Loose.Log, isNewDrained ? Has.None.EqualTo("end parent") : Has.One.EqualTo("end parent"), "and was so without a break");
        Task next = blk.ReadAsync(0, new byte[1]).AsTask();
        await SettleAsync();
        Assert.That(Fixture.Scripted.Pending, isNewDrained ? Is.Empty : Has.Count.EqualTo(1), "nothing is sent to a drained child");
        if (oldDrain is not null)
        {
            await (await oldDrain).DisposeAsync();
        }

        Assert.That(parent.QuiesceCount, Is.EqualTo(isNewDrained ? 1 : 0), "the old child's drain is none of the parent's business");
        if (newDrain is not null)
        {
            await newDrain.DisposeAsync();
            await SettleAsync();
        }

        Fixture.Scripted.Pending.Single().Succeed();
        await next;
        Assert.That((parent.QuiesceCount, old.QuiesceCount, fresh.QuiesceCount), Is.EqualTo((0, 0, 0)), "over");
    });

    [Test]
    public void S51_Throttled_requests_do_not_hold_a_drain_up([Values] Kind kind) => Fixture.Run(async () =>
    {
        // blk -> throttle (1 a second) -> memory
        BlockBackend blk = await Fixture.OpenAsync("driver=throttle,node-name=t,limits.iops-total=1,file.driver=memory,file.filename=disk,file.node-name=disk");
        Task[] requests = [.. Enumerable.Range(0, 10).Select(i => blk.ReadAsync(i, new byte[1]).AsTask())];
        await SettleAsync();
        Assert.That(requests.Count(r => !r.IsCompleted), Is.GreaterThan(5), "most wait for their turn");
        long before = Fixture.World.NowNs;
        await using (await BeginAsync(kind, blk.Root!))
        {
            Assert.That(requests, Has.All.Property("IsCompletedSuccessfully").True, "all are through");
            Assert.That(Fixture.World.NowNs - before, Is.LessThan(1_000_000_000), "in no time");
        }
    });

    [Test]
    public void S52_A_drain_from_inside_a_loops_own_work_behaves_as_one_from_outside([Values] Kind kind, [Values] bool isOnAnotherContext) => Fixture.Run(async () =>
    {
        // The drain begins in the middle of a piece of work of the node's context, or of another, with a request in flight.
        AioContext home = isOnAnotherContext ? Fixture.World.CreateContext("other") : Fixture.Context;
        BlockNode n = await Fixture.AddAsync("driver=scripted,node-name=n");
        BlockBackend blk = await BackendAsync(n);
        Task request = blk.ReadAsync(0, new byte[1]).AsTask();
        await WaitUntilAsync(() => Fixture.Scripted.Pending.Count == 1);
        Task drained = home.RunAsync(async () =>
        {
            await home.YieldAsync();
            await using (await BeginAsync(kind, n))
            {
                Assert.That(home.IsHome, Is.True, "it goes on where it was");
                Assert.That((request.IsCompletedSuccessfully, n.QuiesceCount), Is.EqualTo((true, 1)), "with everything quiet");
            }

            Assert.That(home.IsHome, Is.True, "after the end, too");
        });
        await SettleAsync();
        Assert.That(drained.IsCompleted, Is.False, "it waits");
        Fixture.Scripted.Pending.Single().Succeed();
        await drained;
        Assert.That(n.QuiesceCount, Is.Zero, "over");
    });

    private Task<DrainScope> BeginAsync(Kind kind, BlockNode node) => kind switch
    {
        Kind.All => World.DrainAllAsync().AsTask(),
        Kind.Node => DrainScope.BeginAsync(node).AsTask(),
        _ => DrainScope.BeginAsync(node, DrainReach.Subtree).AsTask(),
    };

    private async Task<(BlockNode A, BlockNode B, BlockNode Backing)> AddTwoParentsAsync()
    {
        BlockNode backing = await Fixture.AddAsync("driver=memory,filename=backing,node-name=backing");
        BlockNode a = await Fixture.AddAsync("driver=any-role,node-name=a,file.driver=memory,file.filename=a,backing=backing");
        BlockNode b = await Fixture.AddAsync("driver=any-role,node-name=b,file.driver=memory,file.filename=b");
        return (a, b, backing);
    }

    private async Task WaitUntilAsync(Func<bool> condition)
    {
        while (!condition())
        {
            await Fixture.Context.DelayAsync(1000);
        }
    }
}
