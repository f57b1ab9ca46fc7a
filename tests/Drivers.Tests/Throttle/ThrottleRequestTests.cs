using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Drain;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Jobs;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Throttling;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Throttle;

/// <summary>What becomes of each kind of request at a throttle: which arrives at the child, with which flags, what it costs, and whether it waits.</summary>
[TestFixture]
public sealed class ThrottleRequestTests
{
    private const int Ms = 1_000_000;
    private const RequestFlags AllWriteFlags = RequestFlags.Fua | RequestFlags.WriteCompressed | RequestFlags.WriteUnchanged;

    private ThrottleFixture _world = null!;

    [SetUp]
    public void SetUp() => _world = new ThrottleFixture();

    [TearDown]
    public void TearDown() => _world.Dispose();

    // backend -> t -> disk, whose script records what arrives
    [TestCase("")]
    [TestCase("limits.iops-total=1000000")]
    public void Reads_and_writes_keep_their_flags(string limits) => RunScripted(limits, async (backend, disk) =>
    {
        await backend.ReadAsync(0, new byte[512], RequestFlags.RegisteredBuffer);
        await backend.WriteAsync(512, new byte[512], RequestFlags.Fua);
        await backend.WriteAsync(1024, new byte[512], RequestFlags.WriteUnchanged);
        await backend.WriteAsync(4096, new byte[4096], RequestFlags.WriteCompressed);
        Assert.That(disk, Is.EqualTo(new[]
        {
            "Read 0+512 RegisteredBuffer", "Write 512+512 Fua", "Write 1024+512 WriteUnchanged", "Write 4096+4096 WriteCompressed",
        }), "a compressed write is a write with that flag");
    });

    [Test]
    public void Requests_that_have_waited_keep_their_flags_too() => RunScripted("limits.iops-total=10", async (backend, disk) =>
    {
        await Task.WhenAll(
            backend.WriteAsync(0, new byte[512]).AsTask(), backend.WriteAsync(0, new byte[512]).AsTask(),
            backend.WriteAsync(512, new byte[512], RequestFlags.WriteCompressed).AsTask(), backend.WriteAsync(1024, new byte[512], RequestFlags.Fua).AsTask());
        Assert.That(disk.Skip(2), Is.EqualTo(new[] { "Write 512+512 WriteCompressed", "Write 1024+512 Fua" }), "in order");
        await Task.WhenAll(backend.ReadAsync(0, new byte[512]).AsTask(), backend.ReadAsync(0, new byte[512], RequestFlags.RegisteredBuffer).AsTask());
        Assert.That(disk[^1], Is.EqualTo("Read 0+512 RegisteredBuffer"), "a read");
        Assert.That(_world.World.Context.NowNs, Is.GreaterThan(300 * Ms), "they have waited");
    });

    [Test]
    public void What_the_child_cannot_do_itself_is_done_above_or_refused() => RunScripted("", async (backend, disk) =>
    {
        await backend.WriteAsync(0, new byte[512], RequestFlags.Fua);
        Assert.That(disk, Is.EqualTo(new[] { "Write 0+512 None", "Flush 0+0 None" }), "durable by a flush");
        BlockException error = await Failure.OfRequestAsync(() => backend.WriteAsync(0, new byte[512], RequestFlags.WriteCompressed));
        Assert.That(error.Message, Is.EqualTo("Node 'disk' cannot write compressed data"), "compressed");
    }, RequestFlags.None);

    [Test]
    public void Zeroes_and_discards_keep_theirs_and_cost_one_operation_and_all_their_bytes() => RunScripted("limits.iops-total=1000000,limits.bps-total=1000000000000", async (backend, disk) =>
    {
        await backend.WriteZeroesAsync(0, 1L << 30, RequestFlags.MayUnmap | RequestFlags.NoFallback);
        Assert.That(Levels(), Is.EqualTo((1, 1L << 30)), "a zero write of a gigabyte");
        await backend.DiscardAsync(0, 1L << 30);
        Assert.That(Levels(), Is.EqualTo((2, 2L << 30)), "and a discard");
        Assert.That(disk, Is.EqualTo(new[] { "WriteZeroes 0+1073741824 MayUnmap, NoFallback", "Discard 0+1073741824 None" }), "what arrives");
    });

    [Test]
    public void A_flush_neither_waits_nor_is_charged_nor_waits_for_what_is_queued() => RunScripted("limits.iops-total=1", async (backend, disk) =>
    {
        Task writes = Task.WhenAll(Enumerable.Range(0, 3).Select(_ => backend.WriteAsync(0, new byte[512]).AsTask()));
        long startNs = _world.World.Context.NowNs;
        await backend.FlushAsync();
        Assert.That(disk, Is.EqualTo(new[] { "Write 0+512 None", "Flush 0+0 None" }), "it goes by those that wait");
        Assert.That(_world.World.Context.NowNs, Is.EqualTo(startNs), "at once");
        Assert.That(Levels().Operations, Is.EqualTo(1), "uncharged");
        await writes;
    });

