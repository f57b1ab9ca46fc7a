using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Objects;
using Moq;

namespace BlockGraph.BlockCore.Tests.Objects;

/// <summary>User-created objects by id: added, found, removed unless in use, disposed newest first.</summary>
[TestFixture]
public sealed class ObjectRegistryTests
{
    private ObjectRegistry _registry = null!;

    [SetUp]
    public void SetUp() => _registry = new ObjectRegistry();

    [TearDown]
    public void TearDown() => _registry.Dispose();

    [Test]
    public void An_object_is_found_by_id_and_type()
    {
        IUserObject added = Mock.Of<IUserObject>();
        _registry.Add("a", added);
        Assert.That(_registry.TryGet("a", out IUserObject? found), Is.True, "there");
        Assert.That(found, Is.SameAs(added), "itself");
        Assert.That(_registry.TryGet<OtherObject>("a", out _), Is.False, "of another type");
        Assert.That(_registry.TryGet<IUserObject>("b", out _), Is.False, "unknown");
        Assert.That(_registry.All.Select(o => o.Key), Is.EqualTo(new[] { "a" }), "listed");
    }

    [Test]
    public void A_taken_id_is_refused()
    {
        _registry.Add("a", Mock.Of<IUserObject>());
        Assert.That(
            () => _registry.Add("a", Mock.Of<IUserObject>()),
            Throws.TypeOf<BlockException>().With.Message.EqualTo("attempt to add duplicate property 'a' to object (type 'container')").And.Property("Kind").EqualTo(BlockErrorKind.AlreadyExists),
            "the text that users match on");
    }

    [Test]
    public void An_object_that_cannot_come_into_effect_is_not_added()
    {
        Mock<IUserObject> broken = new();
        broken.Setup(o => o.Complete()).Throws(new BlockException("broken"));
        Assert.That(() => _registry.Add("a", broken.Object), Throws.TypeOf<BlockException>().With.Message.EqualTo("broken"), "why");
        Assert.That(_registry.All, Is.Empty, "not added");
        broken.Verify(o => o.Dispose(), Times.Never, "it is the caller's still");
    }

    [Test]
    public void The_type_of_the_container_is_no_id() =>
        Assert.That(() => _registry.Add("type", Mock.Of<IUserObject>()), Throws.TypeOf<BlockException>().With.Message.EqualTo("attempt to add duplicate property 'type' to object (type 'container')"), "as every object has a property of that name");

    [Test]
    public void An_object_in_use_stays()
    {
        Mock<IUserObject> used = new();
        used.SetupGet(o => o.IsInUse).Returns(true);
        _registry.Add("a", used.Object);
        Assert.That(() => _registry.Remove("a"), Throws.TypeOf<BlockException>().With.Message.EqualTo("object 'a' is in use, can not be deleted").And.Property("Kind").EqualTo(BlockErrorKind.Busy), "in use");
        Assert.That(() => _registry.Remove("b"), Throws.TypeOf<BlockException>().With.Message.EqualTo("object 'b' not found").And.Property("Kind").EqualTo(BlockErrorKind.NotFound), "unknown");
        used.Verify(o => o.Dispose(), Times.Never);
        used.SetupGet(o => o.IsInUse).Returns(false);
        _registry.Remove("a");
        used.Verify(o => o.Dispose(), Times.Once);
    }

    [Test]
    public void The_end_disposes_the_newest_first()
    {
        List<string> order = [];
        foreach (string id in new[] { "a", "b", "c" })
        {
            Mock<IUserObject> item = new();
            item.Setup(o => o.Dispose()).Callback(() => order.Add(id));
            _registry.Add(id, item.Object);
        }

        _registry.Dispose();
        Assert.That(order, Is.EqualTo(new[] { "c", "b", "a" }), "the order");
        Assert.That(_registry.All, Is.Empty, "nothing is left");
    }

    private sealed class OtherObject : IUserObject
    {
        public string TypeName => "other";

        public bool IsInUse => false;

        public IReadOnlyList<ObjectProperty> Properties => [];

        public void Complete()
        {
        }

        public void Dispose()
        {
        }
    }
}
