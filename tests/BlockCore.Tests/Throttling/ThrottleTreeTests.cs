using BlockGraph.BlockCore.Throttling;
using CsCheck;
using static BlockGraph.BlockCore.Tests.Throttling.ThrottleWorld;

namespace BlockGraph.BlockCore.Tests.Throttling;

/// <summary>Pins what groups below groups do: every ancestor admits, and nobody waits for what does not concern him.</summary>
[TestFixture]
public sealed class ThrottleTreeTests
{
    private const long Ms = 1_000_000;
    private const long Second = 1000 * Ms;

    // root 10/s ── a 100/s ── m1
    //           └─ b 100/s ── m2
    [Test]
    public void Two_groups_share_what_their_parent_admits_in_turns()
    {
        using ThrottleWorld world = new(Limits(("iops-total", 10)), 0);
        ThrottleGroupMember a = world.AddMemberBelow(Limits(("iops-total", 100)));
        ThrottleGroupMember b = world.AddMemberBelow(Limits(("iops-total", 100)));
        int[] ofA = world.SubmitMany(5, a);
        int[] ofB = world.SubmitMany(5, b);
        world.Run();

        // The root holds one; the second goes at once as well, for what is in the bucket counts. The alarm was set for the third
        // before b came; from then on they alternate.
        Assert.Multiple(() =>
        {
            Assert.That(world.TimesMs(ofA), Is.EqualTo(new long[] { 0, 0, 100, 300, 500 }), "a");
            Assert.That(world.TimesMs(ofB), Is.EqualTo(new long[] { 200, 400, 600, 700, 800 }), "b");
        });
    }

    // root 1000/s ── a 1/s ── m1 (waits)
    //             └─ b     ── m2 (does not)
    [Test]
    public void Who_waits_for_his_own_group_holds_up_nobody_else()
    {
        using ThrottleWorld world = new(Limits(("iops-total", 1000)), 0);
        ThrottleGroupMember a = world.AddMemberBelow(Limits(("iops-total", 1)));
        ThrottleGroupMember b = world.AddMemberBelow(ThrottleConfig.Unlimited);
        int[] slow = world.SubmitMany(3, a);
        int[] fast = world.SubmitMany(50, b, atNs: Ms);
        world.Run();

        Assert.Multiple(() =>
        {
            Assert.That(world.TimesMs(slow), Is.EqualTo(new long[] { 0, 900, 1900 }), "at its own rate");
            Assert.That(world.TimesMs(fast), Is.All.EqualTo(1), "at once");
        });
    }

    // root 20/s ── a 100/s ── m1 (10 requests)
    //           └─ b 1/s   ── m2 (3 requests)
    [Test]
    public void The_alarm_goes_to_whoever_may_start_earlier()
    {
        using ThrottleWorld world = new(Limits(("iops-total", 20)), 0);
        ThrottleGroupMember a = world.AddMemberBelow(Limits(("iops-total", 100)));
        ThrottleGroupMember b = world.AddMemberBelow(Limits(("iops-total", 1)));
        int[] slow = world.SubmitMany(3, b);
        int[] fast = world.SubmitMany(10, a, atNs: 10 * Ms);
        world.Run();

        Assert.Multiple(() =>
        {
            Assert.That(world.TimesMs(slow), Is.EqualTo(new long[] { 0, 900, 1900 }), "b waits for itself");
            Assert.That(world.TimesMs(fast), Is.EqualTo(new long[] { 10, 10, 50, 100, 150, 200, 250, 300, 350, 400 }), "a has the rest of the root");
        });
    }

    // root 10/s ── mid 1000/s ── leaf 1000/s ── m1
    [Test]
    public void A_request_is_charged_at_every_level()
    {
        using ThrottleWorld world = new(Limits(("iops-total", 10)), 0);
        ThrottleGroup middle = new("mid", Limits(("iops-total", 1000)), world.Group);
        ThrottleGroup leaf = new("leaf", Limits(("iops-total", 1000), ("bps-total", 1_000_000)), middle);
        ThrottleGroupMember member = world.AddMember(leaf);
        world.SubmitMany(2, member, bytes: 4096);
        world.Run();

        Assert.Multiple(() =>
        {
            Assert.That(world.Group.Bucket(ThrottleMeter.IopsTotal).Level, Is.EqualTo(2), "root");
            Assert.That(middle.Bucket(ThrottleMeter.IopsTotal).Level, Is.EqualTo(2), "middle");
            Assert.That(leaf.Bucket(ThrottleMeter.IopsTotal).Level, Is.EqualTo(2), "leaf, operations");
            Assert.That(leaf.Bucket(ThrottleMeter.BpsTotal).Level, Is.EqualTo(8192), "leaf, bytes");
        });
    }

