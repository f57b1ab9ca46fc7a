using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Throttling;
using static BlockGraph.BlockCore.Tests.Throttling.ThrottleWorld;

namespace BlockGraph.BlockCore.Tests.Throttling;

/// <summary>Pins that a change of limits is felt at once by those who wait.</summary>
[TestFixture]
public sealed class ThrottleChangeTests
{
    private const long Ms = 1_000_000;
    private static readonly ThrottleConfig s_slow = Limits(("iops-total", 1));

    [Test]
    public void Raising_the_limit_wakes_those_who_now_fit([Values] ThrottleChangePolicy policy, [Values] bool isSpread, [Values] bool isInside)
    {
        using ThrottleWorld world = new(s_slow, 2, isSpread);
        world.SubmitMany(7, world.Members[1]);
        Change(world, 100 * Ms, Limits(("iops-total", 1_000_000)), policy, isInside);

        // Debt from before is repaid at the new rate: a few microseconds.
        Assert.That(world.AdmittedAtNs.Skip(1), Is.All.InRange(100 * Ms, 101 * Ms));
    }

    [Test]
    public void Taking_the_limit_away_wakes_everybody([Values] bool isSpread, [Values] bool isInside)
    {
        using ThrottleWorld world = new(s_slow, 2, isSpread);
        world.SubmitMany(4, world.Members[0]);
        world.SubmitMany(4, world.Members[1]);
        Change(world, 100 * Ms, ThrottleConfig.Unlimited, ThrottleChangePolicy.Scale, isInside);

        Assert.That(world.AdmittedAtNs, Is.All.LessThanOrEqualTo(100 * Ms));
    }

    [Test]
    public void Lowering_the_limit_makes_those_who_wait_wait_longer()
    {
        using ThrottleWorld world = new(Limits(("iops-total", 10)), 1);
        world.SubmitMany(4, world.Members[0]);
        Change(world, 50 * Ms, s_slow, ThrottleChangePolicy.Keep, isInside: true);

        // Two went at 0 (capacity 1). At 50 ms 1.5 are left, and now only 0.1 may be.
        Assert.That(world.AdmittedAtNs, Is.EqualTo(new[] { 0, 0, 1450 * Ms, 2450 * Ms }));
    }

    [Test]
    public void Lowering_the_limit_forgives_debt()
    {
        using ThrottleWorld world = new(Limits(("bps-total", 1000)), 1);
        world.Submit(world.Members[0], bytes: 1 << 20);
        int second = world.Submit(world.Members[0], bytes: 1);
        Change(world, 100 * Ms, Limits(("bps-total", 10)), ThrottleChangePolicy.Scale, isInside: true);

        Assert.That(world.AdmittedAtNs[second], Is.EqualTo(100 * Ms));
    }

    [Test]
    public void Resetting_hands_out_a_fresh_bucket()
    {
        using ThrottleWorld world = new(s_slow, 1);
        world.SubmitMany(3, world.Members[0]);
        Change(world, 100 * Ms, s_slow, ThrottleChangePolicy.Reset, isInside: true);

        Assert.That(world.AdmittedAtNs, Is.EqualTo(new[] { 0, 100 * Ms, 1000 * Ms }));
    }

    [Test]
    public void Setting_the_same_limits_again_changes_nothing()
    {
        using ThrottleWorld world = new(s_slow, 1);
        world.SubmitMany(3, world.Members[0]);
        Change(world, 100 * Ms, s_slow, ThrottleChangePolicy.Scale, isInside: true);

        Assert.That(world.AdmittedAtNs, Is.EqualTo(new[] { 0, 900 * Ms, 1900 * Ms }).Within(1L));
    }

    [Test]
    public void Limits_that_are_not_valid_change_nothing()
    {
        using ThrottleWorld world = new(s_slow, 1);

        Assert.Multiple(() =>
        {
            Assert.That(() => world.Group.SetConfig(Limits(("bps-read", -1))), Throws.InstanceOf<BlockException>());
            Assert.That(world.Group.Config, Is.SameAs(s_slow));
            Assert.That(() => new ThrottleGroup("h", Limits(("bps-read", -1))), Throws.InstanceOf<BlockException>());
        });
    }

    [Test]
    public void Members_hear_when_they_become_limited_and_when_they_are_idle_again()
    {
        using ThrottleWorld world = new(ThrottleConfig.Unlimited, 1);
        ThrottleGroupMember member = world.Members[0];
        List<bool> heard = [];
        member.ActivityChanged = () => heard.Add(member.IsIdle);
        world.Group.SetConfig(s_slow);
        world.Group.SetConfig(s_slow with { IopsSizeBytes = 512 });
        world.SubmitMany(3, member);
        world.RunUntil(Ms);
        world.Group.SetConfig(ThrottleConfig.Unlimited);
        world.Run();

        Assert.That(heard, Is.EqualTo(new[] { false, false, true }), "limited; unlimited with two that wait; the last has resumed");
    }

    [Test]
    public void Cancelling_the_last_that_waits_makes_a_member_idle()
    {
        using CancellationTokenSource cancel = new();
        using ThrottleWorld world = new(s_slow, 1);
        ThrottleGroupMember member = world.Members[0];
        world.Submit(member);
        world.Submit(member, cancel: cancel.Token);
        world.RunUntil(Ms);
        bool isIdle = false;
        member.ActivityChanged = () => isIdle = member.IsIdle;
        At(Ms, member, () =>
        {
            cancel.Cancel();
            world.Group.SetConfig(ThrottleConfig.Unlimited);
        });
        world.Run();

        Assert.That(isIdle, Is.True);
    }

    private static void Change(ThrottleWorld world, long atNs, ThrottleConfig config, ThrottleChangePolicy policy, bool isInside)
    {
        if (isInside)
        {
            At(atNs, world.Members[0], () => world.Group.SetConfig(config, policy));
        }
        else
        {
            world.RunUntil(atNs);
            world.Group.SetConfig(config, policy);
        }

        world.Run();
    }
}
