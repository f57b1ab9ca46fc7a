using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Events;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Throttling;
using BlockGraph.TestKit;
using static BlockGraph.BlockCore.Tests.Throttling.ThrottleWorld;

namespace BlockGraph.BlockCore.Tests.Backend;

/// <summary>A device gets limits, others, a group, another group, none: what happens to those that wait, and to others in the group.</summary>
[TestFixture]
public sealed class BackendLimitTests : BackendTests
{
    private const long Ms = 1_000_000;
    private static readonly ThrottleConfig s_onePerSecond = Limits(("iops-total", 1));
    private static readonly ThrottleConfig s_tenPerSecond = Limits(("iops-total", 10));
    private static readonly ThrottleConfig s_many = Limits(("iops-total", 1_000_000));

    private ThrottleGroupRegistry Groups => Fixture.Graph.ThrottleGroups;

    private long NowMs => Fixture.World.NowNs / Ms;

    [Test]
    public void Higher_limits_hold_at_once_for_everybody_in_the_group() => Fixture.Run(async () =>
    {
        // drive-0, drive-1: one group
        BlockBackend[] drives = await OpenDrivesAsync("g", s_onePerSecond);
        List<Task> waiting = [.. Enumerable.Range(0, 14).Select(i => drives[i % 2].ReadAsync(i, new byte[1]).AsTask())];
        await Fixture.Context.DelayAsync(100 * Ms);
        Assert.That(waiting.Count(w => !w.IsCompleted), Is.EqualTo(13), "they wait");
        await drives[0].LimitAsync(Limits(("iops-total", 100)));
        await Task.WhenAll(waiting);
        Assert.That((NowMs, drives[1].ThrottleGroup!.Config.IopsTotal.Rate), Is.EqualTo((228L, 100L)), "nobody waits for the old alarm: the full bucket of the old limits is one of the new ones, 0.8 are owed, then one each ten milliseconds");
    });

    [Test]
    public void The_same_limits_again_change_nothing() => Fixture.Run(async () =>
    {
        BlockBackend drive = await OpenDriveAsync("drive", s_onePerSecond);
        await drive.ReadAsync(0, new byte[1]);
        Task waiting = drive.ReadAsync(0, new byte[1]).AsTask();
        await Fixture.Context.DelayAsync(500 * Ms);
        await drive.LimitAsync(s_onePerSecond);
        await waiting;
        Assert.That(NowMs, Is.EqualTo(900), "when it would have started");
    });

    [Test]
    public void In_the_qemu_profile_new_limits_forgive_what_was_owed() => Fixture.Run(async () =>
    {
        using GraphFixture fixture = new(graphOptions: new NodeGraphOptions { Profile = CompatibilityProfile.Qemu });
        fixture.Run(async () =>
        {
            BlockBackend drive = await fixture.OpenAsync("driver=memory,filename=disk");
            await drive.LimitAsync(s_onePerSecond);
            Task[] requests = [.. Enumerable.Range(0, 3).Select(i => drive.ReadAsync(i, new byte[1]).AsTask())];
            await fixture.Context.DelayAsync(100 * Ms);
            await drive.LimitAsync(s_onePerSecond);
            await requests[1];
            Assert.That(fixture.World.NowNs / Ms, Is.EqualTo(100), "the first that waits starts at once");
            await requests[2];
            Assert.That(fixture.World.NowNs / Ms, Is.EqualTo(1000), "the next when the fresh bucket says");
        });
        await Task.CompletedTask;
    });

    [Test]
    public void Without_limits_the_device_leaves_and_others_keep_waiting() => Fixture.Run(async () =>
    {
        BlockBackend[] drives = await OpenDrivesAsync("g", s_onePerSecond);
        ThrottleGroup group = drives[0].ThrottleGroup!;
        Task[] own = [.. Enumerable.Range(0, 5).Select(i => drives[0].WriteAsync(i, new byte[] { 3 }).AsTask())];
        Task[] others = [.. Enumerable.Range(0, 2).Select(i => drives[1].ReadAsync(i, new byte[1]).AsTask())];
        await drives[0].LimitAsync(ThrottleConfig.Unlimited, "ignored");
        Assert.That((own.All(o => o.IsCompletedSuccessfully), others.Any(o => o.IsCompleted), NowMs), Is.EqualTo((true, false, 0L)), "its own were carried out, the others' wait");
        Assert.That((drives[0].ThrottleGroup, group.MemberCount, group.Config, Groups.Find("ignored")), Is.EqualTo(((ThrottleGroup?)null, 1, s_onePerSecond, (ThrottleGroup?)null)), "it is out, the limits stay, no group is made");
        await Task.WhenAll(Enumerable.Range(0, 5).Select(i => drives[0].ReadAsync(i, new byte[1]).AsTask()));
        Assert.That(NowMs, Is.Zero, "nothing is limited");
        await Task.WhenAll(others);
        Assert.That(NowMs, Is.EqualTo(5900), "they paid for what was drained, too");
        await drives[0].LimitAsync(ThrottleConfig.Unlimited);
        Assert.That(drives[0].ThrottleGroup, Is.Null, "again: nothing happens");
    });