    [Test]
    public void The_status_is_the_childs_at_the_same_offset_and_free() => RunScripted("limits.iops-total=1", async (backend, disk) =>
    {
        _world.World.Scripted.Node("disk").Status = (_, offset, length) => offset < 4096 ? new BlockStatus(BlockStatusFlags.Zero, Math.Min(length, 4096 - offset)) : new BlockStatus(BlockStatusFlags.Data, length);
        Task reads = Task.WhenAll(Enumerable.Range(0, 3).Select(_ => backend.ReadAsync(0, new byte[512]).AsTask()));
        long startNs = _world.World.Context.NowNs;
        for (int i = 0; i < 10; i++)
        {
            BlockStatus zeroes = await backend.GetStatusAsync(512, 8192);
            Assert.That((zeroes.Flags & BlockStatusFlags.Zero, zeroes.LengthBytes), Is.EqualTo((BlockStatusFlags.Zero, 3584)), "the child's own answer");
            BlockStatus data = await backend.GetStatusAsync(4096, 8192);
            Assert.That((data.Flags & BlockStatusFlags.Data, data.LengthBytes), Is.EqualTo((BlockStatusFlags.Data, 8192)), "one to one");
        }

        Assert.That((_world.World.Context.NowNs, Levels().Operations), Is.EqualTo((startNs, 1)), "neither waits nor is charged");
        await reads;
    });

    [Test]
    public void Length_and_truncation_are_the_childs_and_free() => RunScripted("limits.iops-total=1", async (backend, disk) =>
    {
        _world.World.Scripted.Node("disk").CanResize = true;
        Assert.That(backend.LengthBytes, Is.EqualTo(4L << 30), "the length");
        await backend.TruncateAsync(1 << 20);
        await backend.TruncateAsync(1 << 19);
        Assert.That((backend.LengthBytes, _world.World.Scripted.Node("disk").LengthBytes), Is.EqualTo((1 << 19, 1 << 19)), "both");
        Assert.That((_world.World.Context.NowNs, Levels().Operations), Is.EqualTo((0, 0)), "free");
    });

    [Test]
    public void It_is_a_filter_that_asks_for_what_its_users_ask_for() => RunScripted("", async (backend, disk) =>
    {
        BlockNode node = _world.Node("t");
        BlockChild file = node.Children.Single();
        Assert.That((node.Driver.Category, node.Driver.ProtocolName), Is.EqualTo((DriverCategory.Filter, (string?)null)), "a filter, and no protocol");
        Assert.That(file.Role, Is.EqualTo(ChildRole.Filtered | ChildRole.Primary), "its child");
        Assert.That(BackingChain.SkipFilters(node).Name, Is.EqualTo("disk"), "never the first node that is no filter");
        PermissionSet writing = file.Permissions;
        Assert.That((writing.Required, writing.Shared), Is.EqualTo((backend.RootEdge!.Permissions.Required, backend.RootEdge.Permissions.Shared)), "the user's needs, and no others");
        await backend.SetPermissionsAsync(new PermissionSet(BlockPermissions.ConsistentRead, BlockPermissions.All));
        Assert.That((file.Permissions.Required & BlockPermissions.Write, file.Permissions.Shared), Is.EqualTo((BlockPermissions.None, BlockPermissions.All)), "less for who reads");
        Assert.That(node.Instance.SupportedWriteFlags, Is.EqualTo(AllWriteFlags), "what the child can");
        Assert.That(node.Instance.SupportedZeroFlags, Is.EqualTo(RequestFlags.MayUnmap | RequestFlags.NoFallback | RequestFlags.WriteUnchanged), "and with zeroes");
    });

