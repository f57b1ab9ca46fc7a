using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Tests.Graph;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Backend;

/// <summary>A medium that comes as a part of a larger change.</summary>
[TestFixture]
public sealed class InsertEditTests : GraphTests
{
    [Test]
    public void A_medium_is_exchanged_in_one_change() => Fixture.Run(async () =>
    {
        BlockNode a = await Fixture.AddAsync("driver=memory,filename=a,node-name=a");
        BlockNode b = await Fixture.AddAsync("driver=memory,filename=b,node-name=b");
        await using BlockBackend drive = await Fixture.Graph.CreateBackendAsync(new BackendOptions { Name = "drive" });
        Device device = new();
        drive.AttachDevice(device);
        await Fixture.Graph.ApplyAsync(GraphEdit.Insert(drive, a));
        Assert.That(drive.Root, Is.SameAs(a), "the first medium");
        Assert.That(device.Changes, Is.EqualTo(new[] { true }), "the device has heard of it");
        await Fixture.Graph.ApplyAsync(GraphEdit.Detach(drive.RootEdge!), GraphEdit.Insert(drive, b));
        Assert.That(drive.Root, Is.SameAs(b), "the second");
        Assert.That(a.Parents, Is.Empty, "the first is free");
        drive.DetachDevice();
    });

    [Test]
    public void A_backend_has_one_medium() => Fixture.Run(async () =>
    {
        BlockNode a = await Fixture.AddAsync("driver=memory,filename=a,node-name=a");
        BlockNode b = await Fixture.AddAsync("driver=memory,filename=b,node-name=b");
        await using BlockBackend drive = await Fixture.Graph.CreateBackendAsync(new BackendOptions { Name = "drive" });
        BlockException twice = await Failure.OfAsync(() => Fixture.Graph.ApplyAsync(GraphEdit.Insert(drive, a), GraphEdit.Insert(drive, b)));
        Assert.That(twice.Message, Is.EqualTo("There already is a medium in the device"), "not two at once");
        Assert.That(drive.Root, Is.Null, "and then none");
        await drive.InsertAsync(a);
        BlockException second = await Failure.OfAsync(() => drive.InsertAsync(b));
        Assert.That((second.Kind, second.Message), Is.EqualTo((BlockErrorKind.Busy, "There already is a medium in the device")), "nor a second");
        Assert.That(b.Parents, Is.Empty, "nobody uses it");
    });

    private sealed class Device : IBlockDevice
    {
        public List<bool> Changes { get; } = [];

        public string Id => "device";

        public bool IsRemovable => true;

        public void OnMediumChanged(bool isLoaded) => Changes.Add(isLoaded);
    }
}
