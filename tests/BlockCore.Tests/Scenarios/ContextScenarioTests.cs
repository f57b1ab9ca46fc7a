using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Scenarios;

/// <summary>Scenarios 54, 55, 57, 58 and 60: homes of nodes, and what moves with them.</summary>
[TestFixture]
public sealed class ContextScenarioTests : ScenarioTests
{
    private static readonly BackendOptions s_free = new() { AllowsContextChange = true, ShareWrite = true };

    [Test]
    public void S54_Moving_one_node_moves_everything_connected_with_it() => Fixture.Run(async () =>
    {
        //  blkA   blkB
        //   |      |
        //   a      b       c (apart)
        //    \    / \
        //     base   sibling
        AioContext other = Fixture.World.CreateContext("other");
        await Fixture.AddAsync("driver=memory,filename=base,node-name=base");
        BlockNode a = await Fixture.AddAsync("driver=pass-through,node-name=a,file=base");
        BlockNode b = await Fixture.AddAsync("driver=any-role,role=filtered,node-name=b,file=base,second.driver=memory,second.filename=sibling,second.node-name=sibling");
        BlockNode c = await Fixture.AddAsync("driver=memory,filename=c,node-name=c");
        BlockBackend blkA = await World.AttachBackendAsync(a, s_free);
        BlockBackend blkB = await World.AttachBackendAsync(b, s_free);
        await AssertRefusedAsync("Node a is associated with a BlockBackend and could be in use (use force=true to override this check)", GraphEdit.Move(a, other));
        await ApplyAsync(GraphEdit.Move(a, other, isForced: true));
        Assert.That(HomesOf("a", "b", "base", "sibling"), Has.All.EqualTo("other"), "the component");
        Assert.That((blkA.Context, blkB.Context), Is.EqualTo((other, other)), "and its backends");
        Assert.That(c.Context, Is.SameAs(Fixture.Context), "nothing else");
        await blkA.WriteAsync(0, new byte[] { 7 });
        byte[] read = new byte[1];
        await blkB.ReadAsync(0, read);
        Assert.That(read[0], Is.EqualTo(7), "requests go on, from the main context and back");
        Assert.That(Fixture.Context.IsHome, Is.True, "at home again");
        await ApplyAsync(GraphEdit.Move(Node("sibling"), Fixture.Context, isForced: true));
        Assert.That(HomesOf("a", "b", "base", "sibling"), Has.All.EqualTo("main"), "and back, by any of them");
    });

    [Test]
    public void S55_A_diamond_is_moved_once() => Fixture.Run(async () =>
    {
        //      top
        //     /   \
        //   left  right
        //     \   /
        //     base
        AioContext other = Fixture.World.CreateContext("other");
        await Fixture.AddAsync("driver=memory,filename=base,node-name=base");
        await Fixture.AddAsync("driver=pass-through,node-name=left,file=base");
        await Fixture.AddAsync("driver=pass-through,node-name=right,file=base");
        BlockNode top = await Fixture.AddAsync("driver=any-role,role=filtered,node-name=top,file=left,second=right");
        await ApplyAsync(GraphEdit.Move(top, other));
        Assert.That(HomesOf("top", "left", "right", "base"), Has.All.EqualTo("other"), "all of it");
    });

    [Test]
    public void A_backend_that_does_not_allow_it_keeps_everything_where_it_is() => Fixture.Run(async () =>
    {
        // blk (unnamed) -> n <- named
        AioContext other = Fixture.World.CreateContext("other");
        BlockNode n = await Fixture.AddAsync("driver=memory,filename=disk,node-name=n");
        BlockBackend named = await World.AttachBackendAsync(n, new BackendOptions { Name = "drive", ShareWrite = true });
        await ApplyAsync(GraphEdit.Move(n, other, isForced: true));
        Assert.That(named.Context, Is.SameAs(other), "one with a name and no device is nobody's yet");
        BlockBackend blk = await BackendAsync(n);
        Assert.That(blk.Context, Is.SameAs(other), "a new one is where the node is");
        await AssertRefusedAsync("Cannot change iothread of active block backend", GraphEdit.Move(n, Fixture.Context, isForced: true));
        Assert.That((n.Context, named.Context, blk.Context), Is.EqualTo((other, other, other)), "nothing has moved");
        await blk.MoveAsync(Fixture.Context);
        Assert.That((n.Context, named.Context, blk.Context), Is.EqualTo((Fixture.Context, Fixture.Context, Fixture.Context)), "its own user moves it");
    });