    [Test]
    public void In_another_group_the_limits_are_those_of_the_new_one_only() => Fixture.Run(async () =>
    {
        BlockBackend[] drives = await OpenDrivesAsync("old", s_onePerSecond);
        BlockBackend third = await OpenDriveAsync("third", s_tenPerSecond, "new");
        ThrottleGroup old = drives[0].ThrottleGroup!;
        Task[] waiting = [.. Enumerable.Range(0, 5).Select(i => drives[0].ReadAsync(i, new byte[1]).AsTask())];
        await drives[0].LimitAsync(s_many, "new");
        Assert.That((waiting.All(w => w.IsCompletedSuccessfully), NowMs), Is.EqualTo((true, 0L)), "what waited was carried out");
        Assert.That((drives[0].ThrottleGroup, old.MemberCount, old.Config), Is.EqualTo((third.ThrottleGroup, 1, s_onePerSecond)), "the old group is as it was, without it");
        Assert.That((third.ThrottleGroup!.Config, third.ThrottleGroup.MemberCount), Is.EqualTo((s_many, 2)), "the last to set them wins");
        await drives[1].LimitAsync(s_many, "new");
        Assert.That(Groups.Groups.Select(g => g.Name), Is.EqualTo(new[] { "new" }), "a group goes with its last member");
    });

    [Test]
    public void A_group_is_named_as_the_device_unless_it_is_named() => Fixture.Run(async () =>
    {
        BlockBackend named = await OpenDriveAsync("drive", s_tenPerSecond);
        BlockBackend attached = await OpenDriveAsync(null, null);
        attached.AttachDevice(new RecordingDevice("dev0"));
        await attached.LimitAsync(s_tenPerSecond);
        BlockBackend[] nameless = [await OpenDriveAsync(null, s_tenPerSecond), await OpenDriveAsync(null, s_tenPerSecond)];
        Assert.That((named.ThrottleGroup!.Name, attached.ThrottleGroup!.Name), Is.EqualTo(("drive", "dev0")), "by the backend's name, or the device's id");
        Assert.That(nameless[0].ThrottleGroup, Is.Not.SameAs(nameless[1].ThrottleGroup), "without a name each has its own");
        await named.LimitAsync(s_tenPerSecond, "g");
        await named.LimitAsync(s_many);
        Assert.That((named.ThrottleGroup!.Name, named.ThrottleGroup.Config), Is.EqualTo(("g", s_many)), "a device in a group stays there");
    });

    [Test]
    public void Limits_of_an_object_are_rewritten_and_the_world_hears_of_it() => Fixture.Run(async () =>
    {
        List<ThrottleLimitsChanged> events = [];
        using IDisposable subscription = Fixture.Graph.Events.Subscribe<ThrottleLimitsChanged>(events.Add);
        ThrottleGroup group = Groups.CreateObject("g", new ThrottleLimitsUpdate { ["iops-total"] = 77, ["bps-total"] = 1000 });
        BlockBackend drive = await OpenDriveAsync("drive", s_tenPerSecond, "g");
        Assert.That((drive.ThrottleGroup, group.Config), Is.EqualTo((group, s_tenPerSecond)), "starting from the defaults");
        Assert.That(events, Is.EqualTo(new[] { new ThrottleLimitsChanged("g", null, "drive") }), "one event");
        await drive.LimitAsync(s_tenPerSecond);
        Assert.That(events, Has.Count.EqualTo(1), "the same limits again are no change");
        Assert.That(() => Groups.DeleteObject("g"), Throws.TypeOf<BlockException>().With.Message.EqualTo("object 'g' is in use, can not be deleted"), "by the device");
        await drive.LimitAsync(ThrottleConfig.Unlimited);
        Assert.That(group.Config, Is.EqualTo(s_tenPerSecond), "it stays with its limits");
        Groups.DeleteObject("g");
    });

    [Test]
    public void A_refusal_leaves_everything_as_it_was() => Fixture.Run(async () =>
    {
        BlockBackend drive = await OpenDriveAsync("drive", s_onePerSecond);
        ThrottleGroup group = drive.ThrottleGroup!;
        Task[] requests = [.. Enumerable.Range(0, 2).Select(i => drive.ReadAsync(i, new byte[1]).AsTask())];
        await AssertRefusedAsync(() => drive.LimitAsync(Limits(("iops-total", 1), ("iops-read", 1)), "other"), "bps/iops/max total values and read/write values cannot be used at the same time");
        await AssertRefusedAsync(() => drive.LimitAsync(Limits(("iops-size", 512)), "other"), "iops size requires an iops value to be set");
        await AssertRefusedAsync(() => drive.LimitAsync(s_many, ""), "A throttle group needs a name");
        Assert.That((drive.ThrottleGroup, group.Config, Groups.Groups.Count, requests[1].IsCompleted), Is.EqualTo((group, s_onePerSecond, 1, false)), "group, limits, and who waits");
        await requests[1];
        Assert.That(NowMs, Is.EqualTo(900), "and for how long");
    });

