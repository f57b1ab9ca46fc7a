using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Throttling;
using BlockGraph.TestKit;
using static BlockGraph.BlockCore.Tests.Throttling.ThrottleWorld;

namespace BlockGraph.BlockCore.Tests.Backend;

/// <summary>Requests of a device with limits: which wait, how long, and what becomes of those that wait when something else happens.</summary>
[TestFixture]
public sealed class BackendThrottlingTests : BackendTests
{
    private const long Ms = 1_000_000;
    private static readonly ThrottleConfig s_tenPerSecond = Limits(("iops-total", 10));
    private SharedProtocol _shared = null!;

    protected override GraphFixture CreateFixture()
    {
        _shared = new SharedProtocol();
        return new GraphFixture(drivers: [_shared]);
    }

    [Test]
    public void Requests_start_when_the_buckets_say([Values] bool isWrite) => Fixture.Run(async () =>
    {
        BlockBackend backend = await OpenMemoryAsync();
        await backend.LimitAsync(Limits(("iops-total", 100)));
        long start = Fixture.World.NowNs;
        List<long> doneAtMs = [];
        await Task.WhenAll(Enumerable.Range(0, 20).Select(async i =>
        {
            await (isWrite ? backend.WriteAsync(i, new byte[] { 1 }) : backend.ReadAsync(i, new byte[1]));
            doneAtMs.Add((Fixture.World.NowNs - start) / Ms);
        }));
        Assert.That(doneAtMs, Is.EqualTo(Enumerable.Repeat(0L, 11).Concat(Enumerable.Range(1, 9).Select(i => i * 10L))), "a tenth of a second's worth at once, then one each ten milliseconds");
        Assert.That(Disk.Log, Has.Count.EqualTo(20), "each was made once");
    });

    [TestCase("read", 900)]
    [TestCase("write", 900)]
    [TestCase("zeroes", 900)]
    [TestCase("discard", 0)]
    [TestCase("flush", 0)]
    [TestCase("status", 0)]
    public void Reads_writes_and_zeroes_wait_and_nothing_else_does(string kind, long expectedMs) => Fixture.Run(async () =>
    {
        BlockBackend backend = await OpenMemoryAsync();
        await backend.LimitAsync(Limits(("iops-total", 1)));
        await backend.ReadAsync(0, new byte[1]);
        long start = Fixture.World.NowNs;
        await (kind switch
        {
            "read" => backend.ReadAsync(0, new byte[1]),
            "write" => backend.WriteAsync(0, new byte[1], RequestFlags.Fua),
            "zeroes" => backend.WriteZeroesAsync(0, 4096),
            "discard" => backend.DiscardAsync(0, 4096),
            "flush" => backend.FlushAsync(),
            _ => StatusAsync(backend),
        });
        Assert.That((Fixture.World.NowNs - start) / Ms, Is.EqualTo(expectedMs), "the second request of a bucket of a tenth");
        Assert.That(backend.ThrottleGroup!.Bucket(ThrottleMeter.IopsTotal).Level, Is.EqualTo(expectedMs > 0 ? 1.1 : 1).Within(1e-6), "what it holds: what does not wait is not charged");
    });

    [Test]
    public void Bytes_of_zero_writes_and_reads_are_charged_by_direction() => Fixture.Run(async () =>
    {
        BlockBackend backend = await OpenMemoryAsync();
        await backend.LimitAsync(Limits(("bps-read", 100_000), ("bps-write", 200_000)));
        await backend.ReadAsync(0, new byte[100]);
        await backend.WriteAsync(0, new byte[200]);
        await backend.WriteZeroesAsync(0, 4096);
        ThrottleGroup group = backend.ThrottleGroup!;
        Assert.That((group.Bucket(ThrottleMeter.BpsRead).Level, group.Bucket(ThrottleMeter.BpsWrite).Level), Is.EqualTo((100.0, 4296.0)), "reads, and writes with zeroes");
    });

    [Test]
    public void What_is_refused_at_the_door_neither_waits_nor_is_charged() => Fixture.Run(async () =>
    {
        BlockBackend backend = await OpenMemoryAsync(new BackendOptions { ReadOnly = true });
        await backend.LimitAsync(s_tenPerSecond);
        CancellationToken cancelled = new(canceled: true);
        foreach (Func<ValueTask> request in new Func<ValueTask>[]
        {
            () => backend.ReadAsync(-1, new byte[1]),
            () => backend.WriteAsync(0, new byte[1]),
            () => backend.WriteZeroesAsync(0, 1),
            () => backend.WriteZeroesAsync(1 << 20, 1),
        })
        {
            await Failure.OfRequestAsync(request);
        }

        await Failure.OfAsync<OperationCanceledException>(async () => await backend.ReadAsync(0, new byte[1], cancel: cancelled));
        Assert.That(backend.ThrottleGroup!.Bucket(ThrottleMeter.IopsTotal).Level, Is.Zero, "the bucket is empty");
    });