    // root 1/s ── a ── m1 (waits); the root's limit is raised
    [Test]
    public void New_limits_of_an_ancestor_count_for_those_who_wait_below()
    {
        using ThrottleWorld world = new(Limits(("iops-total", 1)), 0);
        ThrottleGroupMember member = world.AddMemberBelow(ThrottleConfig.Unlimited);
        int[] requests = world.SubmitMany(5, member);
        At(500 * Ms, member, () => world.Group.SetConfig(Limits(("iops-total", 1_000_000))));
        world.Run();

        Assert.That(world.TimesMs(requests), Is.EqualTo(new long[] { 0, 500, 500, 500, 500 }), "all start when the limit is raised");
    }

    // root ── a ── m1, limits come and go at the root
    [Test]
    public void Members_hear_of_limits_that_come_and_go_above()
    {
        using ThrottleWorld world = new(ThrottleConfig.Unlimited, 0);
        ThrottleGroupMember member = world.AddMemberBelow(ThrottleConfig.Unlimited);
        List<bool> idle = [member.IsIdle];
        member.ActivityChanged = () => idle.Add(member.IsIdle);
        world.Group.SetConfig(Limits(("iops-total", 5)));
        world.Group.SetConfig(Limits(("iops-total", 6)));
        world.Group.SetConfig(ThrottleConfig.Unlimited);

        Assert.That(idle, Is.EqualTo(new[] { true, false, true }), "told of each change, and only of changes");
    }

    // root 1/s ── a ── m1 (drained)
    //          └─ b ── m2 (waits on)
    [Test]
    public void A_drained_member_goes_at_once_and_its_ancestors_are_charged()
    {
        using ThrottleWorld world = new(Limits(("iops-total", 1)), 0);
        ThrottleGroupMember drained = world.AddMemberBelow(ThrottleConfig.Unlimited);
        ThrottleGroupMember other = world.AddMemberBelow(ThrottleConfig.Unlimited);
        int[] first = world.SubmitMany(4, drained);
        int[] second = world.SubmitMany(1, other);
        At(100 * Ms, drained, drained.BeginDrain);
        world.Run();

        // Four went by 100 ms, 0.1 leaked; the fifth waits until the level is at 0.1 again.
        Assert.Multiple(() =>
        {
            Assert.That(world.TimesMs(first), Is.EqualTo(new long[] { 0, 100, 100, 100 }), "at full speed");
            Assert.That(world.TimesMs(second), Is.EqualTo(new long[] { 3900 }), "who is not drained pays for it");
        });
    }

    // root 1/s ── a ── m1 (its waiter is cancelled; the alarm was for it)
    //          └─ b ── m2 (waits)
    [Test]
    public void The_alarm_of_one_that_gives_up_goes_to_the_next()
    {
        using CancellationTokenSource cancel = new();
        using ThrottleWorld world = new(Limits(("iops-total", 1)), 0);
        ThrottleGroupMember a = world.AddMemberBelow(ThrottleConfig.Unlimited);
        ThrottleGroupMember b = world.AddMemberBelow(ThrottleConfig.Unlimited);
        world.Submit(a);
        int given = world.Submit(a, cancel: cancel.Token);
        int next = world.Submit(b);
        At(100 * Ms, a, cancel.Cancel);
        world.Run();

        Assert.Multiple(() =>
        {
            Assert.That(world.AdmittedAtNs[given], Is.EqualTo(-2), "cancelled");
            Assert.That(world.AdmittedAtNs[next], Is.EqualTo(900 * Ms), "starts when the other would have");
        });
    }

