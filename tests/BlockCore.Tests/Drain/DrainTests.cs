using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Drain;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Tests.Graph;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Drain;

/// <summary>A drained node is quiet: whom a drain reaches, what it waits for, who comes and goes meanwhile.</summary>
[TestFixture]
public sealed class DrainTests : GraphTests
{
    private static readonly BackendOptions s_reader = new() { ReadOnly = true };

    [Test]
    public void Drains_nest_and_the_driver_hears_of_the_first_and_the_last() => Fixture.Run(async () =>
    {
        BlockBackend backend = await OpenScriptedAsync();
        DrainScope outer = await backend.DrainAsync();
        DrainScope inner = await backend.DrainAsync();
        Assert.That(backend.Root!.QuiesceCount, Is.EqualTo(2), "they are counted");
        Assert.That(Fixture.Scripted.DrainDepth, Is.EqualTo(1), "the driver was told once");
        Task held = backend.ReadAsync(0, new byte[1]).AsTask();
        await outer.DisposeAsync();
        await SettleAsync();
        Assert.That(Fixture.Scripted.Pending, Is.Empty, "one drain is enough to hold requests back");
        await inner.DisposeAsync();
        await inner.DisposeAsync();
        Assert.That(Fixture.Scripted.DrainDepth, Is.Zero, "the driver was told of the end");
        await SettleAsync();
        Fixture.Scripted.Pending.Single().Succeed();
        await held;
    });

    [Test]
    public void A_nested_drain_waits_as_well() => Fixture.Run(async () =>
    {
        BlockBackend backend = await OpenScriptedAsync();
        Task flying = backend.ReadAsync(0, new byte[1]).AsTask();
        Task<DrainScope> first = backend.DrainAsync().AsTask();
        Task<DrainScope> second = backend.DrainAsync().AsTask();
        await SettleAsync();
        Assert.That((first.IsCompleted, second.IsCompleted), Is.EqualTo((false, false)), "both wait");
        Fixture.Scripted.Pending.Single().Succeed();
        await (await first).DisposeAsync();
        await (await second).DisposeAsync();
        Assert.That(flying.IsCompletedSuccessfully, Is.True, "for the one request");
    });

    [Test]
    public void A_drain_may_begin_and_end_on_another_context() => Fixture.Run(async () =>
    {
        VirtualTimeAioContext other = Fixture.World.CreateContext("other");
        BlockBackend backend = await OpenScriptedAsync();
        Task flying = backend.ReadAsync(0, new byte[1]).AsTask();
        Task there = other.RunAsync(async () =>
        {
            await using (await backend.DrainAsync())
            {
                Assert.That(other.IsHome, Is.True, "the drainer goes on at its own home");
                Assert.That(flying.IsCompletedSuccessfully, Is.True, "nothing flies");
            }

            Assert.That(other.IsHome, Is.True, "after the end as well");
        });
        await SettleAsync();
        Fixture.Scripted.Pending.Single().Succeed();
        await there;
    });

    [Test]
    public void Two_backends_of_one_node_are_drained_together() => Fixture.Run(async () =>
    {
        //  first   second
        //      \   /
        //      base
        BlockBackend first = await OpenScriptedAsync();
        BlockBackend second = await Fixture.Graph.AttachBackendAsync(first.Root!, s_reader);
        Task a = first.ReadAsync(0, new byte[1]).AsTask();
        Task b = second.ReadAsync(1, new byte[1]).AsTask();
        Task<DrainScope> drain = first.DrainAsync().AsTask();
        await SettleAsync();
        Fixture.Scripted.Pending[0].Succeed();
        await SettleAsync();
        Assert.That((a.IsCompleted, drain.IsCompleted), Is.EqualTo((true, false)), "the other's request still flies");
        Fixture.Scripted.Pending.Single().Succeed();
        await using (await drain)
        {
            Assert.That(b.IsCompleted, Is.True, "both are done");
            Task held = second.ReadAsync(2, new byte[1]).AsTask();
            await SettleAsync();
            Assert.That(Fixture.Scripted.Pending, Is.Empty, "the other's new request is held back");
            Assert.That(held.IsCompleted, Is.False, "until the end");
        }

        await SettleAsync();
        Fixture.Scripted.Pending.Single().Succeed();
    });