    [Test]
    public void S57_A_medium_comes_to_the_backends_home_and_goes_back_when_it_is_taken_out() => Fixture.Run(async () =>
    {
        AioContext other = Fixture.World.CreateContext("other");
        BlockBackend blk = await World.CreateBackendAsync(new BackendOptions { Name = "drive" }, other);
        BlockNode n = await Fixture.AddAsync("driver=memory,filename=disk,node-name=n");
        for (int i = 0; i < 2; i++)
        {
            await blk.InsertAsync(n);
            Assert.That((n.Context, blk.Context), Is.EqualTo((other, other)), $"{i}: inserted, the node comes");
            await blk.ReadAsync(0, new byte[1]);
            await blk.RemoveAsync();
            Assert.That((n.Context, blk.Context), Is.EqualTo((Fixture.Context, other)), $"{i}: taken out, it goes, and the backend stays");
            Assert.That((await Failure.OfRequestAsync(() => blk.ReadAsync(0, new byte[1]))).Message, Is.EqualTo("Device 'drive' has no medium"), $"{i}: it is empty");
        }
    });

    [Test]
    public void S58_A_parent_opened_over_a_node_in_use_elsewhere_comes_to_it() => Fixture.Run(async () =>
    {
        // blk (does not move) -> n in other;  parent -> n
        AioContext other = Fixture.World.CreateContext("other");
        BlockNode n = await Fixture.AddAsync("driver=memory,filename=disk,node-name=n,latency-ns-max=1000");
        BlockBackend blk = await BackendAsync(n);
        await blk.MoveAsync(other);
        BlockNode parent = await Fixture.AddAsync("driver=pass-through,node-name=parent,file=n");
        Assert.That((parent.Context, n.Context), Is.EqualTo((other, other)), "the parent has come");
        await World.RemoveNodeAsync("parent");
        Assert.That(n.Context, Is.SameAs(other), "the node stays with its user");
        await blk.DisposeAsync();
        Assert.That(n.Context, Is.SameAs(Fixture.Context), "without one it goes back to the main context");
    });

    [Test]
    public void A_node_that_nobody_holds_elsewhere_comes_to_the_parent_that_is_opened_over_it() => Fixture.Run(async () =>
    {
        AioContext other = Fixture.World.CreateContext("other");
        BlockNode n = await Fixture.AddAsync("driver=memory,filename=disk,node-name=n");
        await ApplyAsync(GraphEdit.Move(n, other));
        BlockNode parent = await Fixture.AddAsync("driver=pass-through,node-name=parent,file=n");
        Assert.That((parent.Context, n.Context), Is.EqualTo((Fixture.Context, Fixture.Context)), "the child has come");
    });

