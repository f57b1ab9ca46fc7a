using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Throttling;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Backend;

/// <summary>Limits among the options of a device, under their new names and the old ones.</summary>
[TestFixture]
public sealed class BackendThrottlingOptionTests : BackendTests
{
    [TestCase("throttling.iops-total=10", "iops=10,group=d0")]
    [TestCase("iops=0x10", "iops=16,group=d0")]
    [TestCase("iops=10,iops_max=20,group=g", "iops=10,iops_max=20,iops_max_length=1,group=g")]
    [TestCase("iops_size=4096,iops=1,throttling.group=x", "iops=1,iops_size=4096,group=x")]
    [TestCase("throttling.bps-total-max-length=4,bps=1,bps_max=2", "bps=1,bps_max=2,bps_max_length=4,group=d0")]
    [TestCase("bps_rd=1,bps_wr=2,iops_rd=3,iops_wr=4,bps_rd_max=5,bps_wr_max=6,iops_rd_max=7,iops_wr_max=8", "bps_rd=1,bps_wr=2,iops_rd=3,iops_wr=4,bps_rd_max=5,bps_wr_max=6,iops_rd_max=7,iops_wr_max=8,bps_rd_max_length=1,bps_wr_max_length=1,iops_rd_max_length=1,iops_wr_max_length=1,group=d0")]
    [TestCase("throttling.group=g9", "")]
    [TestCase("throttling.group=,iops=0", "")]
    [TestCase("group=g9,throttling.iops-total-max-length=1", "")]
    public void A_device_is_opened_with_limits(string options, string shown) => Fixture.Run(async () =>
    {
        OptionsDictionary all = GraphFixture.Options($"id=d0,{options},driver=memory,filename=disk");
        BackendOptions device = BackendOptions.TakeFrom(all);
        Assert.That(all.Keys, Is.EqualTo(new[] { "driver", "filename" }), "what is left opens the medium");
        await using BlockBackend backend = await Fixture.Graph.OpenAsync(all, device);
        Assert.That((backend.Name, Shown(backend)), Is.EqualTo(("d0", shown)), "name and limits");
    });

    [Test]
    public void Options_may_be_nested_and_typed() => Fixture.Run(async () =>
    {
        OptionsDictionary all = new() { { "id", "d0" }, { "throttling", new OptionsDictionary { { "iops-total", 10 }, { "group", "g" } } }, { "driver", "memory" }, { "filename", "disk" } };
        await using BlockBackend backend = await Fixture.Graph.OpenAsync(all, BackendOptions.TakeFrom(all));
        Assert.That(Shown(backend), Is.EqualTo("iops=10,group=g"), "limits");
    });

    [Test]
    public void An_empty_device_has_them_too_and_a_nameless_one_has_a_group_of_its_own() => Fixture.Run(async () =>
    {
        await using BlockBackend empty = await Fixture.Graph.CreateBackendAsync(BackendOptions.TakeFrom(GraphFixture.Options("id=e0,iops=7")));
        await using BlockBackend nameless = await Fixture.Graph.CreateBackendAsync(BackendOptions.TakeFrom(GraphFixture.Options("iops=7")));
        Assert.That((Shown(empty), empty.ThrottleGroup!.MemberCount), Is.EqualTo(("iops=7,group=e0", 1)), "by name");
        Assert.That(nameless.ThrottleGroup!.MemberCount, Is.EqualTo(1), "alone");
    });

    [TestCase("throttling.iops-total=5,iops=10", "'throttling.iops-total' and its alias 'iops' can't be used at the same time")]
    [TestCase("group=x,throttling.iops-total=1,throttling.group=y", "'throttling.group' and its alias 'group' can't be used at the same time")]
    [TestCase("throttling.iops-total=abc", "Parameter 'throttling.iops-total' expects a number")]
    [TestCase("iops=10M", "Parameter 'throttling.iops-total' expects a number")]
    [TestCase("throttling.iops-total=", "Parameter 'throttling.iops-total' expects a number")]
    [TestCase("throttling.iops-total=99999999999999999999", "Value '99999999999999999999' is too large for parameter 'throttling.iops-total'")]
    [TestCase("iops=-1", "bps/iops/max values must be within [0, 1000000000000000]")]
    [TestCase("throttling.iops-size=5", "iops size requires an iops value to be set")]
    [TestCase("throttling.iops-total-max-length=0,iops=1", "the burst length cannot be 0")]
    [TestCase("throttling.bps-total-max-length=4294967296,bps=1,bps_max=2", "throttling.bps-total-max-length value must be in the range [0, 4294967295]")]
    [TestCase("throttling.bps-read=1,bps=3", "bps/iops/max total values and read/write values cannot be used at the same time")]
    [TestCase("iops=1,iops_size=-5", "Property values cannot be negative")]
    [TestCase("throttling.group=,iops=1", "A throttle group needs a name")]
    public void Malformed_options_are_refused_in_known_words(string options, string message) =>
        Assert.That(() => BackendOptions.TakeFrom(GraphFixture.Options($"id=d0,{options}")), Throws.TypeOf<BlockException>().With.Message.EqualTo(message), options);