    [Test]
    public void What_waits_is_in_flight_and_the_wait_is_a_part_of_its_time() => Fixture.Run(async () =>
    {
        BlockBackend backend = await OpenMemoryAsync();
        await backend.LimitAsync(Limits(("iops-total", 1)));
        await backend.WriteAsync(0, new byte[1]);
        Task[] waiting = [backend.WriteAsync(0, new byte[1]).AsTask(), backend.WriteZeroesAsync(0, 1).AsTask()];
        Assert.That(backend.InFlightCount, Is.EqualTo(2), "both");
        await Task.WhenAll(waiting);
        Assert.That((backend.GetCounters(RequestKind.Write).TotalNs / Ms, backend.GetCounters(RequestKind.WriteZeroes).TotalNs / Ms), Is.EqualTo((900L, 1900L)), "the waits");
        Assert.That((backend.InFlightCount, backend.GetCounters(RequestKind.Write).OperationCount), Is.EqualTo((0, 2L)), "and they are over");
    });

    [Test]
    public void What_is_cancelled_while_it_waits_is_neither_made_charged_nor_counted([Values] bool isZeroes, [Values] bool isFromSubmitter) => Fixture.Run(async () =>
    {
        AioContext home = isFromSubmitter ? CreateContext("one") : Fixture.Context;
        BlockBackend backend = await Fixture.OpenAsync("driver=shared,zeroes=on");
        await backend.AddSubmitterAsync(home);
        await backend.LimitAsync(s_tenPerSecond);
        await Task.WhenAll(backend.ReadAsync(0, new byte[1]).AsTask(), backend.ReadAsync(0, new byte[1]).AsTask());
        using CancellationTokenSource cancel = new();
        Task request = home.RunAsync(async () =>
        {
            await Failure.OfAsync<OperationCanceledException>(async () => await (isZeroes ? backend.WriteZeroesAsync(0, 1, cancel: cancel.Token) : backend.WriteAsync(0, new byte[1], cancel: cancel.Token)));
            Assert.That(home.IsHome, Is.True, "it ends where it was made");
        });
        await SettleAsync();
        Assert.That(backend.InFlightCount, Is.EqualTo(1), "it waits");
        Cancel(cancel);
        await request;
        await Fixture.Context.DelayAsync(1000 * Ms);
        Assert.That(_shared.Log.Count(c => c.Kind is RequestKind.Write or RequestKind.WriteZeroes), Is.Zero, "nothing reached the driver");
        Assert.That((backend.InFlightCount, backend.GetCounters(RequestKind.Write).OperationCount, backend.GetCounters(RequestKind.WriteZeroes).OperationCount), Is.EqualTo((0, 0L, 0L)), "nothing flies, nothing was counted");
        Assert.That(backend.ThrottleGroup!.Bucket(ThrottleMeter.IopsTotal).Level, Is.EqualTo(2).Within(1e-6), "nothing was charged");
    });

    [Test]
    public void A_drain_lets_what_waits_go_at_full_speed_and_charges_it([Values] bool isAll) => Fixture.Run(async () =>
    {
        // blk (10 a second) -> memory
        BlockBackend blk = await OpenMemoryAsync();
        await blk.LimitAsync(s_tenPerSecond);
        Task[] requests = [.. Enumerable.Range(0, 12).Select(i => i % 3 == 2 ? blk.WriteZeroesAsync(i, 1).AsTask() : blk.WriteAsync(i, new byte[1]).AsTask())];
        await SettleAsync();
        Assert.That(requests.Count(r => !r.IsCompleted), Is.EqualTo(10), "ten wait");
        long start = Fixture.World.NowNs;
        Task held;
        await using (await (isAll ? Fixture.Graph.DrainAllAsync() : blk.DrainAsync()))
        {
            Assert.That(requests, Has.All.Property("IsCompletedSuccessfully").True, "all are through");
            Assert.That(Fixture.World.NowNs, Is.EqualTo(start), "in no time");
            held = blk.ReadAsync(0, new byte[1]).AsTask();
            await SettleAsync();
            Assert.That((held.IsCompleted, blk.InFlightCount), Is.EqualTo((false, 0)), "a new one waits at the gate, not in flight");
            Assert.That(blk.ThrottleGroup!.Bucket(ThrottleMeter.IopsTotal).Level, Is.EqualTo(12), "twelve were charged, not the one at the gate");
        }

        await held;
        Assert.That((Fixture.World.NowNs - start) / Ms, Is.EqualTo(1100), "which then waits until the debt is paid");
    });

