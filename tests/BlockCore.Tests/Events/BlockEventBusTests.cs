using BlockGraph.BlockCore.Events;
using Moq;

namespace BlockGraph.BlockCore.Tests.Events;

/// <summary>Events reach whoever listens for their type, in order of subscription.</summary>
[TestFixture]
public sealed class BlockEventBusTests
{
    private readonly BlockEventBus _bus = new();

    [Test]
    public void A_listener_hears_of_its_type_only()
    {
        Mock<Action<NodeOpened>> opened = new();
        Mock<Action<BlockEvent>> all = new();
        using IDisposable first = _bus.Subscribe(opened.Object);
        using IDisposable second = _bus.Subscribe(all.Object);
        _bus.Publish(new NodeOpened("n", "d"));
        _bus.Publish(new NodeClosed("n"));
        opened.Verify(l => l(new NodeOpened("n", "d")), Times.Once);
        opened.VerifyNoOtherCalls();
        all.Verify(l => l(It.IsAny<BlockEvent>()), Times.Exactly(2));
    }

    [Test]
    public void Listeners_are_called_in_order_of_subscription_until_they_leave()
    {
        List<string> order = [];
        IDisposable first = _bus.Subscribe<BlockWarning>(w => order.Add("first " + w.Message));
        using IDisposable second = _bus.Subscribe<BlockWarning>(w => order.Add("second " + w.Message));
        _bus.Publish(new BlockWarning("1"));
        first.Dispose();
        first.Dispose();
        _bus.Publish(new BlockWarning("2"));
        Assert.That(order, Is.EqualTo(new[] { "first 1", "second 1", "second 2" }), "the calls");
    }

    [Test]
    public void Who_leaves_while_an_event_is_told_still_hears_of_it()
    {
        List<string> order = [];
        IDisposable? second = null;
        using IDisposable first = _bus.Subscribe<BlockWarning>(_ => second!.Dispose());
        second = _bus.Subscribe<BlockWarning>(w => order.Add(w.Message));
        _bus.Publish(new BlockWarning("1"));
        _bus.Publish(new BlockWarning("2"));
        Assert.That(order, Is.EqualTo(new[] { "1" }), "the list that the event met");
    }
}
