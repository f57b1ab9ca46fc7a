using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Throttling;
using CsCheck;
using static BlockGraph.BlockCore.Tests.Throttling.ThrottleWorld;

namespace BlockGraph.BlockCore.Tests.Throttling;

/// <summary>Pins what a drain does to the requests that wait, to those that come, and to the other members.</summary>
[TestFixture]
public sealed class ThrottleDrainTests
{
    private const long Ms = 1_000_000;

    // One operation a second: the first goes at once, the n-th at 0.9 + (n - 2) seconds.
    private static readonly ThrottleConfig s_slow = Limits(("iops-total", 1));

    [Test]
    public void A_drain_starts_everything_that_waits_and_charges_it()
    {
        using ThrottleWorld world = new(s_slow, 1);
        world.SubmitMany(5, world.Members[0]);
        At(100 * Ms, world.Members[0], world.Members[0].BeginDrain);
        world.Run();

        Assert.Multiple(() =>
        {
            Assert.That(world.AdmittedAtNs, Is.EqualTo(new[] { 0, 100 * Ms, 100 * Ms, 100 * Ms, 100 * Ms }));
            Assert.That(world.Order, Is.Ordered, "in turn");
            Assert.That(world.Group.Bucket(ThrottleMeter.IopsTotal).Level, Is.GreaterThan(4.8));
        });
    }

    [Test]
    public void A_drained_member_is_not_limited_until_the_last_drain_ends()
    {
        using ThrottleWorld world = new(s_slow, 1);
        ThrottleGroupMember member = world.Members[0];
        member.BeginDrain();
        member.BeginDrain();
        world.SubmitMany(3, member);
        At(10 * Ms, member, member.EndDrain);
        world.SubmitMany(1, member, 20 * Ms);
        At(30 * Ms, member, member.EndDrain);
        world.SubmitMany(1, member, 40 * Ms);
        world.Run();

        Assert.That(world.AdmittedAtNs, Is.EqualTo(new[] { 0, 0, 0, 20 * Ms, 3900 * Ms }));
    }

    [Test]
    public void Ending_a_drain_that_did_not_begin_is_a_bug()
    {
        using ThrottleWorld world = new(s_slow, 1);

        Assert.That(world.Members[0].EndDrain, Throws.InstanceOf<InvariantViolationException>());
    }

    [Test]
    public void Draining_one_member_leaves_the_other_waiting_on_its_own_timer([Values] bool isSpread)
    {
        using ThrottleWorld world = new(s_slow, 2, isSpread);
        int[] first = world.SubmitMany(3, world.Members[0]);
        int[] second = world.SubmitMany(2, world.Members[1], Ms);
        At(100 * Ms, world.Members[0], world.Members[0].BeginDrain);
        world.Run();

        Assert.Multiple(() =>
        {
            Assert.That(first.Select(number => world.AdmittedAtNs[number]), Is.EqualTo(new[] { 0, 100 * Ms, 100 * Ms }));
            Assert.That(second.Select(number => world.AdmittedAtNs[number]), Is.EqualTo(new[] { 2900 * Ms, 3900 * Ms }), "after what the drain has charged");
        });
    }

    [Test]
    public void Draining_a_member_whose_turn_it_is_not_leaves_the_others_timer_alone([Values] bool isSpread)
    {
        using ThrottleWorld world = new(s_slow, 2, isSpread);
        int[] first = world.SubmitMany(2, world.Members[0]);
        int[] second = world.SubmitMany(3, world.Members[1], Ms);
        At(100 * Ms, world.Members[0], world.Members[1].BeginDrain);
        world.Run();

        Assert.Multiple(() =>
        {
            Assert.That(second.Select(number => world.AdmittedAtNs[number]), Is.All.EqualTo(100 * Ms));
            Assert.That(world.AdmittedAtNs[first[1]], Is.EqualTo(900 * Ms), "its timer was armed before and is not asked again");
        });
    }

    [Test]
    public void A_request_of_a_drained_member_waits_for_nobody()
    {
        using ThrottleWorld world = new(s_slow, 2);
        world.SubmitMany(3, world.Members[0]);
        At(Ms, world.Members[1], world.Members[1].BeginDrain);
        int late = world.Submit(world.Members[1], 2 * Ms);
        world.Run();

        Assert.That(world.AdmittedAtNs[late], Is.EqualTo(2 * Ms));
    }

    [Test]
    public void A_drain_does_not_starve_the_loop()
    {
        using ThrottleWorld world = new(s_slow, 1);
        ThrottleGroupMember member = world.Members[0];
        bool hasRun = false;
        int count = 0;
        At(0, member, () => Churn());
        At(0, member, () => Churn());
        At(0, member, () => Churn());
        At(Ms, member, () =>
        {
            member.BeginDrain();
            member.Context!.Post(_ => member.Context!.Post(_ => hasRun = true, null), null);
        });
        world.Run();

        Assert.That((hasRun, count >= 3), Is.EqualTo((true, true)));

        async void Churn()
        {
            // Whoever starts asks again at once, for as long as nobody else gets a turn.
            while (!hasRun)
            {
                await member.WaitAsync(ThrottleDirection.Read, 1);
                count++;
            }
        }
    }
}
