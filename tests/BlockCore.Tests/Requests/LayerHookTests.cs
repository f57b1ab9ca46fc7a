using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Tests.Graph;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Requests;

/// <summary>What a layer can ask of the core: to hear where requests are, to have writes one at a time, to flush its children itself.</summary>
[TestFixture]
public sealed class LayerHookTests : GraphTests
{
    private readonly HookFilterDriver _hooks = new();

    [SetUp]
    public void ClearLog() => _hooks.Log.Clear();

    protected override GraphFixture CreateFixture() => new(drivers: [_hooks, new RawDriver()]);

    // offset, length | the events and the requests of the layer, in order
    [TestCase(0, 512, new[] { "pwritev", "write 0+512", "pwritev_done" }, Description = "aligned")]
    [TestCase(100, 100, new[] { "pwritev_rmw_head", "pwritev_rmw_tail", "read 0+512", "pwritev_rmw_after_head", "pwritev_rmw_after_tail", "pwritev", "write 0+512", "pwritev_done" }, Description = "in one block")]
    [TestCase(100, 2000, new[] { "pwritev_rmw_head", "read 0+512", "pwritev_rmw_after_head", "pwritev_rmw_tail", "read 2048+512", "pwritev_rmw_after_tail", "pwritev", "write 0+2560", "pwritev_done" }, Description = "both edges")]
    [TestCase(512, 100, new[] { "pwritev_rmw_tail", "read 512+512", "pwritev_rmw_after_tail", "pwritev", "write 512+512", "pwritev_done" }, Description = "the tail")]
    [TestCase(100, 412, new[] { "pwritev_rmw_head", "read 0+512", "pwritev_rmw_after_head", "pwritev", "write 0+512", "pwritev_done" }, Description = "the head")]
    public void A_layer_that_listens_hears_of_every_step_of_a_write(long offset, int length, string[] log) => Fixture.Run(async () =>
    {
        BlockBackend backend = await Fixture.OpenAsync("driver=hooks,hears=on,file.driver=memory,file.filename=disk,file.align=512");
        await backend.WriteAsync(offset, new byte[length]);
        Assert.That(_hooks.Log, Is.EqualTo(log), "in order");
    });

    [Test]
    public void A_zero_write_and_a_failing_write_have_their_events_too() => Fixture.Run(async () =>
    {
        BlockBackend backend = await Fixture.OpenAsync("driver=hooks,hears=on,file.driver=memory,file.filename=disk,file.align=512");
        await backend.WriteZeroesAsync(100, 924);
        Assert.That(_hooks.Log.Where(l => l.StartsWith('p')), Is.EqualTo(new[] { "pwritev_rmw_head", "pwritev_rmw_after_head", "pwritev", "pwritev_done", "pwritev_zero", "pwritev_done" }), "the head as a buffer, the rest as zeros");
        _hooks.Log.Clear();
        Fixture.Memory.Storage("disk").FailWith(RequestKind.Write, BlockErrorKind.NoSpace);
        Assert.That((await Failure.OfRequestAsync(() => backend.WriteAsync(0, new byte[512]))).Kind, Is.EqualTo(BlockErrorKind.NoSpace), "the failure");
        Assert.That(_hooks.Log, Is.EqualTo(new[] { "pwritev", "write 0+512", "pwritev_done" }), "the end of a failed write is an event as well");
    });

    // raw -> pass-through -> hooks -> memory: raw and hooks are layers with requests of their own
    [TestCase(true)]
    [TestCase(false)]
    public void Layers_above_raise_their_own_events_whether_plans_are_used_or_not(bool usesPlans)
    {
        HookFilterDriver hooks = new();
        using GraphFixture fixture = new(drivers: [hooks, new RawDriver()], graphOptions: new NodeGraphOptions { UsesPlans = usesPlans });
        fixture.Run(async () =>
        {
            BlockBackend backend = await fixture.OpenAsync("driver=raw,file.driver=pass-through,file.file.driver=hooks,file.file.hears=on,file.file.file.driver=memory,file.file.file.filename=disk");
            await backend.WriteAsync(0, new byte[512]);
            Assert.That(hooks.Log, Is.EqualTo(new[] { "pwritev", "write_aio", "pwritev", "write 0+512", "pwritev_done", "pwritev_done" }), "raw's around the listener's");
            hooks.Log.Clear();
            await backend.Root!.FileChild!.DebugEventAsync(DebugEvent.L2Load);
            Assert.That(hooks.Log, Is.EqualTo(new[] { "l2_load" }), "a driver's own event goes down to the listener");
        });
    }