    [Test]
    public void A_backend_that_does_not_queue_is_not_limited_while_it_is_drained() => Fixture.Run(async () =>
    {
        BlockBackend backend = await OpenMemoryAsync(new BackendOptions { QueuesWhileDrained = false });
        await backend.LimitAsync(Limits(("iops-total", 1)));
        await using (await backend.DrainAsync())
        {
            long start = Fixture.World.NowNs;
            await Task.WhenAll(Enumerable.Range(0, 5).Select(i => backend.ReadAsync(i, new byte[1]).AsTask()));
            Assert.That(Fixture.World.NowNs, Is.EqualTo(start), "five in no time");
        }
    });

    [Test]
    public void Limits_that_come_under_a_drain_hold_when_it_is_over() => Fixture.Run(async () =>
    {
        BlockBackend backend = await OpenMemoryAsync();
        long start;
        Task[] requests;
        await using (await backend.DrainAsync())
        {
            requests = [.. Enumerable.Range(0, 4).Select(i => backend.ReadAsync(i, new byte[1]).AsTask())];
            await backend.LimitAsync(s_tenPerSecond);
            start = Fixture.World.NowNs;
        }

        await Task.WhenAll(requests);
        Assert.That((Fixture.World.NowNs - start) / Ms, Is.EqualTo(200), "two at once, two more in turn");
    });

    [Test]
    public void A_backend_that_moves_takes_its_place_along() => Fixture.Run(async () =>
    {
        AioContext other = CreateContext("other");
        BlockBackend backend = await OpenMemoryAsync();
        await backend.LimitAsync(s_tenPerSecond);
        Task[] waiting = [.. Enumerable.Range(0, 6).Select(i => backend.ReadAsync(i, new byte[1]).AsTask())];
        await backend.MoveAsync(other);
        Assert.That(waiting, Has.All.Property("IsCompletedSuccessfully").True, "what waited in the old home was let go");
        ThrottleGroup group = backend.ThrottleGroup!;
        long start = Fixture.World.NowNs;
        await other.RunAsync(async () => await backend.ReadAsync(0, new byte[1]));
        Assert.That((Fixture.World.NowNs - start) / Ms, Is.EqualTo(500), "what comes in the new one waits for the debt");
        await backend.MoveAsync(other);
        await backend.MoveAsync(Fixture.Context);
        Assert.That((backend.ThrottleGroup, group.MemberCount), Is.EqualTo((group, 1)), "the same group, one member");
    });

    [Test]
    public void All_submitters_of_a_device_are_one_member_and_its_requests_keep_their_order() => Fixture.Run(async () =>
    {
        AioContext[] contexts = [Fixture.Context, CreateContext("one"), CreateContext("two")];
        BlockBackend backend = await Fixture.OpenAsync("driver=shared,zeroes=on");
        await backend.AddSubmitterAsync(contexts[1]);
        await backend.AddSubmitterAsync(contexts[2]);
        await backend.LimitAsync(s_tenPerSecond);
        long start = Fixture.World.NowNs;
        List<Task> requests = [];
        for (int i = 0; i < 9; i++)
        {
            AioContext context = contexts[i % 3];
            int at = i;
            requests.Add(context.RunAsync(async () =>
            {
                await (at == 4 ? backend.WriteZeroesAsync(at, 1) : backend.WriteAsync(at, new byte[1]));
                Assert.That(context.IsHome, Is.True, "it goes on where it was made");
            }));
            await SettleAsync();
        }

        await Task.WhenAll(requests);
        Assert.That(_shared.Log.Select(c => c.Context), Is.EqualTo(Enumerable.Range(0, 9).Select(i => contexts[i % 3].Name)), "in order, each carried out where it was made");
        Assert.That((backend.ThrottleGroup!.MemberCount, (Fixture.World.NowNs - start) / Ms), Is.EqualTo((1, 700L)), "one member, and one bucket for all");
        AioContext foreign = CreateContext("foreign");
        await foreign.RunAsync(async () => await backend.ReadAsync(0, new byte[1]));
        Assert.That((_shared.Log[^1].Context, (Fixture.World.NowNs - start) / Ms), Is.EqualTo(("main", 800L)), "who does not submit goes by the home, and waits there");
    });

    [Test]
    public void A_closing_backend_lets_what_waits_go() => Fixture.Run(async () =>
    {
        BlockBackend backend = await OpenMemoryAsync();
        await backend.LimitAsync(Limits(("iops-total", 1)));
        Task[] waiting = [.. Enumerable.Range(0, 5).Select(i => backend.WriteAsync(i, new byte[] { 9 }).AsTask())];
        await backend.DisposeAsync();
        Assert.That(waiting, Has.All.Property("IsCompletedSuccessfully").True, "written");
        Assert.That(Disk.Bytes.Take(5), Has.All.EqualTo(9), "really");
        Assert.That((backend.ThrottleGroup, Fixture.Graph.ThrottleGroups.Groups.Count), Is.EqualTo(((ThrottleGroup?)null, 0)), "and the group is gone");
    });