    [Test]
    public void A_device_leaves_when_its_requests_are_over() => Fixture.Run(async () =>
    {
        BlockBackend backend = await OpenScriptedAsync();
        await backend.LimitAsync(s_onePerSecond, "old");
        Task request = backend.ReadAsync(0, new byte[1]).AsTask();
        Task change = backend.LimitAsync(s_many, "new");
        Task second = backend.LimitAsync(ThrottleConfig.Unlimited);
        await SettleAsync();
        Assert.That((change.IsCompleted, backend.ThrottleGroup!.Name, Groups.Find("new")!.MemberCount), Is.EqualTo((false, "old", 0)), "it waits for the storage");
        Fixture.Scripted.Pending.Single().Succeed();
        await change;
        await second;
        Assert.That((request.IsCompletedSuccessfully, backend.ThrottleGroup, Groups.Groups.Count), Is.EqualTo((true, (ThrottleGroup?)null, 0)), "one change after the other");
        await using (await backend.DrainAsync())
        {
        }

        await backend.LimitAsync(s_many);
        await backend.DisposeAsync();
    });

    [Test]
    public void A_backend_that_is_closed_meanwhile_gets_no_limits() => Fixture.Run(async () =>
    {
        BlockBackend backend = await OpenScriptedAsync();
        await backend.LimitAsync(s_onePerSecond, "old");
        Task request = backend.ReadAsync(0, new byte[1]).AsTask();
        Task change = backend.LimitAsync(s_many, "new");
        await SettleAsync();
        Task closing = backend.DisposeAsync().AsTask();
        await SettleAsync();
        Fixture.Scripted.Pending.Single().Succeed();
        await request;
        await Failure.OfAsync<ObjectDisposedException>(() => change);
        await closing;
        Assert.That((backend.ThrottleGroup, Groups.Groups.Count), Is.EqualTo(((ThrottleGroup?)null, 0)), "no group is left");
        await Failure.OfAsync<ObjectDisposedException>(() => backend.LimitAsync(s_many));
    });

    [Test]
    public void An_empty_device_takes_limits_and_moves_with_them() => Fixture.Run(async () =>
    {
        AioContext other = CreateContext("other");
        BlockBackend backend = await Fixture.Graph.CreateBackendAsync(new BackendOptions { Name = "cd" });
        await backend.LimitAsync(s_onePerSecond);
        await backend.LimitAsync(s_tenPerSecond, "g");
        await backend.MoveAsync(other);
        await backend.InsertAsync(await Fixture.AddAsync("driver=memory,filename=disk,node-name=n"));
        await Task.WhenAll(Enumerable.Range(0, 4).Select(i => backend.ReadAsync(i, new byte[1]).AsTask()));
        Assert.That((NowMs, backend.ThrottleGroup!.Name), Is.EqualTo((200L, "g")), "two at once, two in turn");
        await backend.RemoveAsync();
        await backend.LimitAsync(ThrottleConfig.Unlimited);
        await backend.DisposeAsync();
        Assert.That(Groups.Groups, Is.Empty, "no group is left");
    });

    [Test]
    public void Everybody_starts_or_is_cancelled_whatever_happens_to_the_limits([Range(0, 199)] int seed)
    {
        SharedProtocol shared = new(new SeededRandom((ulong)seed));
        using GraphFixture fixture = new(new SimulationOptions { Seed = seed }, [shared]);
        fixture.Run(() => new LimitTurmoil(fixture, seed).PlayAsync());
        Assert.That(fixture.Graph.ThrottleGroups.Groups, Is.Empty, $"seed {seed}: no group is left");
    }

    private async Task<BlockBackend> OpenDriveAsync(string? name, ThrottleConfig? limits, string? groupName = null)
    {
        BlockBackend drive = await Fixture.OpenAsync($"driver=memory,filename={name ?? "nameless"}", new BackendOptions { Name = name, ShareWrite = true });
        if (limits is not null)
        {
            await drive.LimitAsync(limits, groupName);
        }

        return drive;
    }

    private async Task<BlockBackend[]> OpenDrivesAsync(string groupName, ThrottleConfig limits) =>
        [await OpenDriveAsync("drive-0", limits, groupName), await OpenDriveAsync("drive-1", limits, groupName)];
}
