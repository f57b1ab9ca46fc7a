using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Events;

namespace BlockGraph.BlockCore.Tests.Graph;

/// <summary>The graph tells who comes and who goes.</summary>
[TestFixture]
public sealed class GraphEventTests : GraphTests
{
    [Test]
    public void Nodes_are_announced_children_first_and_leave_parents_first() => Fixture.Run(async () =>
    {
        List<BlockEvent> events = [];
        using IDisposable listening = Fixture.Graph.Events.Subscribe<BlockEvent>(events.Add);
        await using (BlockBackend backend = await Fixture.OpenAsync("driver=pass-through,node-name=top,file.driver=memory,file.filename=disk,file.node-name=bottom"))
        {
            Assert.That(events, Is.EqualTo(new BlockEvent[] { new NodeOpened("bottom", "memory"), new NodeOpened("top", "pass-through") }), "they come");
            events.Clear();
        }

        Assert.That(events, Is.EqualTo(new BlockEvent[] { new NodeClosed("top"), new NodeClosed("bottom") }), "they go");
    });

    [Test]
    public void A_node_whose_opening_failed_was_never_there() => Fixture.Run(async () =>
    {
        List<BlockEvent> events = [];
        using IDisposable listening = Fixture.Graph.Events.Subscribe<BlockEvent>(events.Add);
        await TestKit.Failure.OfAsync(() => Fixture.OpenAsync("driver=pass-through,node-name=top,file=nobody"));
        Assert.That(events, Is.Empty, "not a word");
    });
}
