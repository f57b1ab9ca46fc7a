using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Throttling;
using static BlockGraph.BlockCore.Tests.Throttling.ThrottleWorld;

namespace BlockGraph.BlockCore.Tests.Throttling;

/// <summary>Pins the shape of what is let through: the burst window, and requests one by one.</summary>
[TestFixture]
public sealed class ThrottlePacingTests
{
    [Test]
    public void A_wider_window_lets_more_go_at_once()
    {
        using ThrottleWorld world = new(Limits(("iops-total", 10)) with { BurstWindowMs = 500 }, 1);
        int[] requests = world.SubmitMany(8, world.Members[0]);
        world.Run();

        Assert.That(world.TimesMs(requests), Is.EqualTo(new long[] { 0, 0, 0, 0, 0, 0, 100, 200 }), "five in the bucket, and one that finds it full but not over");
    }

    [Test]
    public void The_usual_window_is_exactly_the_reference()
    {
        LeakyBucket usual = new(new ThrottleLimits(3));
        LeakyBucket named = new(new ThrottleLimits(3), burstWindowMs: 100);

        Assert.That(named.Capacity, Is.EqualTo(usual.Capacity).And.EqualTo(3 / 10.0));
    }

    [Test]
    public void Paced_requests_go_one_by_one_from_the_first()
    {
        using ThrottleWorld world = new(Limits(("iops-total", 100)) with { IsPaced = true }, 1);
        int[] requests = world.SubmitMany(5, world.Members[0]);
        world.Run();

        Assert.That(world.TimesMs(requests), Is.EqualTo(new long[] { 0, 10, 20, 30, 40 }));
    }

    [Test]
    public void Paced_requests_are_spaced_by_their_size()
    {
        using ThrottleWorld world = new(Limits(("bps-total", 1000)) with { IsPaced = true }, 1);
        int large = world.Submit(world.Members[0], bytes: 500);
        int small = world.Submit(world.Members[0], bytes: 100);
        int last = world.Submit(world.Members[0], bytes: 100);
        world.Run();

        Assert.That(world.TimesMs([large, small, last]), Is.EqualTo(new long[] { 0, 500, 600 }));
    }

    [Test]
    public void A_paced_burst_goes_at_the_burst_rate_until_it_is_used_up()
    {
        // A pool of 20: paced at 20/s while it fills at 20 - 10 a second, that is for two seconds, then at 10/s.
        using ThrottleWorld world = new(Limits(("iops-total", 10), ("iops-total-max", 20)) with { IsPaced = true }, 1);
        int[] requests = world.SubmitMany(46, world.Members[0]);
        world.Run();

        long[] times = world.TimesMs(requests);
        Assert.Multiple(() =>
        {
            Assert.That(times[1], Is.EqualTo(50), "at the burst rate from the first");
            Assert.That(times[39], Is.EqualTo(1950), "still");
            Assert.That(times[45] - times[44], Is.EqualTo(100), "at the rate in the end");
        });
    }

    [Test]
    public void Pacing_that_comes_and_goes_counts_for_those_who_wait()
    {
        using ThrottleWorld world = new(Limits(("iops-total", 10)) with { IsPaced = true }, 1);
        int[] requests = world.SubmitMany(4, world.Members[0]);
        At(20_000_000, world.Members[0], () => world.Group.MergeConfig(new ThrottleLimitsUpdate { IsPaced = false, BurstWindowMs = 1000 }));
        world.Run();

        Assert.That(world.TimesMs(requests), Is.EqualTo(new long[] { 0, 20, 20, 20 }), "a window of a second has room for all");
    }

    [TestCase(-1)]
    [TestCase(3_600_001)]
    public void A_window_out_of_range_is_refused(int burstWindowMs)
    {
        using ThrottleWorld world = new(Limits(("iops-total", 10)), 1);

        Assert.That(
            () => world.Group.MergeConfig(new ThrottleLimitsUpdate { BurstWindowMs = burstWindowMs }),
            Throws.TypeOf<BlockException>().With.Message.EqualTo("burst-window value must be in the range [0, 3600000]"));
        Assert.That(world.Group.Config.BurstWindowMs, Is.EqualTo(100), "nothing changed");
    }
}
