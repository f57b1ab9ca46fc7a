using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Drain;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Events;
using BlockGraph.Drivers.Filters.Blkdebug;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Blkdebug;

/// <summary>Requests that stop where they are told to: what qemu-io 7.2 does with break, wait_break, resume and remove_break.</summary>
[TestFixture]
public sealed class BlkdebugBreakpointTests : BlkdebugFixture
{
    [Test]
    public void A_request_stops_at_its_event_until_its_tag_is_resumed() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("");
        BlkdebugInstance debug = InstanceOf(backend);
        debug.SetBreakpoint(DebugEvent.Pwritev, "A");
        Assert.That(debug.IsSuspended("A"), Is.False, "nothing has come yet");
        Task write = backend.WriteAsync(0, new byte[] { 1 }).AsTask();
        await debug.WaitForSuspensionAsync("A");
        Assert.That((debug.IsSuspended("A"), debug.IsSuspended("B")), Is.EqualTo((true, false)), "it waits under its tag");
        await backend.ReadAsync(4096, new byte[512]);
        await backend.WriteAsync(8192, new byte[] { 2 });
        Assert.That(write.IsCompleted, Is.False, "others go on");
        Assert.That(backend.InFlightCount, Is.EqualTo(1), "it is in flight");
        Assert.That(Fixture.Memory.Storage("disk").Bytes[0], Is.Zero, "it has not reached the child");
        Assert.That(debug.Resume("A"), Is.True, "resumed");
        await write;
        Assert.That(Fixture.Memory.Storage("disk").Bytes[0], Is.EqualTo(1), "it has now");
        Assert.That((debug.IsSuspended("A"), debug.Resume("A")), Is.EqualTo((false, false)), "nothing waits any more");
    });

    [Test]
    public void A_breakpoint_stops_one_request() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("");
        BlkdebugInstance debug = InstanceOf(backend);
        debug.SetBreakpoint(DebugEvent.Pwritev, "A");
        Task first = backend.WriteAsync(0, new byte[512]).AsTask();
        await debug.WaitForSuspensionAsync("A");
        await backend.WriteAsync(4096, new byte[512]);
        Assert.That(debug.SuspendedTags, Is.EqualTo(new[] { "A" }), "the first only");
        debug.Resume("A");
        await first;
        await backend.WriteAsync(0, new byte[512]);
    });

    [Test]
    public void A_request_that_meets_two_breakpoints_at_once_waits_for_both() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("");
        BlkdebugInstance debug = InstanceOf(backend);
        debug.SetBreakpoint(DebugEvent.Pwritev, "A");
        debug.SetBreakpoint(DebugEvent.Pwritev, "B");
        Task write = backend.WriteAsync(0, new byte[512]).AsTask();
        await debug.WaitForSuspensionAsync("B");
        Assert.That(debug.IsSuspended("A"), Is.True, "both at once");
        debug.Resume("A");
        await debug.WaitForSuspensionAsync("B");
        Assert.That(write.IsCompleted, Is.False, "the second holds it");
        debug.Resume("B");
        await write;
    });

    [Test]
    public void A_tag_may_wait_at_several_events() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("");
        BlkdebugInstance debug = InstanceOf(backend);
        debug.SetBreakpoint(DebugEvent.Pwritev, "A");
        debug.SetBreakpoint(DebugEvent.PwritevDone, "A");
        Task write = backend.WriteAsync(0, new byte[] { 1 }).AsTask();
        await debug.WaitForSuspensionAsync("A");
        debug.Resume("A");
        await debug.WaitForSuspensionAsync("A");
        Assert.That(Fixture.Memory.Storage("disk").Bytes[0], Is.EqualTo(1), "written, and not done");
        Assert.That(write.IsCompleted, Is.False, "not done");
        debug.Resume("A");
        await write;
    });

    [Test]
    public void Removing_a_tag_takes_its_breakpoints_away_and_lets_go_what_waits() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("");
        BlkdebugInstance debug = InstanceOf(backend);
        Assert.That((debug.RemoveBreakpoint("A"), debug.Resume("A")), Is.EqualTo((false, false)), "there is none");
        debug.SetBreakpoint(DebugEvent.Pwritev, "A");
        Assert.That(debug.RemoveBreakpoint("A"), Is.True, "before anything came");
        await backend.WriteAsync(0, new byte[512]);
        debug.SetBreakpoint(DebugEvent.Pwritev, "A");
        Task write = backend.WriteAsync(0, new byte[512]).AsTask();
        await debug.WaitForSuspensionAsync("A");
        Assert.That(debug.RemoveBreakpoint("A"), Is.True, "while one waits");
        await write;
        Assert.That(debug.SuspendedTags, Is.Empty, "nothing waits");
    });

    [Test]
    public void A_drain_waits_for_what_is_suspended() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("");
        BlkdebugInstance debug = InstanceOf(backend);
        debug.SetBreakpoint(DebugEvent.Pwritev, "A");
        Task write = backend.WriteAsync(0, new byte[512]).AsTask();
        await debug.WaitForSuspensionAsync("A");
        Task<DrainScope> draining = backend.DrainAsync().AsTask();
        await Fixture.Context.DelayAsync(1_000_000_000);
        Assert.That(draining.IsCompleted, Is.False, "as long as it takes");
        debug.Resume("A");
        await (await draining).DisposeAsync();
        await write;
    });

    // The scenario that breakpoints were made for: two unaligned writes in one block.
    [Test]
    public void Two_unaligned_writes_in_one_block_both_last() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("align=4096");
        BlkdebugInstance debug = InstanceOf(backend);
        debug.SetBreakpoint(DebugEvent.PwritevRmwAfterTail, "A");
        Task first = backend.WriteAsync(512, new byte[] { 1, 1 }).AsTask();
        await debug.WaitForSuspensionAsync("A");
        Task second = backend.WriteAsync(1024, new byte[] { 2, 2 }).AsTask();
        await Fixture.Context.DelayAsync(1_000_000);
        Assert.That(second.IsCompleted, Is.False, "the second waits for the first, which has read the block");
        debug.Resume("A");
        await Task.WhenAll(first, second);
        byte[] bytes = Fixture.Memory.Storage("disk").Bytes;
        Assert.That((bytes[512], bytes[1024]), Is.EqualTo((1, 2)), "both are there");
    });

    // The block is padded above blkdebug, whether a breakpoint stands there now or not.
    [Test]
    public void A_write_after_a_breakpoint_was_hit_waits_for_the_one_that_hit_it() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await Fixture.OpenAsync("driver=blkdebug,image.driver=raw,image.file.driver=memory,image.file.filename=disk,image.file.align=512");
        BlkdebugInstance debug = InstanceOf(backend);
        debug.SetBreakpoint(DebugEvent.PwritevRmwAfterTail, "A");
        Task first = backend.WriteAsync(10, new byte[] { 1 }).AsTask();
        await debug.WaitForSuspensionAsync("A");
        Task second = backend.WriteAsync(20, new byte[] { 2 }).AsTask();
        await Fixture.Context.DelayAsync(1_000_000);
        Assert.That(second.IsCompleted, Is.False, "it waits");
        debug.Resume("A");
        await Task.WhenAll(first, second);
        byte[] bytes = Fixture.Memory.Storage("disk").Bytes;
        Assert.That((bytes[10], bytes[20]), Is.EqualTo((1, 2)), "both are there");
    });

    [Test]
    public void Breakpoints_are_set_and_resumed_from_another_context() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("");
        BlkdebugInstance debug = InstanceOf(backend);
        await backend.MoveAsync(Fixture.World.CreateContext("other"));
        for (int i = 0; i < 3; i++)
        {
            debug.SetBreakpoint(DebugEvent.Pwritev, "A");
            Task write = backend.WriteAsync(0, new byte[512]).AsTask();
            await debug.WaitForSuspensionAsync("A");
            Assert.That(Fixture.Context.IsHome, Is.True, "whoever waited is where it was");
            Assert.That(debug.Resume("A"), Is.True, "resumed from here");
            await write;
        }
    });

    [Test]
    public void Each_suspension_and_its_end_is_an_event_the_newest_breakpoint_first() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("");
        BlkdebugInstance debug = InstanceOf(backend);
        List<DebugSuspension> seen = [];
        using IDisposable listening = Fixture.Graph.Events.Subscribe<DebugSuspension>(seen.Add);
        debug.SetBreakpoint(DebugEvent.Pwritev, "A");
        debug.SetBreakpoint(DebugEvent.Pwritev, "B");
        Task write = backend.WriteAsync(0, new byte[512]).AsTask();
        await debug.WaitForSuspensionAsync("A");
        debug.Resume("A");
        debug.RemoveBreakpoint("B");
        await write;
        string node = backend.Root!.Name;
        Assert.That(seen, Is.EqualTo(new DebugSuspension[] { new(node, "B", false), new(node, "A", false), new(node, "A", true), new(node, "B", true) }));
    });

    [Test]
    public void A_breakpoint_is_there_until_it_has_stopped_a_request() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("");
        BlkdebugInstance debug = InstanceOf(backend);
        Assert.That(debug.HasBreakpoint("A"), Is.False, "not set yet");
        debug.SetBreakpoint(DebugEvent.Pwritev, "A");
        Assert.That((debug.HasBreakpoint("A"), debug.HasBreakpoint("B")), Is.EqualTo((true, false)), "set under its tag");
        Task write = backend.WriteAsync(0, new byte[512]).AsTask();
        await debug.WaitForSuspensionAsync("A");
        Assert.That(debug.HasBreakpoint("A"), Is.False, "it has stopped one");
        debug.Resume("A");
        await write;
    });

    [Test]
    public void Taking_everything_away_lets_everything_go_on() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("");
        BlkdebugInstance debug = InstanceOf(backend);
        debug.SetBreakpoint(DebugEvent.Pwritev, "A");
        debug.SetBreakpoint(DebugEvent.PwritevDone, "never");
        Task first = backend.WriteAsync(0, new byte[512]).AsTask();
        await debug.WaitForSuspensionAsync("A");
        debug.SetBreakpoint(DebugEvent.Pwritev, "B");
        Task second = backend.WriteAsync(4096, new byte[512]).AsTask();
        await debug.WaitForSuspensionAsync("B");
        Assert.That(debug.RemoveAllBreakpoints(), Is.EqualTo(new[] { "A", "B" }), "what has waited, the oldest first");
        await first;
        await second;
        Assert.That((debug.HasBreakpoint("never"), debug.SuspendedTags.Count), Is.EqualTo((false, 0)), "nothing is left");
        await backend.WriteAsync(0, new byte[512]);
    });

    [TestCase(true)]
    [TestCase(false)]
    public void A_count_of_events_does_not_depend_on_plans(bool usesPlans)
    {
        using GraphFixture fixture = NewFixture(usesPlans: usesPlans);
        fixture.Run(async () =>
        {
            // Of the events of one write (raw's and blkdebug's own) the second activates the rule.
            await using BlockBackend backend = await fixture.OpenAsync(
                "driver=raw,file.driver=blkdebug,file.image.driver=memory,file.image.filename=disk,"
                + "file.set-state.0.event=pwritev,file.set-state.0.state=1,file.set-state.0.new_state=2,file.inject-error.0.event=pwritev,file.inject-error.0.state=2,file.inject-error.0.once=on");
            await Failure.OfRequestAsync(() => backend.WriteAsync(0, new byte[512]));
            await backend.WriteAsync(0, new byte[512]);
        });
    }
}
