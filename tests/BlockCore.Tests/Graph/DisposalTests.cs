using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Drain;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Events;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Objects;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.TestKit;
using Moq;

namespace BlockGraph.BlockCore.Tests.Graph;

/// <summary>The end of a graph: everything is closed, whatever happens on the way.</summary>
[TestFixture]
public sealed class DisposalTests : GraphTests
{
    protected override GraphFixture CreateFixture() => new(drivers: [new RawDriver()]);

    [Test]
    public void Disposing_the_graph_closes_everything() => Fixture.Run(async () =>
    {
        Mock<IUserObject> group = new();
        Fixture.Graph.Objects.Add("group", group.Object);
        await Fixture.AddAsync("driver=memory,filename=a,node-name=a");
        await Fixture.AddAsync("driver=pass-through,file=a,node-name=over-a");
        BlockBackend backend = await Fixture.OpenAsync("driver=memory,filename=b");
        await Fixture.Graph.DisposeAsync();
        Assert.That(Fixture.Graph.Nodes, Is.Empty, "nodes");
        Assert.That(Fixture.Graph.Backends, Is.Empty, "backends");
        Assert.That(Fixture.Memory.Storage("a").OpenCount + Fixture.Memory.Storage("b").OpenCount, Is.Zero, "storages");
        Assert.That(backend.Root, Is.Null, "the backend has no medium");
        group.Verify(g => g.Dispose(), Times.Once, "objects");
        Assert.That((await Failure.OfAsync<ObjectDisposedException>(() => Fixture.OpenAsync("driver=scripted"))).ObjectName, Does.Contain("NodeGraph"), "no more opens");
        await Failure.OfAsync<ObjectDisposedException>(() => Fixture.AddAsync("driver=scripted,node-name=x"));
        await Fixture.Graph.DisposeAsync();
    });

    [Test]
    public void What_is_being_opened_when_the_graph_is_disposed_is_closed_again() => Fixture.Run(async () =>
    {
        // Both wait for a probe to be read.
        Task opening = Failure.OfAsync<ObjectDisposedException>(() => Fixture.OpenAsync("file.driver=memory,file.filename=disk,file.latency-ns-max=1000"));
        Task adding = Failure.OfAsync<ObjectDisposedException>(() => Fixture.AddAsync("file.driver=memory,file.filename=disk,file.latency-ns-max=1000,node-name=x"));
        Assert.That(Fixture.Memory.Storage("disk").OpenCount, Is.EqualTo(2), "on their way");
        await Fixture.Graph.DisposeAsync();
        await Task.WhenAll(opening, adding);
        Assert.That(Fixture.Graph.Backends, Is.Empty, "no backend came through");
        Assert.That(Fixture.Graph.Nodes, Is.Empty, "no node");
        Assert.That(Fixture.Memory.Storage("disk").OpenCount, Is.Zero, "no storage");
    });

    [Test]
    public void A_flush_that_fails_is_told_once_and_everything_is_closed_all_the_same() => Fixture.Run(async () =>
    {
        BlockBackend first = await Fixture.OpenAsync("driver=memory,filename=a");
        BlockBackend second = await Fixture.OpenAsync("driver=memory,filename=b");
        await first.WriteAsync(0, new byte[1]);
        await second.WriteAsync(0, new byte[1]);
        Fixture.Memory.Storage("a").FailWith(RequestKind.Flush, BlockErrorKind.NoSpace);
        Fixture.Memory.Storage("b").FailWith(RequestKind.Flush, BlockErrorKind.NoSpace);
        Assert.That((await Failure.OfRequestAsync(() => first.DisposeAsync())).Kind, Is.EqualTo(BlockErrorKind.NoSpace), "told to who closes");
        await first.DisposeAsync();
        Assert.That((await Failure.OfRequestAsync(() => Fixture.Graph.DisposeAsync())).Kind, Is.EqualTo(BlockErrorKind.NoSpace), "told to who ends the graph");
        Assert.That(Fixture.Graph.Nodes, Is.Empty, "nodes");
        Assert.That(Fixture.Memory.Storage("a").OpenCount + Fixture.Memory.Storage("b").OpenCount, Is.Zero, "storages");
    });

    [Test]
    public void The_graph_may_be_disposed_while_a_backend_is_closing() => Fixture.Run(async () =>
    {
        BlockBackend backend = await Fixture.OpenAsync("driver=memory,filename=disk,latency-ns-max=1000");
        Task closing = backend.DisposeAsync().AsTask();
        Task again = backend.DisposeAsync().AsTask();
        await Fixture.Graph.DisposeAsync();
        Assert.That(Fixture.Memory.Storage("disk").OpenCount, Is.Zero, "closed when the graph is");
        await Task.WhenAll(closing, again);
    });

    [Test]
    public void A_backend_disposed_while_requests_fly_waits_for_them() => Fixture.Run(async () =>
    {
        BlockBackend backend = await Fixture.OpenAsync("driver=memory,filename=disk,latency-ns-max=1000");
        Task[] writes = [.. Enumerable.Range(0, 5).Select(i => backend.WriteAsync(i, new byte[] { (byte)(i + 1) }).AsTask())];
        await backend.DisposeAsync();
        Assert.That(writes, Has.All.Property("IsCompletedSuccessfully").True, "all landed");
        Assert.That(Fixture.Memory.Storage("disk").Bytes.AsSpan(0, 5).ToArray(), Is.EqualTo(new byte[] { 1, 2, 3, 4, 5 }), "in the storage");
        Assert.That(Fixture.Memory.Storage("disk").Log[^1].Kind, Is.EqualTo(RequestKind.Flush), "and were flushed");
    });

    [Test]
    public void A_request_held_by_a_drain_finds_no_medium_when_its_backend_was_closed_meanwhile() => Fixture.Run(async () =>
    {
        BlockBackend backend = await Fixture.OpenAsync("driver=scripted", new BackendOptions { Name = "drive" });
        DrainScope scope = await backend.DrainAsync();
        Task held = backend.ReadAsync(0, new byte[1]).AsTask();
        await backend.DisposeAsync();
        await scope.DisposeAsync();
        BlockException error = await Failure.OfAsync(() => held);
        Assert.That(error.Kind, Is.EqualTo(BlockErrorKind.NoMedium), "it looked again");
        Assert.That(error.Message, Is.EqualTo("Device 'drive' has no medium"), "the text");
    });

    [Test]
    public void A_node_closed_inside_a_drain_leaves_no_imbalance() => Fixture.Run(async () =>
    {
        BlockBackend backend = await Fixture.OpenAsync("driver=switch-filter,file.driver=memory,file.filename=disk");
        DrainScope scope = await backend.DrainAsync();
        List<NodeClosed> closed = [];
        using IDisposable listening = Fixture.Graph.Events.Subscribe<NodeClosed>(closed.Add);
        await backend.DisposeAsync();
        Assert.That(closed, Has.Count.EqualTo(2), "a drain does not keep nodes");
        int depth = Fixture.Switches.Opened[0].DrainDepth;
        await scope.DisposeAsync();
        Assert.That(Fixture.Switches.Opened[0].DrainDepth, Is.EqualTo(depth), "a closed driver hears no more");
    });
}
