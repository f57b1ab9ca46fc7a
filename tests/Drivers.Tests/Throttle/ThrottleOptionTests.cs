using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Throttling;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Throttle;

/// <summary>What each combination of group and limits means when a node is opened, in both profiles; and the name that opens it again.</summary>
[TestFixture]
public sealed class ThrottleOptionTests
{
    private const string NoLimits = "Block format 'throttle' does not support the option 'limits.iops-total'";

    // Group g is an object with 100 operations a second, i was created by another node with 50.
    [TestCase("own", "", "g(0): iops-total=100; i(1): iops-total=50; #throttle0(1): ")]
    [TestCase("own", "limits.iops-total=7", "g(0): iops-total=100; i(1): iops-total=50; #throttle0(1): iops-total=7")]
    [TestCase("own", "throttle-group=g", "g(1): iops-total=100; i(1): iops-total=50")]
    [TestCase("own", "throttle-group=g,limits.iops-total=7", "g(1): iops-total=7; i(1): iops-total=50; told of g by t")]
    [TestCase("own", "throttle-group=g,limits.iops-total=100", "g(1): iops-total=100; i(1): iops-total=50")]
    [TestCase("own", "throttle-group=g,limits.iops-read=7", "bps/iops/max total values and read/write values cannot be used at the same time")]
    [TestCase("own", "throttle-group=i", "g(0): iops-total=100; i(2): iops-total=50")]
    [TestCase("own", "throttle-group=i,limits.bps-total=7", "g(0): iops-total=100; i(2): bps-total=7,iops-total=50")]
    [TestCase("own", "throttle-group=new", "Throttle group 'new' does not exist")]
    [TestCase("own", "throttle-group=new,limits.iops-total=7", "g(0): iops-total=100; i(1): iops-total=50; new(1): iops-total=7")]
    [TestCase("own", "throttle-group=", "Throttle group '' does not exist")]
    [TestCase("own", "throttle-group=,limits.iops-total=7", "Throttle group '' does not exist")]
    [TestCase("qemu", "", "Please specify a throttle group")]
    [TestCase("qemu", "limits.iops-total=7", NoLimits)]
    [TestCase("qemu", "throttle-group=g", "g(1): iops-total=100; i(1): iops-total=50")]
    [TestCase("qemu", "throttle-group=g,limits.iops-total=7", NoLimits)]
    [TestCase("qemu", "throttle-group=i", "g(0): iops-total=100; i(2): iops-total=50")]
    [TestCase("qemu", "throttle-group=i,limits.iops-total=7", NoLimits)]
    [TestCase("qemu", "throttle-group=new", "Throttle group 'new' does not exist")]
    [TestCase("qemu", "throttle-group=new,limits.iops-total=7", NoLimits)]
    [TestCase("qemu", "throttle-group=", "Throttle group '' does not exist")]
    [TestCase("qemu", "throttle-group=,limits.iops-total=7", NoLimits)]
    public void Group_and_limits_mean_what_the_profile_says(string profile, string options, string groupsOrText)
    {
        using ThrottleFixture world = new(profile == "own" ? CompatibilityProfile.Own : CompatibilityProfile.Qemu);
        world.Run(async () =>
        {
            world.Groups.CreateObject("g", ThrottleFixture.Iops(100));
            ThrottleGroup other = world.Groups.JoinOrCreate("i");
            ThrottleGroupMember member = other.AddMember(world.World.Context);
            other.SetConfig(new ThrottleConfig { IopsTotal = new ThrottleLimits(50) });
            if (groupsOrText.StartsWith("g(", StringComparison.Ordinal))
            {
                await using BlockBackend backend = await world.OpenAsync("t", options);
                string told = string.Concat(world.Changes.Select(c => $"; told of {c.Group} by {c.ByNode}"));
                Assert.That(world.Describe() + told, Is.EqualTo(groupsOrText), "groups and events");
            }
            else
            {
                Assert.That((await Failure.OfAsync(() => world.OpenAsync("t", options))).Message, Is.EqualTo(groupsOrText), "why");
                Assert.That(world.Describe(), Is.EqualTo("g(0): iops-total=100; i(1): iops-total=50"), "nothing has changed");
            }

            member.Leave();
        });
    }