    [TestCase("throttling.iops_total=5", "throttling.iops_total")]
    [TestCase("iops-size=4096,iops=1", "iops-size")]
    [TestCase("bps_max_length=4,bps=1,bps_max=2", "bps_max_length")]
    [TestCase("throttling.foo=5", "throttling.foo")]
    public void Whatever_is_no_limit_is_left_to_the_medium_which_refuses_it(string options, string left) => Fixture.Run(async () =>
    {
        OptionsDictionary all = GraphFixture.Options($"id=d0,{options},driver=memory,filename=disk");
        BackendOptions device = BackendOptions.TakeFrom(all);
        await AssertRefusedAsync(() => Fixture.Graph.OpenAsync(all, device), $"Block protocol 'memory' doesn't support the option '{left}'");
        Assert.That(Fixture.Graph.ThrottleGroups.Groups, Is.Empty, "nor is a group left");
    });

    // The options of a device know nothing of how a group goes about: it is not theirs to take back.
    [Test]
    public void A_device_that_joins_replaces_the_limits_and_leaves_the_rest() => Fixture.Run(async () =>
    {
        ThrottleGroup group = Fixture.Graph.ThrottleGroups.CreateObject("g", new ThrottleLimitsUpdate { ["bps-total"] = 7, BurstWindowMs = 50, IsPaced = true, IsFairByCost = true });
        OptionsDictionary all = GraphFixture.Options("throttling.iops-total=10,throttling.group=g,driver=memory,filename=disk");
        await using BlockBackend backend = await Fixture.Graph.OpenAsync(all, BackendOptions.TakeFrom(all));
        ThrottleConfig limits = new() { IopsTotal = new ThrottleLimits(10) };
        Assert.That(group.Config, Is.EqualTo(limits with { BurstWindowMs = 50, IsPaced = true, IsFairByCost = true }), "by options");
        await backend.LimitAsync(limits with { IsPaced = true });
        Assert.That(group.Config, Is.EqualTo(limits with { IsPaced = true }), "a program says everything");
    });

    [Test]
    public void Nothing_is_left_of_limits_when_the_device_is_refused() => Fixture.Run(async () =>
    {
        await using BlockBackend other = await OpenMemoryAsync(new BackendOptions { Name = "other", Throttling = new BackendThrottling(new ThrottleConfig { IopsTotal = new ThrottleLimits(5) }, "g") });
        BackendThrottling throttling = new(new ThrottleConfig { IopsTotal = new ThrottleLimits(6) }, "g");
        await Failure.OfAsync(() => Fixture.Graph.AttachBackendAsync(other.Root!, new BackendOptions { Name = "second", Throttling = throttling }));
        await Failure.OfAsync(() => Fixture.Graph.AttachBackendAsync(other.Root!, new BackendOptions { ReadOnly = true, Throttling = throttling with { GroupName = "" } }));
        BlockException error = await Failure.OfAsync(() => Fixture.Graph.CreateBackendAsync(new BackendOptions { Throttling = new BackendThrottling(new ThrottleConfig { IopsSizeBytes = 5 }) }));
        Assert.That(error.Message, Is.EqualTo("iops size requires an iops value to be set"), "limits that a program has put together are checked, too");
        Assert.That((Shown(other), other.ThrottleGroup!.MemberCount, Fixture.Graph.Backends.Count), Is.EqualTo(("iops=5,group=g", 1, 1)), "the group is as it was");
    });

    // Without the zeros.
    private static string Shown(BlockBackend backend) =>
        string.Join(',', backend.QueryThrottling().Where(e => e.Value.AsText != "0").Select(e => $"{e.Key}={e.Value.AsText}"));
}
