using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Throttling;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Backend;

/// <summary>The command that gives a device its limits: arguments, refusals in QEMU's words, and what a query shows afterwards.</summary>
[TestFixture]
public sealed class DeviceThrottleCommandTests : BackendTests
{
    private static readonly string[] s_rates = ["bps", "bps_rd", "bps_wr", "iops", "iops_rd", "iops_wr"];
    private BlockBackend _drive = null!;

    [SetUp]
    public void OpenDrive() => Fixture.Run(async () =>
    {
        _drive = await OpenMemoryAsync(new BackendOptions { Name = "d0" });
        _drive.AttachDevice(new RecordingDevice("cd"));
        await Fixture.Graph.CreateBackendAsync(new BackendOptions { Name = "empty" });
    });

    [Test]
    public void The_group_is_named_by_the_command_or_as_the_device_is_in_it() => Fixture.Run(async () =>
    {
        await SetAsync("device=d0,iops=20");
        Assert.That(Shown(), Is.EqualTo("bps=0,bps_rd=0,bps_wr=0,iops=20,iops_rd=0,iops_wr=0,group=d0"), "the name");
        await SetAsync("id=cd");
        Assert.That(Shown(), Is.EqualTo("bps=0,bps_rd=0,bps_wr=0,iops=0,iops_rd=0,iops_wr=0"), "none");
        await SetAsync("id=cd,iops=5");
        Assert.That(Shown(), Does.EndWith(",group=cd"), "the id");
        await SetAsync("device=d0,iops=5,group=g2");
        await SetAsync("device=d0,iops=6");
        Assert.That(Shown(), Is.EqualTo("bps=0,bps_rd=0,bps_wr=0,iops=6,iops_rd=0,iops_wr=0,group=g2"), "it stays where it is");
        await SetAsync("device=d0,group=zzz");
        Assert.That((_drive.ThrottleGroup, Fixture.Graph.ThrottleGroups.Groups.Count), Is.EqualTo(((ThrottleGroup?)null, 0)), "without limits the group's name counts for nothing");
    });

    [Test]
    public void What_is_not_said_is_at_its_default_and_what_is_zero_is_hidden() => Fixture.Run(async () =>
    {
        await SetAsync("device=d0,bps_rd=1000,bps_wr=2000,iops=10,bps_rd_max=3000,bps_wr_max=4000,iops_max=40,bps_rd_max_length=5,iops_max_length=2,iops_size=4096,group=g");
        Assert.That(
            Shown(),
            Is.EqualTo("bps=0,bps_rd=1000,bps_wr=2000,iops=10,iops_rd=0,iops_wr=0,bps_rd_max=3000,bps_wr_max=4000,iops_max=40,bps_rd_max_length=5,bps_wr_max_length=1,iops_max_length=2,iops_size=4096,group=g"),
            "in the order of the query: bursts where they are, lengths with their bursts");
        await SetAsync("device=d0,iops=10");
        Assert.That(Shown(), Is.EqualTo("bps=0,bps_rd=0,bps_wr=0,iops=10,iops_rd=0,iops_wr=0,group=g"), "nothing was kept");
    });

    [TestCase("device=nope,iops=1", BlockErrorKind.NotFound, "Device 'nope' not found")]
    [TestCase("id=nope,iops=1", BlockErrorKind.NotFound, "Device 'nope' not found")]
    [TestCase("device=,iops=1", BlockErrorKind.NotFound, "Device '' not found")]
    [TestCase("device=cd,iops=1", BlockErrorKind.NotFound, "Device 'cd' not found")]
    [TestCase("iops=1", BlockErrorKind.InvalidArgument, "Need exactly one of 'device' and 'id'")]
    [TestCase("device=d0,id=cd,iops=1", BlockErrorKind.InvalidArgument, "Need exactly one of 'device' and 'id'")]
    [TestCase("device=empty,iops=1", BlockErrorKind.NoMedium, "Device has no medium")]
    [TestCase("device=empty,iops=-1", BlockErrorKind.NoMedium, "Device has no medium")]
    [TestCase("device=d0,foo=1", BlockErrorKind.InvalidArgument, "Parameter 'foo' is unexpected")]
    [TestCase("device=d0,iops-total=1", BlockErrorKind.InvalidArgument, "Parameter 'iops-total' is unexpected")]
    [TestCase("device=d0,iops=x5", BlockErrorKind.InvalidArgument, "Invalid parameter type for 'iops', expected: integer")]
    [TestCase("device=d0,iops_size=x5", BlockErrorKind.InvalidArgument, "Invalid parameter type for 'iops_size', expected: integer")]
    [TestCase("device=5", BlockErrorKind.InvalidArgument, "Invalid parameter type for 'device', expected: string")]
    [TestCase("device=d0,iops=-1", BlockErrorKind.InvalidArgument, "bps/iops/max values must be within [0, 1000000000000000]")]
    [TestCase("device=d0,iops=1,iops_size=-5", BlockErrorKind.InvalidArgument, "Property values cannot be negative")]
    [TestCase("device=d0,iops=1,iops_max_length=-1", BlockErrorKind.InvalidArgument, "iops_max_length value must be in the range [0, 4294967295]")]
    [TestCase("device=d0,iops=1,iops_max=5,iops_max_length=4294967296", BlockErrorKind.InvalidArgument, "iops_max_length value must be in the range [0, 4294967295]")]
    [TestCase("device=d0,bps=1,bps_rd_max_length=4294967296", BlockErrorKind.InvalidArgument, "bps_rd_max_length value must be in the range [0, 4294967295]")]
    [TestCase("device=d0,bps=1,bps_rd=1", BlockErrorKind.InvalidArgument, "bps/iops/max total values and read/write values cannot be used at the same time")]
    [TestCase("device=d0,bps=1,iops_size=512", BlockErrorKind.InvalidArgument, "iops size requires an iops value to be set")]
    [TestCase("device=d0,iops=1,bps_max_length=0", BlockErrorKind.InvalidArgument, "the burst length cannot be 0")]
    [TestCase("device=d0,iops=1,iops_max_length=2", BlockErrorKind.InvalidArgument, "burst length set without burst rate")]
    [TestCase("device=d0,iops=1,iops_max=1000000000000,iops_max_length=1001", BlockErrorKind.InvalidArgument, "burst length too high for this burst rate")]
    [TestCase("device=d0,iops_max=5", BlockErrorKind.InvalidArgument, "bps_max/iops_max require corresponding bps/iops values")]
    [TestCase("device=d0,iops=6,iops_max=5", BlockErrorKind.InvalidArgument, "bps_max/iops_max cannot be lower than bps/iops")]
    public void A_refusal_is_in_known_words_and_changes_nothing(string arguments, BlockErrorKind kind, string message) => Fixture.Run(async () =>
    {
        await SetAsync("device=d0,iops=10,group=g");
        string before = Shown();
        BlockException error = await AssertRefusedAsync(() => SetAsync(arguments), message);
        Assert.That((error.Kind, Shown()), Is.EqualTo((kind, before)), "the kind, and the limits");
    });