    [TestCase(DrainReach.Node, 0)]
    [TestCase(DrainReach.Subtree, 1)]
    public void A_drain_reaches_upward_and_a_subtree_drain_downward_as_well(DrainReach reach, int belowCount) => Fixture.Run(async () =>
    {
        // backend -> top -> middle -> bottom <- side <- sideBackend
        BlockBackend backend = await Fixture.OpenAsync("driver=pass-through,node-name=top,file.driver=pass-through,file.node-name=middle,file.file.driver=memory,file.file.filename=disk,file.file.node-name=bottom");
        await Fixture.AddAsync("driver=pass-through,node-name=side,file=bottom");
        await using (await DrainScope.BeginAsync(Fixture.Graph.FindNode("middle")!, reach))
        {
            Assert.That(QuiesceCounts("top", "middle"), Is.EqualTo(new[] { 1, 1 }), "the node and what is above");
            Assert.That(QuiesceCounts("bottom", "side"), Is.EqualTo(new[] { belowCount, belowCount }), "what is below, and its other users");
        }

        Assert.That(QuiesceCounts("top", "middle", "bottom", "side"), Has.All.Zero, "all over");
    });

    [Test]
    public void In_a_diamond_every_node_is_counted_once() => Fixture.Run(async () =>
    {
        await Fixture.AddAsync("driver=memory,filename=disk,node-name=base");
        await Fixture.AddAsync("driver=pass-through,node-name=left,file=base");
        BlockNode top = await Fixture.AddAsync("driver=any-role,role=filtered,node-name=top,file=base,second=left");
        BlockBackend backend = await Fixture.Graph.AttachBackendAsync(top, s_reader);
        await using (await backend.DrainAsync())
        {
            Assert.That(QuiesceCounts("top", "left", "base"), Has.All.EqualTo(1), "once each");
        }
    });

    [Test]
    public void A_request_that_completes_may_change_the_graph_while_the_drain_waits() => Fixture.Run(async () =>
    {
        BlockBackend backend = await OpenScriptedAsync();
        Task closing = Task.CompletedTask;
        async Task ReadThenCloseAsync()
        {
            await backend.ReadAsync(0, new byte[1]);
            closing = backend.DisposeAsync().AsTask();
        }

        Task reading = ReadThenCloseAsync();
        BlockNode root = backend.Root!;
        Task<DrainScope> drain = DrainScope.BeginAsync(root).AsTask();
        await SettleAsync();
        Fixture.Scripted.Pending.Single().Succeed();
        await using (await drain)
        {
            await reading;
            await closing;
            Assert.That(Fixture.Graph.Nodes, Is.Empty, "the node was closed inside its own drain");
        }
    });

    [Test]
    public void A_held_request_meets_the_graph_as_it_is_afterwards() => Fixture.Run(async () =>
    {
        BlockBackend backend = await Fixture.OpenAsync("driver=switch-filter,file.driver=memory,file.filename=disk");
        SwitchFilter filter = Fixture.Switches.Opened[0];
        await backend.WriteAsync(0, new byte[1]);
        Assert.That(filter.SeenCount, Is.Zero, "skipped while it has no work");
        Task held;
        await using (await backend.DrainAsync())
        {
            held = backend.WriteAsync(0, new byte[1]).AsTask();
            filter.SwitchTo(true);
        }

        await held;
        Assert.That(filter.SeenCount, Is.EqualTo(1), "seen");
    });

    [Test]
    public void A_backend_that_comes_to_a_drained_node_starts_out_drained() => Fixture.Run(async () =>
    {
        BlockNode node = await Fixture.AddAsync("driver=scripted,node-name=n");
        BlockBackend late;
        Task held;
        await using (await DrainScope.BeginAsync(node))
        {
            late = await Fixture.Graph.AttachBackendAsync(node);
            held = late.ReadAsync(0, new byte[1]).AsTask();
            await SettleAsync();
            Assert.That(Fixture.Scripted.Pending, Is.Empty, "its requests wait like everybody's");
        }

        await SettleAsync();
        Fixture.Scripted.Pending.Single().Succeed();
        await held;
    });

