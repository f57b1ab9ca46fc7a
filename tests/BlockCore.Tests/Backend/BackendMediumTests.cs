using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Drain;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Backend;

/// <summary>The medium of a backend comes and goes, under requests, under drains, and at awkward moments.</summary>
[TestFixture]
public sealed class BackendMediumTests : BackendTests
{
    private static readonly BackendOptions s_reader = new() { ReadOnly = true };
    private CheckedProtocol _checked = null!;

    protected override GraphFixture CreateFixture()
    {
        _checked = new CheckedProtocol();
        return new GraphFixture(drivers: [_checked]);
    }

    [Test]
    public void A_medium_is_put_in_and_taken_out_and_put_in_again() => Fixture.Run(async () =>
    {
        BlockNode node = await Fixture.AddAsync("driver=memory,filename=disk,node-name=n");
        await using BlockBackend backend = await Fixture.Graph.CreateBackendAsync(new BackendOptions { Name = "drive" });
        Assert.That((await Failure.OfRequestAsync(() => backend.ReadAsync(0, new byte[1]))).Message, Is.EqualTo("Device 'drive' has no medium"), "empty");
        await backend.InsertAsync(node);
        await backend.WriteAsync(5, new byte[] { 7 });
        Assert.That((backend.LengthBytes, backend.Root), Is.EqualTo((1L << 20, node)), "there it is");
        BlockException second = await Failure.OfAsync(() => backend.InsertAsync(node));
        Assert.That((second.Kind, second.Message), Is.EqualTo((BlockErrorKind.Busy, "There already is a medium in the device")), "one at a time");
        await backend.RemoveAsync();
        Assert.That((backend.Root, node.Parents.Count, backend.LengthBytes), Is.EqualTo(((BlockNode?)null, 0, 0L)), "gone");
        Assert.That((await Failure.OfAsync(backend.RemoveAsync)).Kind, Is.EqualTo(BlockErrorKind.NoMedium), "there is none to take out");
        await backend.InsertAsync(node);
        byte[] read = new byte[1];
        await backend.ReadAsync(5, read);
        Assert.That(read[0], Is.EqualTo(7), "the same medium again");
        Assert.That(backend.GetCounters(RequestKind.Read), Has.Property("OperationCount").EqualTo(1).And.Property("InvalidCount").EqualTo(1), "counters outlive media");
    });

    [Test]
    public void A_backend_remembers_how_its_last_medium_was_used() => Fixture.Run(async () =>
    {
        await Fixture.AddAsync("driver=memory,filename=disk,node-name=plain");
        await Fixture.AddAsync("driver=memory,filename=other,node-name=special,read-only=on,detect-zeroes=on,cache.direct=on,cache.no-flush=on");
        await using BlockBackend backend = await Fixture.Graph.CreateBackendAsync(new BackendOptions { ReadOnly = true, ShareWrite = true });
        Assert.That(backend.Remembered, Is.Null, "nothing yet");
        await backend.InsertAsync(Fixture.Graph.FindNode("special")!);
        await backend.RemoveAsync();
        Assert.That(backend.Remembered, Is.EqualTo(new RememberedRoot(true, DetectZeroesMode.On, true, true)), "the special one");
        await backend.InsertAsync(Fixture.Graph.FindNode("plain")!);
        Assert.That(backend.Remembered!.IsReadOnly, Is.True, "until the next is taken out");
        await backend.RemoveAsync();
        Assert.That(backend.Remembered, Is.EqualTo(new RememberedRoot(false, DetectZeroesMode.Off, false, false)), "the plain one");
    });

    [Test]
    public void A_medium_that_must_stay_stays_and_nothing_is_remembered() => Fixture.Run(async () =>
    {
        //  reader -> base <- backing - overlay
        BlockNode node = await Fixture.AddAsync("driver=memory,filename=disk,node-name=base,read-only=on");
        await Fixture.AddAsync("driver=any-role,node-name=overlay,file.driver=memory,file.filename=top,backing=base");
        await using BlockBackend reader = await Fixture.Graph.AttachBackendAsync(node, s_reader);
        BlockException refusal = await Failure.OfAsync(reader.RemoveAsync);
        Assert.That(refusal.Message, Is.EqualTo("Node 'base' is busy: node is used as backing hd of 'overlay'"), "the reason");
        Assert.That((reader.Root, reader.Remembered), Is.EqualTo((node, (RememberedRoot?)null)), "as it was");
        await reader.ReadAsync(0, new byte[1]);
    });