    // job -> upper -> lower -> disk, a second a request at each: the copy ends during the drain, or it would take minutes
    [Test]
    public void A_job_over_two_throttles_runs_at_full_speed_while_they_are_drained_and_is_charged() => _world.Run(async () =>
    {
        await _world.World.AddAsync(
            "driver=throttle,node-name=upper,limits.iops-total=1,file.driver=throttle,file.node-name=lower,file.limits.iops-total=1,file.file.driver=memory,file.file.filename=a");
        ScriptedJob job = await ScriptedJob.BeginAsync(_world.Graph, new JobOptions { Id = "copy" }, ScriptedJob.Reads(_world.Node("upper")));
        BlockChild edge = _world.Node("upper").Parents.Single();
        job.Do(async () =>
        {
            // Many at once, as a copy has them: they are one step, which a drain waits for.
            await Task.WhenAll(Enumerable.Range(0, 60).Select(i => edge.ReadAsync(i * 512, new byte[512], RequestFlags.None, CancellationToken.None).AsTask()));
        });
        job.Finish();
        await _world.World.Context.DelayAsync(100 * Ms);
        Assert.That(_world.Member("upper").PendingCount(ThrottleDirection.Read), Is.EqualTo(59), "one has passed, the others wait");
        long startNs = _world.World.Context.NowNs;
        await using (await DrainScope.BeginAsync(_world.Node("upper"), DrainReach.Subtree))
        {
            Assert.That(_world.World.Context.NowNs, Is.EqualTo(startNs), "the drain takes no time");
            Assert.That(_world.Member("upper").PendingCount(ThrottleDirection.Read), Is.Zero, "nobody waits above");
            Assert.That(_world.Member("lower").PendingCount(ThrottleDirection.Read), Is.Zero, "nor below");
        }

        foreach (string name in new[] { "upper", "lower" })
        {
            Assert.That(_world.Member(name).Group.Bucket(ThrottleMeter.IopsTotal).Level, Is.EqualTo(59.9).Within(1e-9), $"{name}: sixty charged, a tenth leaked");
        }

        await _world.World.Context.DelayAsync(Ms);
        Assert.That(job.State, Is.EqualTo(JobState.Null), "it has ended");
    });

    // a -> t, b -> u, one group, whose alarm is t's: t goes, by closing, by leaving for another group, by a filter that is dropped.
    [TestCase("drains")]
    [TestCase("closes")]
    [TestCase("moves")]
    [TestCase("is dropped")]
    public void Removing_one_member_does_not_strand_the_others(string how) => _world.Run(async () =>
    {
        BlockBackend a = await _world.OpenAsync("t", "throttle-group=g,limits.iops-total=10");
        await using BlockBackend b = await _world.OpenAsync("u", "throttle-group=g");
        List<long> instants = [];
        Task first = Task.WhenAll(Enumerable.Range(0, 4).Select(_ => a.WriteAsync(0, new byte[512]).AsTask()));
        Task second = Task.WhenAll(Enumerable.Range(0, 3).Select(_ => WriteAsync(b, instants)));
        switch (how)
        {
            case "drains":
                await (await DrainScope.BeginAsync(_world.Node("t"))).DisposeAsync();
                break;
            case "closes":
                await a.DisposeAsync();
                break;
            case "moves":
                await _world.ReopenAsync("t", "throttle-group=h,limits.iops-total=1");
                break;
            default:
                await _world.Graph.ApplyAsync(GraphEdit.DropFilter(_world.Node("t")));
                break;
        }

        Assert.That((first.IsCompletedSuccessfully, instants.Count), Is.EqualTo((true, 0)), "its own are through, the others' wait for their turn");
        await second;
        Assert.That(instants.Select(t => t / Ms), Is.EqualTo(new[] { 300, 400, 500 }), "four are charged, and the others go on at their pace");
        await a.DisposeAsync();
    });

    private static async Task WriteAsync(BlockBackend backend, List<long> instants)
    {
        await backend.WriteAsync(0, new byte[512]);
        instants.Add(backend.Context.NowNs);
    }

    private (double Operations, double Bytes) Levels()
    {
        ThrottleGroup group = _world.Member("t").Group;
        return (group.Bucket(ThrottleMeter.IopsTotal).Level, group.Bucket(ThrottleMeter.BpsTotal).Level);
    }

    private void RunScripted(string limits, Func<BlockBackend, List<string>, Task> body, RequestFlags writeFlags = AllWriteFlags) => _world.Run(async () =>
    {
        await _world.World.AddAsync("driver=scripted,node-name=disk,size=4G,discard=unmap");
        ScriptedNode disk = _world.World.Scripted.Node("disk");
        List<string> arrived = [];
        disk.Hold();
        disk.SupportedWriteFlags = writeFlags;
        disk.TakesZeroes = true;
        disk.TakesDiscards = true;
        disk.Arrived = request => arrived.Add($"{request.Kind} {request.Offset}+{request.LengthBytes} {request.Flags}");
        string options = "driver=throttle,node-name=t,discard=unmap,file=disk" + (limits.Length == 0 ? "" : "," + limits);
        await using BlockBackend backend = await _world.World.OpenAsync(options);
        _world.Graph.BumpEpoch();
        arrived.Clear();
        await body(backend, arrived);
    });
}
