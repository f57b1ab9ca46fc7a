using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.TestKit;
using BlockGraph.TestKit.Cow;

namespace BlockGraph.BlockCore.Tests.Graph;

/// <summary>Nodes that a user adds and removes by name.</summary>
[TestFixture]
public sealed class MonitorNodeTests : GraphTests
{
    [Test]
    public void An_added_node_stays_without_users_and_is_removed_by_name() => Fixture.Run(async () =>
    {
        BlockNode node = await Fixture.AddAsync("driver=memory,filename=disk,node-name=disk");
        Assert.That(Fixture.Graph.Nodes, Is.EqualTo(new[] { node }), "there");
        await Fixture.Graph.RemoveNodeAsync("disk");
        Assert.That(Fixture.Graph.Nodes, Is.Empty, "gone");
        Assert.That(Fixture.Memory.Storage("disk").OpenCount, Is.Zero, "closed");
    });

    [Test]
    public void An_added_node_needs_a_name() => Fixture.Run(async () => Assert.That(
        (await Failure.OfAsync(() => Fixture.AddAsync("driver=scripted"))).Message,
        Is.EqualTo("'node-name' must be specified for the root node"),
        "the text"));

    [Test]
    public void The_refusals_of_removing_come_in_their_order() => Fixture.Run(async () =>
    {
        await Fixture.AddAsync("driver=memory,filename=disk,node-name=base");
        await Fixture.AddAsync("driver=pass-through,file=base,node-name=filter");
        await Fixture.AddAsync("driver=pass-through,node-name=outer,file.driver=scripted,file.node-name=inline");
        await using BlockBackend backend = await Fixture.Graph.AttachBackendAsync(Fixture.Graph.FindNode("filter")!);
        await using BlockBackend onInline = await Fixture.Graph.AttachBackendAsync(Fixture.Graph.FindNode("inline")!, new BackendOptions { ReadOnly = true });
        await AssertNotRemovedAsync("nobody", BlockErrorKind.NotFound, "Failed to find node with node-name='nobody'");
        await AssertNotRemovedAsync("filter", BlockErrorKind.Busy, "Node filter is in use");
        await AssertNotRemovedAsync("inline", BlockErrorKind.Busy, "Node inline is in use");
        await onInline.DisposeAsync();
        await AssertNotRemovedAsync("inline", BlockErrorKind.NotPermitted, "Node inline is not owned by the monitor");
        await AssertNotRemovedAsync("base", BlockErrorKind.Busy, "Block device base is in use");
        await backend.DisposeAsync();
        await Fixture.Graph.RemoveNodeAsync("filter");
        await Fixture.Graph.RemoveNodeAsync("base");
        await Fixture.Graph.RemoveNodeAsync("outer");
        Assert.That(Fixture.Graph.Nodes, Is.Empty, "the inline child went with its parent");
    });

    [Test]
    public void A_node_that_loses_its_last_user_cannot_be_found_any_more_but_keeps_its_name_until_it_is_closed() => Fixture.Run(async () =>
    {
        // The closing waits for the header to be written; meanwhile somebody asks for the node.
        CowImage.Format(Fixture.Memory.Storage("disk"), new CowImageOptions(64 * 1024));
        BlockBackend backend = await Fixture.OpenAsync("driver=cow,node-name=disk,file.driver=memory,file.filename=disk,file.latency-ns-max=1000");
        await backend.WriteAsync(0, new byte[1]);
        Task closing = backend.DisposeAsync().AsTask();
        while (Fixture.Graph.FindNode("disk") is not null)
        {
            await Fixture.Context.DelayAsync(10);
        }

        Assert.That(Fixture.Memory.Storage("disk").OpenCount, Is.EqualTo(1), "not closed yet");
        Task<BlockException> byReference = Failure.OfAsync(() => Fixture.OpenAsync("driver=pass-through,file=disk"));
        Task<BlockException> byName = Failure.OfAsync(() => Fixture.OpenAsync("driver=memory,filename=other,node-name=disk"));
        BlockException byDevice = await Failure.OfAsync(() => Fixture.OpenAsync("driver=scripted", new BackendOptions { Name = "disk" }));
        Assert.That((await byReference).Message, Is.EqualTo("Cannot find device='disk' nor node-name='disk'"), "not found");
        Assert.That((await byName).Message, Is.EqualTo("Duplicate nodes with node-name='disk'"), "nor free");
        Assert.That(byDevice.Message, Is.EqualTo("Device name 'disk' conflicts with an existing node name"), "for a backend as well");
        await closing;
        Assert.That(Fixture.Memory.Storage("disk").OpenCount, Is.Zero, "closed");
    });

    [Test]
    public void Nodes_that_are_closed_by_two_operations_at_once_are_closed_when_both_return() => Fixture.Run(async () =>
    {
        await Fixture.AddAsync("driver=memory,filename=a,node-name=a,latency-ns-max=1000");
        await Fixture.AddAsync("driver=memory,filename=b,node-name=b,latency-ns-max=1000");
        Task first = Fixture.Graph.RemoveNodeAsync("a");
        await Fixture.Graph.RemoveNodeAsync("b");
        Assert.That(Fixture.Memory.Storage("b").OpenCount, Is.Zero, "the second is closed when its removal returns");
        await first;
        Assert.That(Fixture.Memory.Storage("a").OpenCount, Is.Zero, "the first as well");
    });

    private async Task AssertNotRemovedAsync(string name, BlockErrorKind kind, string message)
    {
        BlockException error = await Failure.OfAsync(() => Fixture.Graph.RemoveNodeAsync(name));
        Assert.That(error.Message, Is.EqualTo(message), "the text");
        Assert.That(error.Kind, Is.EqualTo(kind), message);
    }
}