    [Test]
    public void A_medium_whose_other_users_object_is_not_put_in() => Fixture.Run(async () =>
    {
        BlockBackend writer = await OpenMemoryAsync();
        await using BlockBackend second = await Fixture.Graph.CreateBackendAsync(new BackendOptions { Name = "second" });
        BlockException refusal = await Failure.OfAsync(() => second.InsertAsync(writer.Root!));
        Assert.That(refusal.Message, Does.StartWith("Permission conflict on node 'n'"), "the reason");
        Assert.That((second.Root, writer.Root!.Parents.Count), Is.EqualTo(((BlockNode?)null, 1)), "nothing is left of it");
        await writer.DisposeAsync();
    });

    [Test]
    public void Taking_a_medium_out_waits_for_its_requests_and_refuses_later_ones() => Fixture.Run(async () =>
    {
        BlockBackend backend = await OpenScriptedAsync();
        Task flying = backend.ReadAsync(0, new byte[1]).AsTask();
        Task removal = backend.RemoveAsync();
        Task late = backend.ReadAsync(1, new byte[1]).AsTask();
        await SettleAsync();
        Assert.That((removal.IsCompleted, Fixture.Scripted.Pending.Count), Is.EqualTo((false, 1)), "it waits, and holds the late one back");
        Fixture.Scripted.Pending.Single().Succeed();
        await removal;
        await flying;
        Assert.That((await Failure.OfAsync(() => late)).Kind, Is.EqualTo(BlockErrorKind.NoMedium), "too late");
    });

    [Test]
    public void A_medium_can_be_exchanged_inside_a_drain() => Fixture.Run(async () =>
    {
        BlockNode first = await Fixture.AddAsync("driver=memory,filename=disk,node-name=first");
        BlockNode next = await Fixture.AddAsync("driver=memory,filename=other,node-name=next");
        await using BlockBackend backend = await Fixture.Graph.AttachBackendAsync(first);
        DrainScope drain = await DrainScope.BeginAsync(first);
        Task held = backend.WriteAsync(0, new byte[] { 1 }).AsTask();
        await backend.RemoveAsync();
        await SettleAsync();
        Assert.That((await Failure.OfAsync(() => held)).Kind, Is.EqualTo(BlockErrorKind.NoMedium), "the drain reaches the backend no more, and there is no medium");
        await backend.InsertAsync(next);
        await backend.WriteAsync(0, new byte[] { 2 });
        await backend.RemoveAsync();
        await backend.InsertAsync(first);
        held = backend.WriteAsync(0, new byte[] { 3 }).AsTask();
        await SettleAsync();
        Assert.That((held.IsCompleted, backend.QuiesceCount), Is.EqualTo((false, 1)), "back in the drained node");
        await drain.DisposeAsync();
        await held;
        Assert.That((Disk.Bytes[0], Fixture.Memory.Storage("other").Bytes[0], backend.QuiesceCount), Is.EqualTo((3, 2, 0)), "each medium has its own");
    });

    [Test]
    public void Of_two_insertions_at_once_one_wins() => Fixture.Run(async () =>
    {
        // Each node comes over from the main context, and waits for a request of another user.
        (BlockNode a, BlockNode b) = (await Fixture.AddAsync("driver=scripted,node-name=a"), await Fixture.AddAsync("driver=scripted,node-name=b"));
        BackendOptions follower = new() { ReadOnly = true, AllowsContextChange = true };
        BlockBackend[] users = [await Fixture.Graph.AttachBackendAsync(a, follower), await Fixture.Graph.AttachBackendAsync(b, follower)];
        Task[] reads = [.. users.Select(u => u.ReadAsync(0, new byte[1]).AsTask())];
        await using BlockBackend backend = await Fixture.Graph.CreateBackendAsync(s_reader, CreateContext("other"));
        Task first = backend.InsertAsync(a);
        Task second = backend.InsertAsync(b);
        await SettleAsync();
        Fixture.Scripted.Pending.ToList().ForEach(p => p.Succeed());
        await first;
        Assert.That((await Failure.OfAsync(() => second)).Message, Is.EqualTo("There already is a medium in the device"), "the second");
        await Task.WhenAll(reads);
        Assert.That((backend.Root, a.Parents.Count, b.Parents.Count), Is.EqualTo((a, 2, 1)), "one edge");
        Assert.That((a.Context, b.Context), Is.EqualTo((backend.Context, Fixture.Context)), "and only its node has moved");
    });