    [Test]
    public void Each_rate_is_mandatory([Values("bps", "bps_rd", "bps_wr", "iops", "iops_rd", "iops_wr")] string missing)
    {
        OptionsDictionary arguments = Arguments("device=d0");
        arguments.Remove(missing);
        Assert.That(() => DeviceThrottleRequest.Read(arguments), Throws.TypeOf<BlockException>().With.Message.EqualTo($"Parameter '{missing}' is missing"), missing);
    }

    [Test]
    public void How_the_group_goes_about_is_left_as_it_is() => Fixture.Run(async () =>
    {
        ThrottleGroup group = Fixture.Graph.ThrottleGroups.CreateObject("g", new ThrottleLimitsUpdate { ["bps-total"] = 7, BurstWindowMs = 50, IsPaced = true, IsFairByCost = true });
        foreach (long rate in new[] { 10, 20 })
        {
            await SetAsync($"device=d0,iops={rate},group=g");
            Assert.That(
                group.Config, Is.EqualTo(new ThrottleConfig { IopsTotal = new ThrottleLimits(rate), BurstWindowMs = 50, IsPaced = true, IsFairByCost = true }), $"{rate}: the limits are replaced, and only they");
        }
    });

    [Test]
    public void Reading_leaves_the_arguments_alone()
    {
        OptionsDictionary arguments = Arguments("device=d0,iops=3,group=g");
        DeviceThrottleRequest request = DeviceThrottleRequest.Read(arguments);
        Assert.That((request.Device, request.Id, request.Group, request.Limits.IopsTotal.Rate, arguments.Count), Is.EqualTo(("d0", (string?)null, "g", 3L, 8)), "what was read");
    }

    [TestCase("d0 0 2 3 0 5 0x10", "bps=0,bps_rd=2,bps_wr=3,iops=0,iops_rd=5,iops_wr=16,group=d0")]
    [TestCase(" cd  0 0 0 8 0 0 ", "bps=0,bps_rd=0,bps_wr=0,iops=8,iops_rd=0,iops_wr=0,group=cd")]
    [TestCase("d0 0 0 0 0 0 0", "bps=0,bps_rd=0,bps_wr=0,iops=0,iops_rd=0,iops_wr=0")]
    public void A_person_writes_the_device_and_six_numbers(string words, string shown) => Fixture.Run(async () =>
    {
        await Fixture.Graph.SetIoThrottleAsync(words);
        Assert.That(Shown(), Is.EqualTo(shown), words);
    });

    [TestCase("", "block_set_io_throttle: block device name expected")]
    [TestCase("d0 0 0 0 0 0", "unexpected end of expression")]
    [TestCase("d0 0 0 0 0 0 0 0", "block_set_io_throttle: extraneous characters at the end of line")]
    [TestCase("d0 0 0 0 0 0 x", "invalid char 'x' in expression")]
    [TestCase("d0 1M 0 0 0 0 0", "invalid char 'M' in expression")]
    [TestCase("nope 1 0 0 0 0 0", "Device 'nope' not found")]
    [TestCase("empty 1 0 0 0 0 0", "Device has no medium")]
    [TestCase("d0 1 2 3 4 5 6", "bps/iops/max total values and read/write values cannot be used at the same time")]
    public void And_is_told_what_is_wrong(string words, string message) =>
        Fixture.Run(() => AssertRefusedAsync(() => Fixture.Graph.SetIoThrottleAsync(words), message));

    private Task SetAsync(string arguments) => Fixture.Graph.SetIoThrottleAsync(DeviceThrottleRequest.Read(Arguments(arguments)));

    // The six rates, zero where not given. Numbers are typed, everything else is text.
    private static OptionsDictionary Arguments(string text)
    {
        OptionsDictionary arguments = GraphFixture.Options(text);
        foreach (string key in arguments.Keys.ToArray())
        {
            if (long.TryParse(arguments.GetText(key), out long number))
            {
                arguments[key] = number;
            }
        }

        foreach (string rate in s_rates)
        {
            arguments.SetDefault(rate, 0);
        }

        return arguments;
    }

    private string Shown() => string.Join(',', _drive.QueryThrottling().Select(e => $"{e.Key}={e.Value.AsText}"));
}