    [Test]
    public void A_group_leaves_its_parent_and_the_tree_is_plain_again()
    {
        using ThrottleWorld world = new(Limits(("iops-total", 100)), 2);
        ThrottleGroup child = new("child", ThrottleConfig.Unlimited, world.Group);
        child.LeaveParent();
        int[] first = world.SubmitMany(16, world.Members[0]);
        int[] second = world.SubmitMany(4, world.Members[1]);
        world.Run();

        Assert.Multiple(() =>
        {
            Assert.That(world.TimesMs(first)[10..], Is.EqualTo(new long[] { 0, 10, 30, 50, 70, 90 }), "vector T10, first member");
            Assert.That(world.TimesMs(second), Is.EqualTo(new long[] { 20, 40, 60, 80 }), "vector T10, second member");
        });
    }

    // A tree that limits only at one level admits as a flat group does, whichever level it is.
    [TestCase(true)]
    [TestCase(false)]
    public void A_group_with_an_unlimited_relative_admits_like_a_flat_one(bool isLimitBelow) =>
        Gen.Select(Gen.Int[0, 2], Gen.Int[1, 5000], Gen.Int[0, 400]).Array[1, 40].Sample(requests =>
        {
            ThrottleConfig limits = Limits(("bps-total", 20_000), ("iops-total", 30));
            using ThrottleWorld flat = new(limits, 3);
            using ThrottleWorld tree = new(isLimitBelow ? ThrottleConfig.Unlimited : limits, 0);
            ThrottleGroup child = new("child", isLimitBelow ? limits : ThrottleConfig.Unlimited, tree.Group);
            for (int member = 0; member < 3; member++)
            {
                tree.AddMember(child);
            }

            foreach ((int member, int bytes, int atMs) in requests)
            {
                flat.Submit(flat.Members[member], atMs * Ms, bytes: bytes);
                tree.Submit(tree.Members[member], atMs * Ms, bytes: bytes);
            }

            flat.Run();
            tree.Run();
            Assert.That(Sorted(tree.AdmittedAtNs), Is.EqualTo(Sorted(flat.AdmittedAtNs)).Within(2), "as much at the same times");
        });

    // Whatever the tree, no group lets through more than it holds, what leaks, and one request of each direction. The seed is one in which
    // new requests of one group passed while those of another, put off for the root, had the next turn: one too many.
    [Test]
    public void No_group_of_a_tree_admits_more_than_its_bucket_holds_and_leaks() =>
        Gen.Select(Gen.Int[1, 50], Gen.Int[1, 50], Gen.Int[1, 50], Gen.Select(Gen.Int[0, 3], Gen.Bool, Gen.Int[0, 2000]).Array[1, 80]).Sample((root, a, b, requests) =>
        {
            using ThrottleWorld world = new(Limits(("iops-total", root)), 0);
            ThrottleGroup first = new("a", Limits(("iops-total", a)), world.Group);
            ThrottleGroup second = new("b", Limits(("iops-total", b)), world.Group);
            ThrottleGroup third = new("c", Limits(("iops-total", Math.Max(1, b / 2))), second);
            ThrottleGroup[] homes = [first, first, second, third];
            foreach (ThrottleGroup home in homes)
            {
                world.AddMember(home);
            }

            foreach ((int member, bool isWrite, int atMs) in requests)
            {
                world.Submit(world.Members[member], atMs * Ms, isWrite ? ThrottleDirection.Write : ThrottleDirection.Read);
            }

            world.Run();
            foreach (ThrottleGroup group in new[] { world.Group, first, second, third })
            {
                long[] times = [.. requests.Select((request, index) => (Home: homes[request.Item1], index)).Where(item => IsBelow(item.Home, group)).Select(item => world.AdmittedAtNs[item.index]).Order()];
                AssertBound(times, group.Config.IopsTotal.Rate, group.Name);
            }
        }, seed: "78h4ruJl4-_1");

    private static void AssertBound(long[] times, long rate, string name)
    {
        for (int from = 0; from < times.Length; from++)
        {
            for (int to = from; to < times.Length; to++)
            {
                double most = (rate / 10.0) + (rate * (times[to] - times[from] + 10) / (double)Second) + 2;
                Assert.That(to - from + 1, Is.LessThanOrEqualTo(most), $"{name}: from {times[from]} to {times[to]} ns");
            }
        }
    }

    private static bool IsBelow(ThrottleGroup? group, ThrottleGroup ancestor) =>
        group is not null && (ReferenceEquals(group, ancestor) || IsBelow(group.Parent, ancestor));

    private static long[] Sorted(IEnumerable<long> times) => [.. times.Order()];
}