    [TestCaseSource(nameof(Formats))]
    public void S60_Every_operation_from_the_main_context_on_a_node_elsewhere_has_its_result_and_its_errors(string format) => Fixture.Run(async () =>
    {
        // blk -> n in other; everything is called from main
        const int length = 1 << 20;
        AioContext other = Fixture.World.CreateContext("other");
        BlockBackend blk = await Fixture.OpenAsync("driver=memory,filename=disk,node-name=n,zeroes=on,discard=unmap,latency-ns-max=1000", new BackendOptions { CanResize = true });
        await blk.MoveAsync(other);
        byte[] bytes = [1, 2, 3, 4];
        await blk.WriteAsync(10, bytes);
        byte[] read = new byte[4];
        await blk.ReadAsync(10, read);
        Assert.That(read, Is.EqualTo(bytes), "read what was written");
        await blk.WriteZeroesAsync(11, 2);
        await blk.ReadAsync(10, read);
        Assert.That(read, Is.EqualTo(new byte[] { 1, 0, 0, 4 }), "zeroed");
        await blk.DiscardAsync(0, 512);
        Assert.That(Fixture.Memory.Storage("disk").Log[^1].Kind, Is.EqualTo(RequestKind.Discard), "discarded");
        await blk.FlushAsync();
        Assert.That(Fixture.Memory.Storage("disk").Log[^1].Kind, Is.EqualTo(RequestKind.Flush), "flushed");
        Assert.That((await blk.GetStatusAsync(0, 100)).LengthBytes, Is.EqualTo(100), "status");
        await blk.TruncateAsync(2 * length);
        Assert.That(blk.LengthBytes, Is.EqualTo(2 * length), "longer");
        await blk.TruncateAsync(length);
        Assert.That(blk.LengthBytes, Is.EqualTo(length), "and shorter");
        Assert.That((await Failure.OfAsync(() => blk.CheckAsync())).Message, Is.EqualTo("This image format does not support checks"), "no check");
        await PutImageAsync(Fixture, format, "image", length);
        BlockBackend image = await Fixture.OpenAsync($"driver={format},file.driver=memory,file.filename=image,file.latency-ns-max=1000");
        await image.MoveAsync(other);
        await image.WriteAsync(5000, bytes);
        Assert.That((await image.CheckAsync()).IsClean, Is.True, "check");
        foreach ((long offset, int count) in new[] { (-1L, 1), (length - 1L, 2), ((long)length, 1), (long.MaxValue, 1) })
        {
            Assert.That((await Failure.OfRequestAsync(() => blk.ReadAsync(offset, new byte[count]))).Kind, Is.EqualTo(BlockErrorKind.InputOutput), $"read {offset}+{count}");
            Assert.That((await Failure.OfRequestAsync(() => blk.WriteAsync(offset, new byte[count]))).Kind, Is.EqualTo(BlockErrorKind.InputOutput), $"write {offset}+{count}");
            Assert.That((await Failure.OfRequestAsync(() => blk.WriteZeroesAsync(offset, count))).Kind, Is.EqualTo(BlockErrorKind.InputOutput), $"zero {offset}+{count}");
            Assert.That((await Failure.OfRequestAsync(() => blk.DiscardAsync(offset, count))).Kind, Is.EqualTo(BlockErrorKind.InputOutput), $"discard {offset}+{count}");
        }

        Assert.That((await Failure.OfRequestAsync(async () => await blk.GetStatusAsync(-1, 1))).Kind, Is.EqualTo(BlockErrorKind.InputOutput), "status before the image");
        Assert.That((await blk.GetStatusAsync(length, 1)).Flags, Is.EqualTo(BlockStatusFlags.EndOfFile), "status at its end");
        Assert.That((await Failure.OfAsync(() => blk.TruncateAsync(-1))).Message, Is.EqualTo("Image size cannot be negative"), "negative length");
        Assert.That(Fixture.Context.IsHome, Is.True, "every call came back");
    });

    [Test]
    public void Several_contexts_send_requests_to_one_node_at_once([Values(1, 2, 3, 4, 5)] int seed)
    {
        // blk (home main, submitters a and b) -> pass-through (home only) -> memory; one region a context
        using GraphFixture fixture = new(new SimulationOptions { Seed = seed });
        AioContext[] contexts = [fixture.Context, fixture.World.CreateContext("a"), fixture.World.CreateContext("b")];
        fixture.Run(async () =>
        {
            BlockBackend blk = await fixture.OpenAsync("driver=pass-through,file.driver=memory,file.filename=disk,file.align=512,file.latency-ns-max=20000");
            await blk.AddSubmitterAsync(contexts[1]);
            await blk.AddSubmitterAsync(contexts[2]);
            Assert.That(blk.Submitters, Is.EqualTo(contexts), "who submits");
            await Task.WhenAll(contexts.Select((context, index) => context.RunAsync(() => WriteAndReadAsync(blk, context, index * 10_001))));
            Assert.That(blk.GetCounters(RequestKind.Write).OperationCount, Is.EqualTo(60), "every write is counted, wherever it came from");
            Assert.That(blk.InFlightCount, Is.Zero, "nothing is in flight");
        });
    }

    // Unaligned on purpose: neighbours' blocks are read and rewritten, and must wait for one another across contexts.
    private static async Task WriteAndReadAsync(BlockBackend blk, AioContext context, int start)
    {
        for (int i = 0; i < 20; i++)
        {
            byte[] bytes = [.. Enumerable.Range(i, 100).Select(b => (byte)b)];
            await blk.WriteAsync(start + (i * 500), bytes);
            Assert.That(context.IsHome, Is.True, "a request comes back to its own context");
            byte[] read = new byte[100];
            await blk.ReadAsync(start + (i * 500), read);
            Assert.That(read, Is.EqualTo(bytes), "read what was written");
        }
    }

    private string[] HomesOf(params string[] names) => [.. names.Select(name => Node(name).Context.Name)];
}
