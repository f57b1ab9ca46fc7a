using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Drain;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Events;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Throttling;
using BlockGraph.Drivers.Filters.Throttle;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.Qapi.Options;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Throttle;

/// <summary>The throttle filter over storage in memory, in exact virtual time.</summary>
[TestFixture]
public sealed class ThrottleFilterTests
{
    private GraphFixture _fixture = null!;

    [SetUp]
    public void SetUp() => _fixture = NewFixture(CompatibilityProfile.Own);

    [TearDown]
    public void TearDown() => _fixture.Dispose();

    [Test]
    public void The_founding_patch_forwarded_writes_as_reads() => _fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("driver=throttle,file.driver=memory,file.filename=a,limits.iops-total=1000");
        byte[] pattern = [.. Enumerable.Repeat((byte)0x5A, 4096)];
        byte[] copy = [.. pattern];
        await backend.WriteAsync(8192, pattern, RequestFlags.WriteUnchanged);
        MemoryStorage storage = _fixture.Memory.Storage("a");
        Assert.That(storage.Log, Is.EqualTo(new[] { new MemoryRequest(RequestKind.Write, 8192, 4096, RequestFlags.WriteUnchanged) }), "a write with its flags");
        Assert.That(storage.Bytes.AsSpan(8192, 4096).ToArray(), Is.EqualTo(copy), "the child holds the data");
        Assert.That(pattern, Is.EqualTo(copy), "the caller's buffer is untouched");
    });

    [Test]
    public void Sixty_writes_at_a_hundred_a_second_take_490_ms() => _fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("driver=throttle,file.driver=memory,file.filename=a,limits.iops-total=100,throttle-group=bar");
        long startNs = _fixture.Context.NowNs;
        List<long> instants = [];
        await Task.WhenAll(Enumerable.Range(0, 60).Select(i => WriteOneAsync(backend, i, instants)));
        Assert.That(instants.Count(t => t == startNs), Is.EqualTo(11), "eleven go at once");
        Assert.That(instants[^1] - startNs, Is.EqualTo(490_000_000), "the rest are 10 ms apart");
        for (int i = 0; i < 60; i++)
        {
            Assert.That(_fixture.Memory.Storage("a").Bytes[i * 4096], Is.EqualTo(i + 1), $"the data of write {i}");
        }
    });

    [Test]
    public void Discards_and_zero_writes_are_charged_and_flushes_are_not() => _fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("driver=throttle,discard=unmap,file.driver=memory,file.filename=a,limits.iops-write=10");
        await backend.WriteZeroesAsync(0, 4096);
        await backend.DiscardAsync(4096, 4096);
        long startNs = _fixture.Context.NowNs;
        await backend.FlushAsync();
        Assert.That(_fixture.Context.NowNs, Is.EqualTo(startNs), "a flush does not wait");
        await backend.WriteAsync(0, new byte[512]);
        Assert.That(_fixture.Context.NowNs - startNs, Is.EqualTo(100_000_000), "the write repays the two before it");
        Assert.That(_fixture.Memory.Storage("a").Log.Select(r => r.Kind), Does.Contain(RequestKind.Discard), "the discard reached the child");
    });

    [Test]
    public void Two_nodes_of_one_group_share_its_limits_in_turn() => _fixture.Run(async () =>
    {
        await using BlockBackend a = await OpenAsync("driver=throttle,file.driver=memory,file.filename=a,throttle-group=g,limits.iops-total=100");
        await using BlockBackend b = await OpenAsync("driver=throttle,file.driver=memory,file.filename=b,throttle-group=g");
        List<long> first = [];
        List<long> second = [];
        IEnumerable<Task> tasks = [.. Enumerable.Range(0, 16).Select(i => WriteOneAsync(a, i, first)), .. Enumerable.Range(0, 4).Select(i => WriteOneAsync(b, i, second))];
        await Task.WhenAll(tasks);
        Assert.That(second.Select(t => t / 1_000_000), Is.EqualTo(new[] { 20, 40, 60, 80 }), "the second member gets every other turn");
        Assert.That(_fixture.Graph.ThrottleGroups.Groups, Has.Count.EqualTo(1), "one group");
    });

    [Test]
    public void Limits_overwrite_the_group_and_their_absence_keeps_them() => _fixture.Run(async () =>
    {
        await using BlockBackend a = await OpenAsync("driver=throttle,file.driver=memory,file.filename=a,throttle-group=g,limits.iops-total=100,limits.bps-total=1000000");
        await using BlockBackend b = await OpenAsync("driver=throttle,file.driver=memory,file.filename=b,throttle-group=g");
        ThrottleGroup group = _fixture.Graph.ThrottleGroups.Find("g")!;
        Assert.That(group.Config.IopsTotal.Rate, Is.EqualTo(100), "retained");
        await using BlockBackend c = await OpenAsync("driver=throttle,file.driver=memory,file.filename=c,throttle-group=g,limits.iops-total=7");
        Assert.That(group.Config.IopsTotal.Rate, Is.EqualTo(7), "the given key is overwritten");
        Assert.That(group.Config.BpsTotal.Rate, Is.EqualTo(1_000_000), "the others are merged");
    });

    [Test]
    public void A_failed_open_leaves_the_group_as_it_was() => _fixture.Run(async () =>
    {
        await using BlockBackend a = await OpenAsync("driver=throttle,node-name=n,file.driver=memory,file.filename=a,throttle-group=g,limits.iops-total=100");
        BlockException error = await RefusedAsync("driver=throttle,node-name=n,file.driver=memory,file.filename=b,throttle-group=g,limits.iops-total=7");
        Assert.That(error.Message, Is.EqualTo("Duplicate nodes with node-name='n'"), "why");
        error = await RefusedAsync("driver=exclusive-writer,file=n");
        Assert.That(error.Message, Does.StartWith("Permission conflict on node 'n'"), "a conflict at the very end of opening");
        Assert.That(_fixture.Graph.ThrottleGroups.Find("g")!.Config.IopsTotal.Rate, Is.EqualTo(100), "the limits");
        Assert.That(_fixture.Graph.ThrottleGroups.Find("g")!.MemberCount, Is.EqualTo(1), "the members");
    });

    [TestCase("throttle-group=nope", "Throttle group 'nope' does not exist")]
    [TestCase("limits.iops-total=x", "Parameter 'limits.iops-total' expects a number")]
    [TestCase("limits.iops-total=1,limits.iops-read=1", "bps/iops/max total values and read/write values cannot be used at the same time")]
    [TestCase("limits.iops-total-max-length=4294967296", "limits.iops-total-max-length value must be in the range [0, 4294967295]")]
    [TestCase("limits.iops-totl=1", "Block format 'throttle' does not support the option 'limits.iops-totl' (did you mean 'limits.iops-total'?)")]
    public void A_bad_option_is_refused_by_name_and_changes_nothing(string options, string text)
    {
        _fixture.Run(async () =>
        {
            BlockException error = await RefusedAsync("driver=throttle,file.driver=memory,file.filename=a," + options);
            Assert.That(error.Message, Is.EqualTo(text), "the text");
        });
        Assert.That(_fixture.Graph.ThrottleGroups.Groups, Is.Empty, "no group is left");
        Assert.That(_fixture.Graph.Nodes, Is.Empty, "no node is left");
        Assert.That(_fixture.Memory.Storage("a").OpenCount, Is.Zero, "no storage is left open");
    }

    [TestCase("", "Please specify a throttle group")]
    [TestCase(",throttle-group=g", "Throttle group 'g' does not exist")]
    [TestCase(",throttle-group=g,limits.iops-total=1", "Block format 'throttle' does not support the option 'limits.iops-total'")]
    public void The_qemu_profile_wants_a_group_and_no_limits(string options, string text)
    {
        using GraphFixture fixture = NewFixture(CompatibilityProfile.Qemu);
        fixture.Run(async () =>
        {
            BlockException? error = null;
            try
            {
                await fixture.Graph.OpenAsync(KeyvalParser.Parse("driver=throttle,file.driver=memory,file.filename=a" + options));
            }
            catch (BlockException refusal)
            {
                error = refusal;
            }

            Assert.That(error?.Message, Is.EqualTo(text), "the text");
        });
    }

    [Test]
    public void An_anonymous_group_dies_with_its_node() => _fixture.Run(async () =>
    {
        BlockBackend backend = await OpenAsync("driver=throttle,file.driver=memory,file.filename=a");
        Assert.That(_fixture.Graph.ThrottleGroups.Groups.Single().Name, Does.StartWith("#throttle"), "a name of its own kind");
        await backend.DisposeAsync();
        Assert.That(_fixture.Graph.ThrottleGroups.Groups, Is.Empty, "gone");
    });

    [Test]
    public void A_drain_releases_throttled_requests() => _fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("driver=throttle,file.driver=memory,file.filename=a,limits.iops-total=1");
        List<long> instants = [];
        Task all = Task.WhenAll(Enumerable.Range(0, 20).Select(i => WriteOneAsync(backend, i, instants)));
        long startNs = _fixture.Context.NowNs;
        await using (DrainScope scope = await backend.DrainAsync())
        {
            Assert.That(instants, Has.Count.EqualTo(20), "all are done when the drain has begun");
            Assert.That(_fixture.Context.NowNs, Is.EqualTo(startNs), "at once, not at one a second");
        }

        await all;
    });

    [Test]
    public void A_node_opened_over_a_drained_one_starts_out_drained() => _fixture.Run(async () =>
    {
        BlockNode leaf = await _fixture.Graph.AddNodeAsync(KeyvalParser.Parse("driver=memory,node-name=leaf,filename=a"));
        DrainScope scope = await DrainScope.BeginAsync(leaf);
        await using BlockBackend backend = await OpenAsync("driver=throttle,file=leaf,limits.iops-total=1");
        List<long> instants = [];
        Task all = Task.WhenAll(Enumerable.Range(0, 3).Select(i => WriteOneAsync(backend, i, instants)));
        await _fixture.Context.YieldAsync();
        Assert.That(instants, Is.Empty, "held back");
        await scope.DisposeAsync();
        await all;
        Assert.That(instants[^1] - instants[0], Is.EqualTo(1_900_000_000), "limited from the end of the drain on");
    });

    [Test]
    public void Limits_given_later_reach_requests_that_skipped_the_filter() => _fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("driver=throttle,node-name=t,file.driver=memory,file.filename=a");
        await backend.WriteAsync(0, new byte[512]);
        ThrottleGroup group = ((ThrottleFilterInstance)_fixture.Graph.FindNode("t")!.Instance).Member.Group;
        group.SetConfig(new ThrottleConfig { IopsTotal = new ThrottleLimits(10) });
        long startNs = _fixture.Context.NowNs;
        for (int i = 0; i < 3; i++)
        {
            await backend.WriteAsync(0, new byte[512]);
        }

        Assert.That(_fixture.Context.NowNs - startNs, Is.EqualTo(100_000_000), "the third waits");
    });

    [Test]
    public void A_node_that_changes_an_objects_limits_says_so() => _fixture.Run(async () =>
    {
        _fixture.Graph.ThrottleGroups.CreateObject("g", new ThrottleLimitsUpdate());
        List<ThrottleLimitsChanged> events = [];
        using IDisposable subscription = _fixture.Graph.Events.Subscribe<ThrottleLimitsChanged>(events.Add);
        await using BlockBackend backend = await OpenAsync("driver=throttle,node-name=t,file.driver=memory,file.filename=a,throttle-group=g,limits.iops-total=5");
        Assert.That(events, Is.EqualTo(new[] { new ThrottleLimitsChanged("g", "t") }), "one event");
    });

    private static GraphFixture NewFixture(CompatibilityProfile profile) =>
        new(new SimulationOptions { HasExactTime = true }, [new ThrottleFilterDriver(), new RawDriver()], new NodeGraphOptions { Profile = profile });

    private static async Task WriteOneAsync(BlockBackend backend, int index, List<long> instants)
    {
        byte[] data = new byte[4096];
        data.AsSpan().Fill((byte)(index + 1));
        await backend.WriteAsync(index * 4096L, data);
        instants.Add(backend.Context.NowNs);
    }

    private Task<BlockBackend> OpenAsync(string options) => _fixture.Graph.OpenAsync(KeyvalParser.Parse(options));

    private async Task<BlockException> RefusedAsync(string options)
    {
        try
        {
            await OpenAsync(options);
        }
        catch (BlockException refusal)
        {
            return refusal;
        }

        throw new AssertionException("the options were not refused");
    }
}
