using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Drain;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Backend;

/// <summary>What a device in front of a backend hears, in which order, and what its drains wait for.</summary>
[TestFixture]
public sealed class BackendDeviceTests : BackendTests
{
    [Test]
    public void A_backend_has_one_device_at_a_time() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenMemoryAsync(new BackendOptions { Name = "drive" });
        RecordingDevice first = new();
        backend.AttachDevice(first);
        BlockException refusal = Assert.Throws<BlockException>(() => backend.AttachDevice(new RecordingDevice("dev1")))!;
        Assert.That((refusal.Kind, refusal.Message), Is.EqualTo((BlockErrorKind.Busy, "block device 'drive' is in use by device 'dev0'")), "the second");
        Assert.That(backend.Device, Is.SameAs(first), "the first stays");
        backend.DetachDevice();
        backend.DetachDevice();
        backend.AttachDevice(new RecordingDevice("dev1"));
        Assert.That((backend.Device!.Id, first.Log.Count), Is.EqualTo(("dev1", 0)), "the next; the first has heard of nothing");
    });

    [Test]
    public void A_device_hears_of_the_first_drain_and_of_the_last() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenMemoryAsync();
        RecordingDevice device = new();
        backend.AttachDevice(device);
        DrainScope outer = await backend.DrainAsync();
        DrainScope inner = await backend.DrainAsync();
        Assert.That(device.Log, Is.EqualTo(new[] { "drained begin", "drained poll", "drained poll" }), "begun once, asked each time");
        await outer.DisposeAsync();
        Assert.That(device.Log, Has.Count.EqualTo(3), "one drain is left");
        await inner.DisposeAsync();
        Assert.That(device.Log.Last(), Is.EqualTo("drained end"), "over");
    });

    [Test]
    public void A_drain_waits_until_the_device_has_nothing_under_way() => Fixture.Run(async () =>
    {
        // While it is asked, the device ends what it has begun, which takes one more request that it makes directly; then it is idle.
        await using BlockBackend backend = await OpenMemoryAsync(new BackendOptions { QueuesWhileDrained = false });
        CoQueue work = new();
        int left = 2;
        RecordingDevice device = new() { Poll = PollAsync };
        async Task<bool> PollAsync()
        {
            if (left == 0)
            {
                return false;
            }

            await work.WaitAsync();
            await backend.WriteAsync(left--, new byte[] { 1 });
            return true;
        }

        backend.AttachDevice(device);
        Task<DrainScope> drain = backend.DrainAsync().AsTask();
        for (int i = 0; i < 2; i++)
        {
            await SettleAsync();
            Assert.That(drain.IsCompleted, Is.False, "the device is busy");
            work.WakeNext();
        }

        await using (await drain)
        {
            Assert.That((left, Disk.Log.Count), Is.EqualTo((0, 2)), "all done");
            Assert.That(device.Log, Is.EqualTo(new[] { "drained begin", "drained poll", "drained poll", "drained poll" }), "asked until it was idle");
        }
    });

    [Test]
    public void A_user_that_stops_by_itself_is_not_held_back() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenScriptedAsync(new BackendOptions { QueuesWhileDrained = false });
        BlockBackend other = await Fixture.Graph.AttachBackendAsync(backend.Root!, new BackendOptions { ReadOnly = true });
        Task flying = backend.WriteAsync(0, new byte[1]).AsTask();
        Task<DrainScope> drain = backend.DrainAsync().AsTask();
        Task last = backend.WriteAsync(1, new byte[1]).AsTask();
        Task held = other.ReadAsync(2, new byte[1]).AsTask();
        await SettleAsync();
        Assert.That(Fixture.Scripted.Pending.Select(p => p.Offset), Is.EqualTo(new[] { 0, 1 }), "its own goes on, the other's waits");
        Fixture.Scripted.Pending[0].Succeed();
        await SettleAsync();
        Assert.That(drain.IsCompleted, Is.False, "the last one is waited for");
        Fixture.Scripted.Pending[0].Succeed();
        await Task.WhenAll(flying, last);
        await (await drain).DisposeAsync();
        await SettleAsync();
        Fixture.Scripted.Pending.Single().Succeed();
        await held;
        await other.DisposeAsync();
    });

    [Test]
    public void A_device_goes_on_before_what_was_held_back() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenMemoryAsync();
        List<string> order = [];
        RecordingDevice device = new() { Resumed = () => order.Add("device") };
        backend.AttachDevice(device);
        async Task WriteAsync()
        {
            await backend.WriteAsync(0, new byte[1]);
            order.Add("write");
        }

        Task held;
        await using (await backend.DrainAsync())
        {
            held = WriteAsync();
            await SettleAsync();
            Assert.That(order, Is.Empty, "held back");
        }

        await held;
        Assert.That(order, Is.EqualTo(new[] { "device", "write" }), "the device was told first");
    });

    [Test]
    public void A_device_that_comes_or_goes_during_a_drain_hears_of_its_begin_and_its_end() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenMemoryAsync();
        RecordingDevice device = new();
        await using (await backend.DrainAsync())
        {
            backend.AttachDevice(device);
            Assert.That(device.Log, Is.EqualTo(new[] { "drained begin" }), "it comes");
            backend.DetachDevice();
            Assert.That(device.Log, Is.EqualTo(new[] { "drained begin", "drained end" }), "it goes");
        }

        Assert.That(device.Log, Has.Count.EqualTo(2), "and hears no more");
    });

    [Test]
    public void A_new_length_is_told_on_the_main_context_after_the_request() => Fixture.Run(async () =>
    {
        VirtualTimeAioContext other = CreateContext("other");
        await using BlockBackend backend = await OpenMemoryAsync(new BackendOptions { CanResize = true });
        RecordingDevice device = new();
        backend.AttachDevice(device);
        await backend.MoveAsync(other);
        device.Log.Clear();
        await other.RunAsync(() => backend.TruncateAsync(4096));
        await SettleAsync();
        Assert.That(device.Log, Is.EqualTo(new[] { "resized 4096" }), "told once");
        await backend.TruncateAsync(4096);
        await SettleAsync();
        Assert.That(device.Log, Has.Count.EqualTo(1), "the same length is no news");
        backend.DetachDevice();
        await backend.TruncateAsync(8192);
        await SettleAsync();
        Assert.That((device.Log.Count, backend.LengthBytes), Is.EqualTo((1, 8192L)), "whoever is gone does not hear it");
    });

    [Test]
    public void A_device_without_a_tray_hears_of_each_medium() => Fixture.Run(async () =>
    {
        BlockNode node = await Fixture.AddAsync("driver=memory,filename=disk,node-name=n");
        await using BlockBackend backend = await Fixture.Graph.CreateBackendAsync();
        RecordingDevice device = new() { IsRemovable = true };
        backend.AttachDevice(device);
        await backend.InsertAsync(node);
        await backend.RemoveAsync();
        await Failure.OfAsync(backend.RemoveAsync);
        Assert.That(device.Log.Where(l => !l.StartsWith("drained", StringComparison.Ordinal)), Is.EqualTo(new[] { "loaded", "unloaded" }), "in and out");
    });

    [Test]
    public void A_fixed_device_keeps_its_medium() => Fixture.Run(async () =>
    {
        BlockNode node = await Fixture.AddAsync("driver=memory,filename=disk,node-name=n");
        await using BlockBackend backend = await Fixture.Graph.AttachBackendAsync(node);
        await using BlockBackend empty = await Fixture.Graph.CreateBackendAsync();
        backend.AttachDevice(new RecordingDevice());
        empty.AttachDevice(new RecordingDevice("dev1"));
        Assert.That((await Failure.OfAsync(backend.RemoveAsync)).Message, Is.EqualTo("Device 'dev0' is not removable"), "taken out");
        Assert.That((await Failure.OfAsync(() => empty.InsertAsync(node))).Message, Is.EqualTo("Device is not removable"), "put in");
        Assert.That((await Failure.OfAsync(() => backend.OpenTrayAsync())).Message, Is.EqualTo("Device 'dev0' is not removable"), "opened");
        Assert.That((await Failure.OfAsync(backend.CloseTrayAsync)).Message, Is.EqualTo("Device 'dev0' is not removable"), "closed");
        Assert.That((backend.Root, empty.Root), Is.EqualTo((node, (BlockNode?)null)), "as it was");
    });

    [Test]
    public void A_named_backend_moves_with_its_node_until_a_device_uses_it() => Fixture.Run(async () =>
    {
        BlockBackend backend = await OpenMemoryAsync(new BackendOptions { Name = "drive" });
        backend.AttachDevice(new RecordingDevice());
        VirtualTimeAioContext other = CreateContext("other");
        BlockException refusal = await Failure.OfAsync(() => Fixture.Graph.ApplyAsync(BlockCore.Transactions.GraphEdit.Move(backend.Root!, other, isForced: true)));
        Assert.That((refusal.Message, backend.Context), Is.EqualTo(("Cannot change iothread of active block backend", Fixture.Context)), "a device uses it");
        backend.DetachDevice();
        await Fixture.Graph.ApplyAsync(BlockCore.Transactions.GraphEdit.Move(backend.Root!, other, isForced: true));
        Assert.That(backend.Context, Is.SameAs(other), "nobody does");
        await backend.DisposeAsync();
    });
}
