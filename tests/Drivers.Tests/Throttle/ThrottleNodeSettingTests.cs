using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Events;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Throttling;
using BlockGraph.Drivers.Filters.Throttle;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Throttle;

/// <summary>What a throttle node may say beside limits: what requests are charged, how long they may wait, its share, and how its group goes about.</summary>
[TestFixture]
public sealed class ThrottleNodeSettingTests
{
    private const int Ms = 1_000_000;
    private const string AllSettings = "share.weight=4,share.reservation-iops=10,share.limit-bps=1000000,discard-accounting=none,zeroes-accounting=ops-only,flush-accounting=full,max-wait=500";

    private ThrottleFixture _world = null!;

    [SetUp]
    public void SetUp() => _world = new ThrottleFixture();

    [TearDown]
    public void TearDown() => _world.Dispose();

    [TestCase("discard", "", 1, 4096)]
    [TestCase("discard", "discard-accounting=full", 1, 4096)]
    [TestCase("discard", "discard-accounting=ops-only", 1, 0)]
    [TestCase("discard", "discard-accounting=none", 0, 0)]
    [TestCase("zeroes", "", 1, 4096)]
    [TestCase("zeroes", "zeroes-accounting=full", 1, 4096)]
    [TestCase("zeroes", "zeroes-accounting=ops-only", 1, 0)]
    [TestCase("zeroes", "zeroes-accounting=none", 0, 0)]
    [TestCase("flush", "", 0, 0)]
    [TestCase("flush", "flush-accounting=full", 1, 0)]
    [TestCase("flush", "flush-accounting=ops-only", 1, 0)]
    [TestCase("flush", "flush-accounting=none", 0, 0)]
    public void A_request_is_charged_what_its_accounting_says(string kind, string accounting, int operations, int bytes) => _world.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("limits.iops-write=1000000,limits.bps-write=1000000000000", accounting);
        await backend.WriteAsync(0, new byte[512]);
        ThrottleGroup group = _world.Member("t").Group;
        await SendAsync(backend, kind);
        Assert.That(group.Bucket(ThrottleMeter.IopsWrite).Level, Is.EqualTo(1 + operations), "operations, with the write before it");
        Assert.That(group.Bucket(ThrottleMeter.BpsWrite).Level, Is.EqualTo(512 + bytes), "bytes");
        Assert.That(Arrived(), Is.EqualTo(1), "it has reached the child");
        int Arrived() => _world.World.Memory.Storage("t").Log.Count(request => request.Kind == KindOf(kind));
    });

    // Two writes at ten a second: whatever is charged waits for 100 ms.
    [TestCase("discard", "", 100)]
    [TestCase("discard", "discard-accounting=ops-only", 100)]
    [TestCase("discard", "discard-accounting=none", 0)]
    [TestCase("zeroes", "", 100)]
    [TestCase("zeroes", "zeroes-accounting=ops-only", 100)]
    [TestCase("zeroes", "zeroes-accounting=none", 0)]
    [TestCase("flush", "", 0)]
    [TestCase("flush", "flush-accounting=full", 100)]
    [TestCase("flush", "flush-accounting=ops-only", 100)]
    public void What_is_charged_waits_and_what_is_not_does_not(string kind, string accounting, int waitMs) => _world.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("limits.iops-total=10", accounting);
        await backend.WriteAsync(0, new byte[512]);
        await backend.WriteAsync(0, new byte[512]);
        long startNs = _world.World.Context.NowNs;
        await SendAsync(backend, kind);
        Assert.That(_world.World.Context.NowNs - startNs, Is.EqualTo(waitMs * Ms), "how long it has waited");
    });

    // One a second: the second read would wait for 900 ms, and gives up; the third starts when the second would have.
    [Test]
    public void A_request_that_waits_too_long_fails_uncharged_and_reaches_nobody() => _world.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("limits.iops-total=1", "max-wait=500");
        long startNs = _world.World.Context.NowNs;
        await backend.ReadAsync(0, new byte[512]);
        BlockException error = await Failure.OfRequestAsync(() => backend.ReadAsync(512, new byte[512]));
        Assert.That((error.Kind, error.Message), Is.EqualTo((BlockErrorKind.ThrottleTimeout, "Throttled for longer than 500 ms in group '#throttle0'")), "why");
        Assert.That(_world.World.Context.NowNs - startNs, Is.EqualTo(500 * Ms), "when");
        await backend.ReadAsync(1024, new byte[512]);
        Assert.That(_world.World.Context.NowNs - startNs, Is.EqualTo(900 * Ms), "nothing was charged for it");
        Assert.That(_world.World.Memory.Storage("t").Log.Where(request => request.Kind == RequestKind.Read).Select(request => request.Offset), Is.EqualTo(new[] { 0, 1024 }), "it has not reached the child");
    });

    [Test]
    public void A_flush_that_is_charged_may_time_out_too() => _world.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("limits.iops-total=1", "max-wait=500,flush-accounting=full");
        await backend.WriteAsync(0, new byte[512]);
        BlockException error = await Failure.OfRequestAsync(() => backend.FlushAsync());
        Assert.That(error.Kind, Is.EqualTo(BlockErrorKind.ThrottleTimeout), "why");
        Assert.That(_world.World.Memory.Storage("t").Log.Select(request => request.Kind), Has.None.EqualTo(RequestKind.Flush), "nothing was flushed");
        await _world.World.Context.DelayAsync(1000 * Ms);
    });

    [Test]
    public void A_share_is_the_members_and_a_reopen_changes_what_it_names() => _world.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("limits.iops-total=100", "share.weight=4,share.reservation-iops=10,share.limit-iops=50,share.limit-bps=1000,share.reservation-bps=20");
        ThrottleShare share = new() { Weight = 4, ReservationIops = 10, ReservationBps = 20, LimitIops = 50, LimitBps = 1000 };
        ThrottleGroupMember member = _world.Member("t");
        Assert.That(member.Share, Is.EqualTo(share), "as opened");
        await _world.ReopenAsync("t", "share.weight=2,share.limit-bps=0");
        Assert.That(member.Share, Is.EqualTo(share with { Weight = 2, LimitBps = 0 }), "the rest is kept");
        Assert.That(await _world.RefusedAsync(_world.Reopen("t", "share.reservation-iops=51")), Is.EqualTo("share.reservation-iops cannot be higher than share.limit-iops"), "weighed as a whole");
        await _world.ReopenAsync("t", "throttle-group=h,limits.iops-total=1");
        Assert.That((_world.Member("t").Group.Name, _world.Member("t").Share), Is.EqualTo(("h", share with { Weight = 2, LimitBps = 0 })), "it goes with the node to another group");
        await _world.ReopenAsync("t", "throttle-group=h", isWhole: true);
        Assert.That(_world.Member("t").Share, Is.EqualTo(ThrottleShare.Default), "what is not named has its default");
    });

    // A limit of ten of its own in a group of a hundred.
    [Test]
    public void A_share_with_a_limit_makes_its_node_wait() => _world.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("limits.iops-total=1000", "share.limit-iops=10");
        long startNs = _world.World.Context.NowNs;
        await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => backend.ReadAsync(0, new byte[512]).AsTask()));
        Assert.That(_world.World.Context.NowNs - startNs, Is.EqualTo(300 * Ms), "two at once, the others in turn");
    });

    [Test]
    public void Settings_of_the_group_are_those_of_the_one_that_is_created() => _world.Run(async () =>
    {
        await using BlockBackend named = await _world.OpenAsync("t", "throttle-group=g,limits.iops-total=10,burst-window=50,pacing=on,fair-by=cost");
        ThrottleConfig config = new() { IopsTotal = new ThrottleLimits(10), BurstWindowMs = 50, IsPaced = true, IsFairByCost = true };
        Assert.That(_world.Groups.Find("g")!.Config, Is.EqualTo(config), "a named one");
        await using BlockBackend own = await _world.OpenAsync("u", "limits.iops-total=10,burst-window=50,pacing=on,fair-by=cost");
        Assert.That(_world.Member("u").Group.Config, Is.EqualTo(config), "one of its own");
        await using BlockBackend unlimited = await _world.OpenAsync("v", "throttle-group=h,pacing=on");
        Assert.That(_world.Groups.Find("h")!.Config, Is.EqualTo(new ThrottleConfig { IsPaced = true }), "a setting alone creates one, too");
    });

    [TestCase("burst-window=0", 0, true, false)]
    [TestCase("pacing=off", 50, false, false)]
    [TestCase("fair-by=cost", 50, true, true)]
    [TestCase("limits.iops-total=10", 50, true, false)]
    [TestCase("", 50, true, false)]
    public void A_node_that_joins_changes_what_it_names(string settings, int windowMs, bool isPaced, bool isFairByCost) => _world.Run(async () =>
    {
        ThrottleGroup group = _world.Groups.CreateObject("g", new ThrottleLimitsUpdate { ["iops-total"] = 10, BurstWindowMs = 50, IsPaced = true });
        ThrottleConfig before = group.Config;
        await using BlockBackend backend = await _world.OpenAsync("t", "throttle-group=g" + (settings.Length == 0 ? "" : "," + settings));
        Assert.That(group.Config, Is.EqualTo(before with { BurstWindowMs = windowMs, IsPaced = isPaced, IsFairByCost = isFairByCost }), "merged");
        Assert.That(_world.Changes, Is.EqualTo(group.Config == before ? [] : new[] { new ThrottleLimitsChanged("g", "t") }), "and told of");
        group.SetConfig(before);
        await _world.ReopenAsync("t", "cache.no-flush=on");
        Assert.That(group.Config, Is.EqualTo(before), "a reopen for another reason leaves what was changed since");
        await _world.ReopenAsync("t", settings);
        Assert.That(group.Config, Is.EqualTo(before with { BurstWindowMs = windowMs, IsPaced = isPaced, IsFairByCost = isFairByCost }), "one that names it does not");
    });

    // Twenty at once with a window of two seconds, one more finds it full.
    [Test]
    public void A_reopen_gives_a_burst_another_window() => _world.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("limits.iops-total=10", "");
        await _world.ReopenAsync("t", "burst-window=2000");
        long startNs = _world.World.Context.NowNs;
        List<long> instants = [];
        await Task.WhenAll(Enumerable.Range(0, 22).Select(_ => ReadAsync(backend, instants)));
        Assert.That(instants.Count(instant => instant == startNs), Is.EqualTo(21), "at once");
        Assert.That(instants[^1] - startNs, Is.EqualTo(100 * Ms), "the last");
    });

    [TestCase("burst-window=3600001", "burst-window value must be in the range [0, 3600000]")]
    [TestCase("fair-by=weight", "Parameter 'fair-by' does not accept value 'weight'")]
    [TestCase("share.weight=0", "share.weight value must be in the range [1, 10000]")]
    [TestCase("max-wait=-1", "max-wait value must be in the range [0, 2147483647]")]
    [TestCase("flush-accounting=half", "Parameter 'flush-accounting' does not accept value 'half'")]
    [TestCase("throttle-parent=p", "Cannot change the option 'throttle-parent'")]
    public void A_refused_reopen_leaves_every_setting(string changes, string text) => _world.Run(async () =>
    {
        _world.Groups.CreateObject("p", ThrottleFixture.Iops(100));
        await using BlockBackend backend = await OpenAsync("limits.iops-total=10,pacing=on", AllSettings);
        string before = Shown("t");
        Assert.That(await _world.RefusedAsync(_world.Reopen("t", changes)), Is.EqualTo(text), "why");
        Assert.That(Shown("t"), Is.EqualTo(before), "as it was");
    });

    [Test]
    public void A_reopen_that_is_given_up_leaves_every_setting() => _world.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("limits.iops-total=10,pacing=on,burst-window=20", AllSettings);
        await using BlockBackend other = await _world.OpenAsync("u");
        string before = Shown("t");
        ThrottleGroupMember member = _world.Member("t");
        string refused = await _world.RefusedAsync(
            _world.Reopen("t", "burst-window=1,pacing=off,fair-by=cost,share.weight=9,share.limit-bps=0,discard-accounting=full,zeroes-accounting=none,flush-accounting=none,max-wait=1"),
            _world.Reopen("u", "throttle-group=nope"));
        Assert.That(refused, Is.EqualTo("Throttle group 'nope' does not exist"), "the other node's fault");
        Assert.That((Shown("t"), _world.Member("t")), Is.EqualTo((before, member)), "as it was");
        await backend.WriteAsync(0, new byte[512]);
        long startNs = _world.World.Context.NowNs;
        await backend.DiscardAsync(0, 4096);
        Assert.That(_world.World.Context.NowNs, Is.EqualTo(startNs), "discards go free as before");
    });

    [Test]
    public void A_reopen_changes_each_setting_of_the_node() => _world.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("limits.iops-total=10", "");
        Assert.That(Shown("t"), Is.EqualTo("throttle-group=#throttle0,limits.iops-total=10"), "nothing but limits");
        await _world.ReopenAsync("t", AllSettings);
        Assert.That(Shown("t"), Is.EqualTo("throttle-group=#throttle0,limits.iops-total=10," + AllSettings), "everything");
        Assert.That(_world.Member("t").MaxWaitMs, Is.EqualTo(500), "the member's, too");
        await backend.WriteAsync(0, new byte[512]);
        await backend.WriteAsync(0, new byte[512]);
        long startNs = _world.World.Context.NowNs;
        await backend.DiscardAsync(0, 4096);
        Assert.That(_world.World.Context.NowNs, Is.EqualTo(startNs), "discards are free from now on");
        await backend.FlushAsync();
        Assert.That(_world.World.Context.NowNs - startNs, Is.EqualTo(100 * Ms), "and flushes are not");
        await _world.ReopenAsync("t", "", isWhole: true);
        Assert.That(Shown("t"), Is.EqualTo("throttle-group=#throttle0,limits.iops-total=10"), "what is not named has its default; the limits are the group's");
    });

    [TestCase("limits.iops-total=10,burst-window=20,pacing=on,fair-by=cost," + AllSettings)]
    [TestCase("limits.iops-total=10,throttle-parent=p,share.weight=3")]
    [TestCase("throttle-parent=p,max-wait=7")]
    [TestCase("throttle-group=g,share.reservation-bps=5,share.limit-iops=7")]
    [TestCase("throttle-group=g,throttle-parent=p,zeroes-accounting=none")]
    public void The_name_of_a_node_opens_another_with_the_same_settings(string options) => _world.Run(async () =>
    {
        ThrottleGroup parent = _world.Groups.CreateObject("p", ThrottleFixture.Iops(100));
        _world.Groups.CreateObject("g", ThrottleFixture.Iops(50), parentName: "p");
        await using BlockBackend backend = await _world.OpenAsync("t", options);
        string name = _world.Node("t").ShownFileName;
        await using BlockBackend again = await _world.Graph.OpenAsync(new() { { "filename", name } });
        Assert.That(Shown(again.Root!), Is.EqualTo(Shown("t").Replace("#throttle0", "#throttle1", StringComparison.Ordinal)), name);
        ThrottleGroupMember member = ((ThrottleFilterInstance)again.Root!.Instance).Member;
        Assert.That((member.Share, member.MaxWaitMs), Is.EqualTo((_world.Member("t").Share, _world.Member("t").MaxWaitMs)), "the member's");
        Assert.That(member.Group.Parent, Is.EqualTo(options.Contains("=p", StringComparison.Ordinal) || options.Contains("=g", StringComparison.Ordinal) ? parent : null), "what stands above");
        await _world.ReopenAsync("t", "share.weight=8");
        Assert.That(_world.Node("t").ShownFileName, Does.Contain("\"share.weight\": 8"), "it follows reopens");
    });

    [TestCase("throttle-parent=p", "throttle-parent")]
    [TestCase("burst-window=50", "burst-window")]
    [TestCase("pacing=on", "pacing")]
    [TestCase("fair-by=cost", "fair-by")]
    [TestCase("share.weight=2", "share.weight")]
    [TestCase("share.reservation-iops=2", "share.reservation-iops")]
    [TestCase("share.reservation-bps=2", "share.reservation-bps")]
    [TestCase("share.limit-iops=2", "share.limit-iops")]
    [TestCase("share.limit-bps=2", "share.limit-bps")]
    [TestCase("discard-accounting=full", "discard-accounting")]
    [TestCase("zeroes-accounting=full", "zeroes-accounting")]
    [TestCase("flush-accounting=full", "flush-accounting")]
    [TestCase("max-wait=5", "max-wait")]
    public void The_qemu_profile_knows_none_of_these(string option, string name)
    {
        using ThrottleFixture world = new(CompatibilityProfile.Qemu);
        world.Run(async () =>
        {
            world.Groups.CreateObject("p", ThrottleFixture.Iops(10));
            string before = world.Picture();
            string text = (await Failure.OfAsync(() => world.OpenAsync("t", "throttle-group=p," + option))).Message;
            Assert.That(text, Is.EqualTo($"Block format 'throttle' does not support the option '{name}'"), "opened");
            Assert.That(world.Picture(), Is.EqualTo(before), "nothing has changed");
            await using BlockBackend backend = await world.OpenAsync("t", "throttle-group=p");
            Assert.That(await world.RefusedAsync(world.Reopen("t", option)), Is.EqualTo($"Cannot change the option '{name}'"), "reopened");
        });
    }

    private static RequestKind KindOf(string kind) => kind switch
    {
        "discard" => RequestKind.Discard,
        "zeroes" => RequestKind.WriteZeroes,
        _ => RequestKind.Flush,
    };

    private static async Task SendAsync(BlockBackend backend, string kind)
    {
        switch (kind)
        {
            case "discard":
                await backend.DiscardAsync(4096, 4096);
                break;
            case "zeroes":
                await backend.WriteZeroesAsync(4096, 4096);
                break;
            default:
                await backend.FlushAsync();
                break;
        }
    }

    private static async Task ReadAsync(BlockBackend backend, List<long> instants)
    {
        await backend.ReadAsync(0, new byte[512]);
        instants.Add(backend.Context.NowNs);
    }

    private static string Shown(BlockNode node) => string.Join(',', node.Details.Select(detail => $"{detail.Key}={detail.Value.AsText}"));

    private string Shown(string name) => Shown(_world.Node(name));

    private Task<BlockBackend> OpenAsync(string limits, string settings) => _world.OpenAsync("t", limits + (settings.Length == 0 ? "" : "," + settings));
}