    [TestCase(1, new[] { "write 100+100" }, Description = "transparent: padded below, if anywhere")]
    [TestCase(512, new[] { "read 0+512", "write 0+512" }, Description = "what reaches it keeps to its limits")]
    public void A_filter_with_limits_of_its_own_gets_requests_that_keep_to_them(int alignmentBytes, string[] log) => Fixture.Run(async () =>
    {
        BlockBackend backend = await Fixture.OpenAsync($"driver=hooks,align={alignmentBytes},file.driver=memory,file.filename=disk");
        await backend.WriteAsync(100, new byte[100]);
        Assert.That(_hooks.Log, Is.EqualTo(log), "the filter's requests");
    });

    [Test]
    public void Where_nobody_listens_an_event_is_nothing() => Fixture.Run(async () =>
    {
        BlockBackend backend = await Fixture.OpenAsync("driver=raw,file.driver=hooks,file.file.driver=memory,file.file.filename=disk");
        await backend.Root!.FileChild!.DebugEventAsync(DebugEvent.L2Load);
        Assert.That(_hooks.Log, Is.Empty, "unheard");
    });

    [Test]
    public void A_layer_that_flushes_its_child_itself_is_left_to_it() => Fixture.Run(async () =>
    {
        BlockBackend self = await Fixture.OpenAsync("driver=hooks,flushes=on,file.driver=memory,file.filename=a");
        BlockBackend core = await Fixture.OpenAsync("driver=hooks,file.driver=memory,file.filename=b");
        foreach (BlockBackend backend in new[] { self, core })
        {
            await backend.WriteAsync(0, new byte[1]);
            await backend.FlushAsync();
        }

        Assert.That(Fixture.Memory.Storage("a").Log.Select(r => r.Kind), Is.EqualTo(new[] { RequestKind.Write }), "the layer chose not to");
        Assert.That(Fixture.Memory.Storage("b").Log.Select(r => r.Kind), Is.EqualTo(new[] { RequestKind.Write, RequestKind.Flush }), "the core does it otherwise");
    });

    // Two overlapping requests, the second issued while the first is under way; and one beside them.
    [TestCase(RequestKind.Write, RequestKind.Write, true)]
    [TestCase(RequestKind.Write, RequestKind.Read, true)]
    [TestCase(RequestKind.Read, RequestKind.Write, true)]
    [TestCase(RequestKind.Read, RequestKind.Read, false)]
    [TestCase(RequestKind.WriteZeroes, RequestKind.Read, true)]
    [TestCase(RequestKind.Read, RequestKind.WriteZeroes, true)]
    public void A_layer_with_copies_gets_overlapping_requests_one_after_the_other(RequestKind first, RequestKind second, bool waits) => Fixture.Run(async () =>
    {
        BlockBackend backend = await Fixture.OpenAsync("driver=hooks,serialises=on,file.driver=scripted");
        Task one = Submit(backend, first, 0);
        Task two = Submit(backend, second, 256);
        Task beside = Submit(backend, RequestKind.Write, 4096);
        Assert.That(Fixture.Scripted.Pending.Count(p => p.Offset < 4096), Is.EqualTo(waits ? 1 : 2), "what has reached the storage");
        Assert.That(Fixture.Scripted.Pending.Count(p => p.Offset == 4096), Is.EqualTo(1), "what does not overlap goes on");
        Fixture.Scripted.Pending.Single(p => p.Offset == 0).Succeed();
        await one;
        await Fixture.Context.YieldAsync();
        await Fixture.Context.YieldAsync();
        Fixture.Scripted.Pending.Single(p => p.Offset == 256).Succeed();
        Fixture.Scripted.Pending.Single(p => p.Offset == 4096).Succeed();
        await Task.WhenAll(two, beside);
    });

    private static Task Submit(BlockBackend backend, RequestKind kind, long offset) => kind switch
    {
        RequestKind.Read => backend.ReadAsync(offset, new byte[512]).AsTask(),
        RequestKind.Write => backend.WriteAsync(offset, new byte[512]).AsTask(),
        _ => backend.WriteZeroesAsync(offset, 512).AsTask(),
    };
}