    [TestCase("", "json:{\"driver\": \"throttle\"")]
    [TestCase("limits.iops-total=7,limits.bps-read=0x10", "json:{\"limits.bps-read\": 16, \"driver\": \"throttle\", \"limits.iops-total\": 7")]
    [TestCase("throttle-group=g", "json:{\"throttle-group\": \"g\", \"driver\": \"throttle\"")]
    [TestCase("throttle-group=new,limits.iops-total=7", "json:{\"throttle-group\": \"new\", \"driver\": \"throttle\"")]
    public void The_name_of_a_node_says_its_group_or_the_limits_of_its_own(string options, string name)
    {
        using ThrottleFixture world = new();
        world.Run(async () =>
        {
            world.Groups.CreateObject("g", ThrottleFixture.Iops(100));
            await using BlockBackend backend = await world.OpenAsync("t", options);
            Assert.That(world.Node("t").ShownFileName, Is.EqualTo(name + ", \"file\": {\"driver\": \"memory\", \"filename\": \"t\"}}"), "the name");
        });
    }

    [Test]
    public void The_name_follows_reopens_and_changes_of_limits_and_opens_the_same_again()
    {
        using ThrottleFixture world = new();
        world.Run(async () =>
        {
            world.Groups.CreateObject("g", ThrottleFixture.Iops(100));
            await using BlockBackend backend = await world.OpenAsync("t", "limits.iops-total=7,limits.iops-total-max=9");
            world.Member("t").Group.SetConfig(new ThrottleConfig { BpsWrite = new ThrottleLimits(10, 30, 3) });
            Assert.That(world.Node("t").ShownFileName, Is.EqualTo("json:{\"limits.bps-write\": 10, \"limits.bps-write-max-length\": 3, \"driver\": \"throttle\", \"limits.bps-write-max\": 30, \"file\": {\"driver\": \"memory\", \"filename\": \"t\"}}"), "by program");
            string name = world.Node("t").ShownFileName;
            await world.ReopenAsync("t", "limits.iops-total=8");
            Assert.That(world.Node("t").ShownFileName, Does.Contain("\"limits.iops-total\": 8"), "by a reopen");
            await world.ReopenAsync("t", "throttle-group=g");
            Assert.That(world.Node("t").ShownFileName, Does.Contain("\"throttle-group\": \"g\"").And.Not.Contain("limits"), "in a named group");
            await world.ReopenAsync("t", "limits.iops-total=9", isWhole: true);
            Assert.That(world.Node("t").ShownFileName, Does.Contain("\"limits.iops-total\": 9").And.Not.Contain("group").And.Not.Contain("bps"), "alone again");
            await using BlockBackend again = await world.Graph.OpenAsync(new() { { "filename", name } });
            ThrottleGroupMember member = ((Drivers.Filters.Throttle.ThrottleFilterInstance)again.Root!.Instance).Member;
            Assert.That(member.Group.Config, Is.EqualTo(new ThrottleConfig { BpsWrite = new ThrottleLimits(10, 30, 3) }), "the first name's limits");
        });
    }

    [Test]
    public void The_details_of_a_node_are_its_group_and_the_limits_in_force()
    {
        using ThrottleFixture world = new();
        world.Run(async () =>
        {
            await using BlockBackend backend = await world.OpenAsync("t", "throttle-group=h,limits.iops-total=7");
            Assert.That(Details(world.Node("t")), Is.EqualTo("throttle-group=h,limits.iops-total=7"), "as opened");
            world.Member("t").Group.SetConfig(new ThrottleConfig { BpsRead = new ThrottleLimits(5) });
            Assert.That(Details(world.Node("t")), Is.EqualTo("throttle-group=h,limits.bps-read=5"), "as changed");
            await world.ReopenAsync("t", "", isWhole: false);
            await world.ReopenAsync("t", "limits.iops-size=0,limits.iops-total=3", isWhole: true);
            Assert.That(Details(world.Node("t")), Is.EqualTo("throttle-group=#throttle0,limits.iops-total=3"), "in a group of its own");
            Assert.That(Details(world.Node("t").Children[0].Node), Is.Empty, "storage has nothing to tell");
        });
    }

    private static string Details(BlockNode node) => string.Join(',', node.Details.Select(d => $"{d.Key}={d.Value.AsText}"));
}