    [Test]
    public void A_tree_opened_over_a_drained_node_starts_out_drained() => Fixture.Run(async () =>
    {
        // new backend -> filter -> n, where n is drained, by two scopes that end in the order they began
        BlockNode node = await Fixture.AddAsync("driver=memory,filename=disk,node-name=n");
        DrainScope first = await DrainScope.BeginAsync(node);
        BlockBackend late = await Fixture.OpenAsync("driver=switch-filter,node-name=filter,file=n");
        DrainScope second = await DrainScope.BeginAsync(node);
        SwitchFilter filter = Fixture.Switches.Opened[0];
        Assert.That(QuiesceCounts("filter", "n"), Is.EqualTo(new[] { 2, 2 }), "drained with its child");
        Assert.That(filter.DrainDepth, Is.EqualTo(1), "and its driver knows");
        Task held = late.ReadAsync(0, new byte[1]).AsTask();
        await first.DisposeAsync();
        await SettleAsync();
        Assert.That(held.IsCompleted, Is.False, "one drain is left");
        await second.DisposeAsync();
        await held;
        Assert.That(QuiesceCounts("filter", "n"), Has.All.Zero, "all over");
        Assert.That(filter.DrainDepth, Is.Zero, "for its driver as well");
    });

    [Test]
    public void A_drain_begins_while_a_tree_above_is_still_being_opened() => Fixture.Run(async () =>
    {
        // 'top' has its edge to n already, and waits for its other child to be probed.
        BlockNode node = await Fixture.AddAsync("driver=memory,filename=disk,node-name=n");
        Fixture.Memory.Storage("slow");
        Task<BlockBackend> opening = Fixture.OpenAsync("driver=any-role,role=filtered,node-name=top,file=n,second.driver=magic,second.file.driver=memory,second.file.filename=slow");
        DrainScope scope = await DrainScope.BeginAsync(node);
        BlockBackend backend = await opening;
        Task held = backend.ReadAsync(0, new byte[1]).AsTask();
        await SettleAsync();
        Assert.That(held.IsCompleted, Is.False, "drained");
        await scope.DisposeAsync();
        await held;
        Assert.That(QuiesceCounts("top", "n"), Has.All.Zero, "all over");
    });

    [Test]
    public void A_status_query_is_held_back_and_waited_for_like_a_request() => Fixture.Run(async () =>
    {
        BlockBackend backend = await Fixture.OpenAsync("driver=memory,filename=disk");
        Task<BlockStatus> held;
        await using (await backend.DrainAsync())
        {
            held = backend.GetStatusAsync(0, 1).AsTask();
            await SettleAsync();
            Assert.That(held.IsCompleted, Is.False, "held back");
        }

        Assert.That((await held).LengthBytes, Is.EqualTo(1), "answered afterwards");
        Assert.That(backend.InFlightCount, Is.Zero, "counted out");
    });

    [Test]
    public void A_held_request_can_be_cancelled() => Fixture.Run(async () =>
    {
        BlockBackend backend = await OpenScriptedAsync();
        using CancellationTokenSource source = new();
        await using (await backend.DrainAsync())
        {
            Task read = backend.ReadAsync(0, new byte[1], cancel: source.Token).AsTask();
            Task flush = backend.FlushAsync(source.Token).AsTask();
            source.Cancel();
            await Failure.OfAsync<OperationCanceledException>(() => read);
            await Failure.OfAsync<OperationCanceledException>(() => flush);
        }

        await SettleAsync();
        Assert.That(Fixture.Scripted.Pending, Is.Empty, "it had no effect");
    });

    private Task<BlockBackend> OpenScriptedAsync() => Fixture.OpenAsync("driver=scripted");

    private int[] QuiesceCounts(params string[] names) => [.. names.Select(n => Fixture.Graph.FindNode(n)!.QuiesceCount)];

    private async Task SettleAsync()
    {
        for (int i = 0; i < 20; i++)
        {
            await Fixture.Context.YieldAsync();
        }
    }
}