    [Test]
    public void Limits_belong_to_the_device_and_not_to_its_medium() => Fixture.Run(async () =>
    {
        BlockNode first = await Fixture.AddAsync("driver=memory,filename=disk,node-name=first");
        BlockNode next = await Fixture.AddAsync("driver=memory,filename=other,node-name=next");
        BlockBackend backend = await Fixture.Graph.AttachBackendAsync(first, new BackendOptions { Name = "cd" });
        await backend.LimitAsync(s_tenPerSecond);
        Task[] waiting = [.. Enumerable.Range(0, 4).Select(i => backend.ReadAsync(i, new byte[1]).AsTask())];
        long start = Fixture.World.NowNs;
        await backend.RemoveAsync();
        Assert.That((waiting.All(w => w.IsCompletedSuccessfully), Fixture.World.NowNs), Is.EqualTo((true, start)), "what waits is made with the old medium");
        Assert.That(backend.ThrottleGroup?.Name, Is.EqualTo("cd"), "the empty device keeps its limits");
        Assert.That((await Failure.OfRequestAsync(() => backend.ReadAsync(0, new byte[1]))).Kind, Is.EqualTo(BlockErrorKind.NoMedium), "without waiting");
        await backend.InsertAsync(next);
        await backend.ReadAsync(0, new byte[1]);
        Assert.That((Fixture.World.NowNs - start) / Ms, Is.EqualTo(300), "the next medium is read when the debt is paid");
    });

    [Test]
    public void What_has_changed_without_a_drain_is_noticed_when_the_turn_comes() => Fixture.Run(async () =>
    {
        BlockBackend backend = await OpenMemoryAsync(new BackendOptions { CanResize = true, Name = "cd", ShareWrite = true });
        backend.AttachDevice(new TrayDevice());
        await backend.LimitAsync(s_tenPerSecond);
        await Task.WhenAll(backend.ReadAsync(0, new byte[1]).AsTask(), backend.ReadAsync(0, new byte[1]).AsTask());
        Task<BlockException> read = Failure.OfRequestAsync(() => backend.ReadAsync(0, new byte[1]));
        Task<BlockException> zeroes = Failure.OfRequestAsync(() => backend.WriteZeroesAsync(0, 1));
        await backend.OpenTrayAsync();
        Assert.That(((await read).Kind, (await zeroes).Kind), Is.EqualTo((BlockErrorKind.NoMedium, BlockErrorKind.NoMedium)), "an open tray");
        await backend.CloseTrayAsync();
        Task<BlockException> beyond = Failure.OfRequestAsync(() => backend.ReadAsync((1 << 20) - 1, new byte[1]));
        await backend.TruncateAsync(4096);
        Assert.That((await beyond).Kind, Is.EqualTo(BlockErrorKind.InputOutput), "a shorter image");
        Assert.That((backend.InFlightCount, backend.GetCounters(RequestKind.Read).InvalidCount, backend.GetCounters(RequestKind.WriteZeroes).InvalidCount), Is.EqualTo((0, 2L, 1L)), "they count as refused");
    });

    [Test]
    public void A_request_that_is_kept_is_charged_again_when_it_is_made_again() => Fixture.Run(async () =>
    {
        BlockBackend backend = await OpenMemoryAsync(new BackendOptions { WriteErrorPolicy = BlockErrorPolicy.Stop });
        DeviceRequests device = new(backend);
        await backend.LimitAsync(s_tenPerSecond);
        Disk.FailWith(RequestKind.Write, BlockErrorKind.InputOutput);
        Task kept = device.WriteAsync(0, new byte[1]).AsTask();
        await SettleAsync();
        Disk.FailWith(RequestKind.Write, null);
        await (await backend.DrainAsync()).DisposeAsync();
        Assert.That((device.PendingCount, backend.InFlightCount), Is.EqualTo((1, 0)), "kept, in nobody's way");
        await device.ResumeAsync();
        await kept;
        Assert.That(backend.ThrottleGroup!.Bucket(ThrottleMeter.IopsTotal).Level, Is.EqualTo(2), "it was made twice");
    });

    // Here and now, not on a thread of the pool.
    private static void Cancel(CancellationTokenSource cancel) => cancel.Cancel();

    private static async ValueTask StatusAsync(BlockBackend backend) => await backend.GetStatusAsync(0, 1);

    private sealed class TrayDevice : IBlockDevice
    {
        public string Id => "cd0";

        public bool IsRemovable => true;

        public bool HasTray => true;

        public bool IsTrayOpen { get; private set; }

        public void MoveTray(bool isOpen) => IsTrayOpen = isOpen;
    }
}