    [Test]
    public void Of_two_removals_at_once_one_finds_nothing() => Fixture.Run(async () =>
    {
        BlockNode node = await Fixture.AddAsync("driver=scripted,node-name=n");
        await using BlockBackend backend = await Fixture.Graph.AttachBackendAsync(node);
        Task flying = backend.ReadAsync(0, new byte[1]).AsTask();
        Task first = backend.RemoveAsync();
        Task second = backend.RemoveAsync();
        await SettleAsync();
        Fixture.Scripted.Pending.Single().Succeed();
        await flying;
        await first;
        Assert.That((await Failure.OfAsync(() => second)).Kind, Is.EqualTo(BlockErrorKind.NoMedium), "the second");
        Assert.That(Fixture.Graph.FindNode("n"), Is.SameAs(node), "the graph's own reference is still there");
    });

    [Test]
    public void A_medium_may_be_taken_out_while_its_backend_is_closed() => Fixture.Run(async () =>
    {
        BlockNode node = await Fixture.AddAsync("driver=scripted,node-name=n");
        BlockBackend backend = await Fixture.Graph.AttachBackendAsync(node);
        Task flying = backend.ReadAsync(0, new byte[1]).AsTask();
        Task closing = backend.DisposeAsync().AsTask();
        Task removal = backend.RemoveAsync();
        Task detaching = Fixture.Graph.ApplyAsync(GraphEdit.Detach(backend.RootEdge!));
        await SettleAsync();
        Fixture.Scripted.Pending.Single().Succeed();
        await flying;
        await closing;
        await Failure.OfAsync<ObjectDisposedException>(() => removal);
        try
        {
            await detaching;
        }
        catch (BlockException refusal)
        {
            Assert.That(refusal.Message, Does.Contain("no longer uses"), "the closing came first");
        }

        Assert.That((node.Parents.Count, Fixture.Graph.FindNode("n")), Is.EqualTo((0, node)), "taken away once");
    });

    [Test]
    public void An_edge_is_taken_away_once() => Fixture.Run(async () =>
    {
        BlockNode node = await Fixture.AddAsync("driver=memory,filename=disk,node-name=n");
        await using BlockBackend backend = await Fixture.Graph.AttachBackendAsync(node, new BackendOptions { Name = "drive" });
        BlockChild edge = backend.RootEdge!;
        await Fixture.Graph.ApplyAsync(GraphEdit.Detach(edge));
        BlockException refusal = await Failure.OfAsync(() => Fixture.Graph.ApplyAsync(GraphEdit.Detach(edge)));
        Assert.That((refusal.Kind, refusal.Message), Is.EqualTo((BlockErrorKind.NotFound, "block device 'drive' no longer uses node 'n' as 'root' child")), "the second time");
        Assert.That(Fixture.Graph.FindNode("n"), Is.SameAs(node), "the graph's own reference is still there");
    });

    [Test]
    public void A_closed_backend_takes_no_medium_and_does_not_move() => Fixture.Run(async () =>
    {
        BlockNode node = await Fixture.AddAsync("driver=memory,filename=disk,node-name=n");
        BlockBackend backend = await Fixture.Graph.CreateBackendAsync();
        await backend.DisposeAsync();
        await Failure.OfAsync<ObjectDisposedException>(() => backend.InsertAsync(node));
        await Failure.OfAsync<ObjectDisposedException>(() => backend.MoveAsync(CreateContext("other")));
        Assert.That(node.Parents, Is.Empty, "nobody uses the node");
    });

    [Test]
    public void Closing_lets_held_requests_find_no_medium() => Fixture.Run(async () =>
    {
        BlockNode node = await Fixture.AddAsync("driver=memory,filename=disk,node-name=n");
        BlockBackend backend = await Fixture.Graph.AttachBackendAsync(node);
        await backend.WriteAsync(0, new byte[1]);
        await using (await DrainScope.BeginAsync(node))
        {
            Task held = backend.WriteAsync(0, new byte[1]).AsTask();
            Task heldFlush = backend.FlushAsync().AsTask();
            await Task.WhenAll(backend.DisposeAsync().AsTask(), backend.DisposeAsync().AsTask());
            Assert.That((await Failure.OfAsync(() => held)).Kind, Is.EqualTo(BlockErrorKind.NoMedium), "a write");
            Assert.That((await Failure.OfAsync(() => heldFlush)).Kind, Is.EqualTo(BlockErrorKind.NoMedium), "a flush");
        }

        Assert.That(Disk.Log.Select(r => r.Kind), Is.EqualTo(new[] { RequestKind.Write, RequestKind.Flush }), "only the closing itself flushed");
        Assert.That(node.QuiesceCount, Is.Zero, "the drain is over");
    });

