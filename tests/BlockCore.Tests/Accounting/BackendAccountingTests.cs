using BlockGraph.BlockCore.Accounting;
using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Tests.Backend;
using BlockGraph.Drivers.Protocols.Null;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Accounting;

/// <summary>What a backend counts, over contexts that come and go, and what it leaves out where it is told to.</summary>
[TestFixture]
public sealed class BackendAccountingTests : BackendTests
{
    private const string Slow = "driver=null-co,latency-ns=1000,discard=unmap";

    protected override GraphFixture CreateFixture() => new(drivers: [new NullCoDriver()]);

    [Test]
    public void Latencies_fall_into_the_bins_of_their_kind() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await Fixture.OpenAsync(Slow);
        await backend.ReadAsync(0, new byte[1]);
        Assert.That(backend.GetLatencyBins(RequestKind.Read), Is.Null, "nobody asked for any");
        backend.SetLatencyBoundaries(RequestKind.Read, 500, 1000, 2000);
        backend.SetLatencyBoundaries(RequestKind.Flush, 2000);
        await backend.ReadAsync(0, new byte[1]);
        await Task.WhenAll(backend.ReadAsync(0, new byte[1]).AsTask(), backend.FlushAsync().AsTask(), backend.WriteAsync(0, new byte[1]).AsTask());
        await Failure.OfRequestAsync(() => backend.ReadAsync(-1, new byte[1]));
        Assert.That(backend.GetLatencyBins(RequestKind.Read)!.Counts, Is.EqualTo(new[] { 0, 0, 2, 0 }), "reads; one that is refused took no time");
        Assert.That(backend.GetLatencyBins(RequestKind.Flush)!.Counts, Is.EqualTo(new[] { 1, 0 }), "flushes");
        Assert.That(backend.GetLatencyBins(RequestKind.Write), Is.Null, "writes have none");
    });

    [Test]
    public void Setting_boundaries_begins_anew_and_setting_none_ends() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await Fixture.OpenAsync(Slow);
        backend.SetLatencyBoundaries(RequestKind.Read, 500);
        await backend.ReadAsync(0, new byte[1]);
        BlockException refusal = Assert.Throws<BlockException>(() => backend.SetLatencyBoundaries(RequestKind.Read, 10, 5))!;
        Assert.That(refusal.Message, Is.EqualTo("Latency boundaries must be positive and rise strictly"), "the text");
        Assert.That(backend.GetLatencyBins(RequestKind.Read)!.Counts, Is.EqualTo(new[] { 0, 1 }), "refused, they change nothing");
        LatencyBins before = backend.GetLatencyBins(RequestKind.Read)!;
        backend.SetLatencyBoundaries(RequestKind.Read, 500);
        Assert.That(backend.GetLatencyBins(RequestKind.Read)!.Counts, Is.EqualTo(new[] { 0, 0 }), "anew");
        Assert.That(before.Counts, Is.EqualTo(new[] { 0, 1 }), "what was handed out stays");
        backend.SetLatencyBoundaries(RequestKind.Read);
        Assert.That(backend.GetLatencyBins(RequestKind.Read), Is.Null, "none");
        await backend.ReadAsync(0, new byte[1]);
    });

    [Test]
    public void Counts_outlive_contexts_that_submit_and_homes_that_move() => Fixture.Run(async () =>
    {
        VirtualTimeAioContext one = CreateContext("one");
        VirtualTimeAioContext two = CreateContext("two");
        await using BlockBackend backend = await Fixture.OpenAsync(Slow);
        backend.SetLatencyBoundaries(RequestKind.Read, 500);
        await backend.ReadAsync(0, new byte[1]);
        await backend.AddSubmitterAsync(one);
        await one.RunAsync(async () => await backend.ReadAsync(0, new byte[2]));
        await backend.MoveAsync(two);
        await backend.ReadAsync(0, new byte[4]);
        await one.RunAsync(async () => await backend.ReadAsync(0, new byte[8]));
        await backend.MoveAsync(one);
        await backend.ReadAsync(0, new byte[16]);
        RequestCounters counters = backend.GetCounters(RequestKind.Read);
        Assert.That((counters.OperationCount, counters.ByteCount), Is.EqualTo((5L, 31L)), "each once");
        Assert.That(backend.GetLatencyBins(RequestKind.Read)!.Counts.Sum(), Is.EqualTo(5), "in the bins as well");
        Assert.That(backend.Submitters, Is.EqualTo(new[] { one }), "the one that submitted is the home now");
        backend.SetLatencyBoundaries(RequestKind.Read, 500);
        Assert.That(backend.GetLatencyBins(RequestKind.Read)!.Counts, Is.EqualTo(new[] { 0, 0 }), "and all of them begin anew");
    });

    [Test]
    public void A_request_that_its_device_has_refused_counts_as_invalid_and_as_nothing_else() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await Fixture.OpenAsync("driver=memory,filename=disk,latency-ns-max=0", new BackendOptions());
        backend.CountInvalid(RequestKind.Write);
        RequestCounters counters = backend.GetCounters(RequestKind.Write);
        Assert.That((counters.InvalidCount, counters.OperationCount, counters.FailedCount), Is.EqualTo((1L, 0L, 0L)), "a write that was never made");
        Assert.That(backend.GetCounters(RequestKind.Read).InvalidCount, Is.Zero, "no read");
    });

    [TestCase(true, true)]
    [TestCase(true, false)]
    [TestCase(false, true)]
    [TestCase(false, false)]
    public void Failed_and_refused_requests_count_in_times_where_they_are_to(bool accountsFailed, bool accountsInvalid) => Fixture.Run(async () =>
    {
        BackendOptions options = new() { AccountsFailed = accountsFailed, AccountsInvalid = accountsInvalid, IntervalLengthsNs = [1_000_000] };
        await using BlockBackend backend = await Fixture.OpenAsync("driver=memory,filename=disk,latency-ns-max=0", options);
        Assert.That(backend.IdleTimeNs, Is.Null, "nothing has been");
        Disk.FailWith(RequestKind.Read, BlockErrorKind.InputOutput);
        await Fixture.Context.DelayAsync(100);
        await Failure.OfRequestAsync(() => backend.ReadAsync(0, new byte[1]));
        await Fixture.Context.DelayAsync(100);
        Assert.That(backend.IdleTimeNs, Is.EqualTo(accountsFailed ? 100L : null), "since the failure");
        await Failure.OfRequestAsync(() => backend.ReadAsync(-1, new byte[1]));
        await Fixture.Context.DelayAsync(10);
        Assert.That(backend.IdleTimeNs, Is.EqualTo(accountsInvalid ? 10 : accountsFailed ? 110L : null), "since the refusal");
        RequestCounters counters = backend.GetCounters(RequestKind.Read);
        Assert.That((counters.OperationCount, counters.FailedCount, counters.InvalidCount, counters.ByteCount), Is.EqualTo((1L, 1L, 1L, 0L)), "counted they are in any case");
        Assert.That(backend.GetLatencySummaries(RequestKind.Read).Single().Count, Is.EqualTo(accountsFailed ? 1 : 0), "the interval");
        await backend.WriteAsync(0, new byte[1]);
        await Fixture.Context.DelayAsync(5);
        Assert.That(backend.IdleTimeNs, Is.EqualTo(5), "a request of any kind ends the idleness");
    });

    [Test]
    public void Time_that_failed_requests_took_is_left_out_where_it_is_to_be() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenScriptedAsync(new BackendOptions { AccountsFailed = false });
        Task read = backend.ReadAsync(0, new byte[1]).AsTask();
        await Fixture.Context.DelayAsync(100);
        Fixture.Scripted.Pending.Single().FailNow(new BlockException(BlockErrorKind.InputOutput, "broken"));
        await Failure.OfAsync(() => read);
        Assert.That(backend.GetCounters(RequestKind.Read).TotalNs, Is.Zero, "the failed one");
        read = backend.ReadAsync(0, new byte[1]).AsTask();
        await Fixture.Context.DelayAsync(10);
        Fixture.Scripted.Pending.Single().Succeed();
        await read;
        Assert.That(backend.GetCounters(RequestKind.Read).TotalNs, Is.EqualTo(10), "the other");
    });

    [Test]
    public void Intervals_sum_up_what_was_lately() => Fixture.Run(async () =>
    {
        BackendOptions options = new() { IntervalLengthsNs = [10_000, 1_000_000] };
        await using BlockBackend backend = await Fixture.OpenAsync(Slow, options);
        await Fixture.Context.DelayAsync(1000);
        for (int i = 0; i < 3; i++)
        {
            await Task.WhenAll(backend.ReadAsync(0, new byte[1]).AsTask(), backend.ReadAsync(0, new byte[1]).AsTask());
        }

        Assert.That(
            backend.GetLatencySummaries(RequestKind.Read),
            Is.EqualTo(new[] { new LatencySummary(10_000, 6, 1000, 1000, 1000, 1.5), new LatencySummary(1_000_000, 6, 1000, 1000, 1000, 1.5) }),
            "two at a time during three quarters of the time");
        Assert.That(backend.GetLatencySummaries(RequestKind.Write).Select(s => s.Count), Is.EqualTo(new[] { 0, 0 }), "no writes");
        await Fixture.Context.DelayAsync(20_000);
        Assert.That(backend.GetLatencySummaries(RequestKind.Read).Select(s => s.Count), Is.EqualTo(new[] { 0, 6 }), "the short one has forgotten");
    });

    [Test]
    public void Intervals_must_be_positive_and_need_not_be() => Fixture.Run(async () =>
    {
        Assert.That((await Failure.OfAsync(() => Fixture.OpenAsync(Slow, new BackendOptions { IntervalLengthsNs = [0] }))).Message, Is.EqualTo("Invalid interval length: 0"), "the text");
        Assert.That((Fixture.Graph.Backends.Count, Fixture.Graph.Nodes.Count), Is.EqualTo((0, 0)), "nothing is left");
        await using BlockBackend backend = await Fixture.OpenAsync(Slow);
        Assert.That(backend.GetLatencySummaries(RequestKind.Read), Is.Empty, "none asked for");
    });

    [Test]
    public async Task Whoever_has_awaited_a_request_finds_it_counted()
    {
        using MainLoop loop = MainLoop.Start();
        using IoThread thread = new("io");
        await using NodeGraph graph = new(loop, [new NullCoDriver()]);
        BlockBackend backend = await graph.OpenAsync(GraphFixture.Options("driver=null-co"));
        await backend.AddSubmitterAsync(thread.Context);
        backend.SetLatencyBoundaries(RequestKind.Read, 1_000_000_000_000);
        await Task.WhenAll(Task.Run(() => CountAsync(backend)), thread.Context.RunAsync(() => CountAsync(backend)), loop.Context.RunAsync(() => CountAsync(backend)));
        Assert.That(backend.GetCounters(RequestKind.Read).OperationCount, Is.EqualTo(3000), "all");
        Assert.That(backend.GetLatencyBins(RequestKind.Read)!.Counts, Is.EqualTo(new[] { 3000, 0 }), "in the bins as well");
        await backend.DisposeAsync();
    }

    private static async Task CountAsync(BlockBackend backend)
    {
        for (int i = 1; i <= 1000; i++)
        {
            await backend.ReadAsync(0, new byte[1]);
            Assert.That(backend.GetCounters(RequestKind.Read).OperationCount, Is.GreaterThanOrEqualTo(i), "one's own are in it");
            Assert.That(backend.GetLatencyBins(RequestKind.Read)!.Counts[0], Is.GreaterThanOrEqualTo(i), "and in the bins");
        }
    }
}
