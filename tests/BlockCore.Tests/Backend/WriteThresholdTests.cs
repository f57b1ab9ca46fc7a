using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Events;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Backend;

/// <summary>The first write beyond a node's threshold is told, once, and requests pay nothing while there is none.</summary>
[TestFixture]
public sealed class WriteThresholdTests : BackendTests
{
    private readonly List<WriteThresholdExceeded> _events = [];

    [SetUp]
    public void Listen()
    {
        _events.Clear();
        Fixture.Graph.Events.Subscribe<WriteThresholdExceeded>(_events.Add);
    }

    [Test]
    public void A_write_beyond_the_threshold_is_told_once() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenMemoryAsync();
        BlockNode node = backend.Root!;
        Fixture.Graph.SetWriteThreshold(node, 4096);
        await backend.WriteAsync(0, new byte[4096]);
        Assert.That((_events.Count, node.WriteThresholdBytes), Is.EqualTo((0, 4096L)), "up to it, not beyond");
        await backend.WriteAsync(0, new byte[5120]);
        await backend.WriteAsync(8192, new byte[1]);
        Assert.That(_events, Is.EqualTo(new[] { new WriteThresholdExceeded("n", 1024, 4096) }), "beyond it, once");
        Assert.That(node.WriteThresholdBytes, Is.Zero, "it is gone");
        Assert.That(Disk.Log.Count(r => r.Kind == RequestKind.Write), Is.EqualTo(3), "and every write was made");
    });

    [TestCase("off")]
    [TestCase("on")]
    public void Zero_writes_count_and_discards_and_reads_do_not(string detectsZeroes) => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await Fixture.OpenAsync($"driver=memory,filename=disk,node-name=n,discard=unmap,detect-zeroes={detectsZeroes}");
        Fixture.Graph.SetWriteThreshold(backend.Root!, 4096);
        await backend.DiscardAsync(0, 8192);
        await backend.ReadAsync(0, new byte[8192]);
        await backend.FlushAsync();
        await backend.WriteAsync(8192, Array.Empty<byte>());
        await backend.WriteZeroesAsync(8192, 0);
        Assert.That(_events, Is.Empty, "nothing was written beyond it");
        await backend.WriteZeroesAsync(0, 5120);
        Fixture.Graph.SetWriteThreshold(backend.Root!, 1);
        await backend.WriteAsync(1, new byte[1]);
        Assert.That(_events, Is.EqualTo(new[] { new WriteThresholdExceeded("n", 1024, 4096), new WriteThresholdExceeded("n", 1, 1) }), "zeroes, and a buffer of zeroes");
    });

    [Test]
    public void A_threshold_counts_in_its_own_node() => Fixture.Run(async () =>
    {
        // backend -> pass-through -> raw (+4096) -> disk, with a threshold on each
        await using BlockBackend backend = await Fixture.OpenAsync(
            "driver=pass-through,node-name=top,file.driver=raw,file.offset=4096,file.node-name=window,file.file.driver=memory,file.file.filename=disk,file.file.node-name=disk");
        foreach (string name in new[] { "top", "window", "disk" })
        {
            Fixture.Graph.SetWriteThreshold(Fixture.Graph.FindNode(name)!, 4096);
        }

        await backend.WriteAsync(0, new byte[100]);
        Assert.That(_events, Is.EqualTo(new[] { new WriteThresholdExceeded("disk", 100, 4096) }), "below the window the same write lies further out");
        await backend.WriteAsync(4000, new byte[100]);
        Assert.That(_events.Skip(1), Is.EqualTo(new[] { new WriteThresholdExceeded("top", 4, 4096), new WriteThresholdExceeded("window", 4, 4096) }), "then the others, from the top down");
    });

    [Test]
    public void A_write_of_nothing_goes_beyond_no_threshold_of_a_filter() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await Fixture.OpenAsync("driver=pass-through,node-name=top,file.driver=pass-through,file.node-name=middle,file.file.driver=memory,file.file.filename=disk");
        Fixture.Graph.SetWriteThreshold(Fixture.Graph.FindNode("top")!, 4096);
        Fixture.Graph.SetWriteThreshold(Fixture.Graph.FindNode("middle")!, 4096);
        await backend.WriteAsync(8192, Array.Empty<byte>());
        await backend.WriteZeroesAsync(8192, 0);
        Assert.That(_events, Is.Empty, "nothing");
        await backend.WriteAsync(8191, new byte[1]);
        Assert.That(_events, Is.EqualTo(new[] { new WriteThresholdExceeded("top", 4096, 4096), new WriteThresholdExceeded("middle", 4096, 4096) }), "something");
    });

    [Test]
    public void Requests_take_the_short_way_again_once_the_threshold_is_gone() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenMemoryAsync();
        BlockNode node = backend.Root!;
        Assert.That(backend.RootEdge!.Plan().HasWorkOnWrites, Is.False, "before");
        Fixture.Graph.SetWriteThreshold(node, 10);
        Assert.That(backend.RootEdge!.Plan().HasWorkOnWrites, Is.True, "while there is one");
        await backend.WriteAsync(10, new byte[1]);
        Assert.That(backend.RootEdge!.Plan().HasWorkOnWrites, Is.False, "after it was told");
        Fixture.Graph.SetWriteThreshold(node, 10);
        Fixture.Graph.SetWriteThreshold(node, 0);
        await backend.WriteAsync(10, new byte[1]);
        Assert.That((_events.Count, backend.RootEdge!.Plan().HasWorkOnWrites), Is.EqualTo((1, false)), "and after it was taken back");
        Assert.That(() => Fixture.Graph.SetWriteThreshold(node, -1), Throws.TypeOf<ArgumentOutOfRangeException>(), "no threshold");
    });

    [Test]
    public void Of_writes_from_two_contexts_one_tells() => Fixture.Run(async () =>
    {
        BlockBackend backend = await OpenMemoryAsync();
        await backend.AddSubmitterAsync(CreateContext("other"));
        Fixture.Graph.SetWriteThreshold(backend.Root!, 10);
        await Task.WhenAll(backend.Submitters.Select(context => context.RunAsync(async () => await backend.WriteAsync(0, new byte[20]))));
        Assert.That(_events, Is.EqualTo(new[] { new WriteThresholdExceeded("n", 10, 10) }), "one event");
        await backend.DisposeAsync();
    });

    protected override GraphFixture CreateFixture() => new(drivers: [new RawDriver()]);
}