    [Test]
    public void The_failure_of_the_last_flush_is_told_once() => Fixture.Run(async () =>
    {
        BlockBackend backend = await OpenMemoryAsync();
        await backend.WriteAsync(0, new byte[1]);
        Disk.FailWith(RequestKind.Flush, BlockErrorKind.NoSpace);
        ValueTask first = backend.DisposeAsync();
        ValueTask second = backend.DisposeAsync();
        Assert.That((await Failure.OfRequestAsync(() => first)).Kind, Is.EqualTo(BlockErrorKind.NoSpace), "to the first");
        await second;
        await backend.DisposeAsync();
        Assert.That((Disk.OpenCount, Fixture.Graph.Backends.Count), Is.EqualTo((0, 0)), "it is closed all the same");
    });

    [Test]
    public void An_empty_backend_moves_with_its_counters() => Fixture.Run(async () =>
    {
        VirtualTimeAioContext other = CreateContext("other");
        await using BlockBackend backend = await Fixture.Graph.CreateBackendAsync();
        await Failure.OfRequestAsync(() => backend.ReadAsync(0, new byte[1]));
        await backend.MoveAsync(Fixture.Context);
        Assert.That(backend.GetCounters(RequestKind.Read).InvalidCount, Is.EqualTo(1), "it was there already");
        await backend.MoveAsync(other);
        await Failure.OfRequestAsync(() => backend.ReadAsync(0, new byte[1]));
        Assert.That((backend.Context, backend.Submitters.Count, backend.QuiesceCount), Is.EqualTo((other, 1, 0)), "moved");
        Assert.That(backend.GetCounters(RequestKind.Read).InvalidCount, Is.EqualTo(2), "what was counted before and after");
    });

    [Test]
    public void A_closed_node_is_not_put_in() => Fixture.Run(async () =>
    {
        BlockNode node = await Fixture.AddAsync("driver=memory,filename=disk,node-name=n");
        await Fixture.Graph.RemoveNodeAsync("n");
        await using BlockBackend backend = await Fixture.Graph.CreateBackendAsync();
        BlockException refusal = await Failure.OfAsync(() => backend.InsertAsync(node));
        Assert.That((refusal.Kind, refusal.Message), Is.EqualTo((BlockErrorKind.NotFound, "Node 'n' is closed")), "the reason");
        Assert.That((await Failure.OfAsync(() => Fixture.Graph.AttachBackendAsync(node))).Kind, Is.EqualTo(BlockErrorKind.NotFound), "nor got a new backend");
        Assert.That((Disk.OpenCount, node.Parents.Count, Fixture.Graph.Backends.Count), Is.EqualTo((0, 0, 1)), "it was closed once");
    });

    [Test]
    public void A_drain_waits_for_the_last_flush_of_a_backend_that_closes() => Fixture.Run(async () =>
    {
        BlockNode node = await Fixture.AddAsync("driver=memory,filename=disk,latency-ns-max=1000,node-name=n");
        BlockBackend backend = await Fixture.Graph.AttachBackendAsync(node);
        await backend.WriteAsync(0, new byte[1]);
        Task closing = backend.DisposeAsync().AsTask();
        await SettleAsync();
        Assert.That((closing.IsCompleted, Disk.Log.Count), Is.EqualTo((false, 1)), "the flush is under way");
        await using (await DrainScope.BeginAsync(node))
        {
            Assert.That(Disk.Log, Has.Count.EqualTo(2), "and over where it is quiet");
        }

        await closing;
    });

    [TestCase("close")]
    [TestCase("remove")]
    [TestCase("detach")]
    public void A_check_is_over_before_its_image_is_closed(string how) => Fixture.Run(async () =>
    {
        BlockBackend backend = await Fixture.OpenAsync("driver=checked,node-name=n");
        Task<ImageCheck> check = backend.CheckAsync();
        await SettleAsync();
        Task ending = how switch
        {
            "close" => backend.DisposeAsync().AsTask(),
            "remove" => backend.RemoveAsync(),
            _ => Fixture.Graph.ApplyAsync(GraphEdit.Detach(backend.RootEdge!)),
        };
        await SettleAsync();
        Assert.That(_checked.IsOpen, Is.True, "it is still being looked at");
        _checked.Finish.WakeNext();
        Assert.That((await check).LeakCount, Is.EqualTo(3), "what it found");
        await ending;
        Assert.That((_checked.IsOpen, Fixture.Graph.Nodes.Count), Is.EqualTo((false, 0)), "then closed");
        Assert.That((await Failure.OfAsync(() => backend.CheckAsync())).Kind, Is.EqualTo(BlockErrorKind.NoMedium), "nothing is left to check");
        await backend.DisposeAsync();
    });
}
