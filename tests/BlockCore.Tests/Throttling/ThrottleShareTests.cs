using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Throttling;
using CsCheck;
using static BlockGraph.BlockCore.Tests.Throttling.ThrottleWorld;

namespace BlockGraph.BlockCore.Tests.Throttling;

/// <summary>Pins what weights, reservations and limits give to those who share a group.</summary>
[TestFixture]
public sealed class ThrottleShareTests
{
    private const long Ms = 1_000_000;
    private const long Second = 1000 * Ms;

    [TestCase(1, 3)]
    [TestCase(2, 5)]
    [TestCase(10, 1)]
    public void Members_get_what_their_weights_say(int firstWeight, int secondWeight)
    {
        using ThrottleWorld world = new(Limits(("iops-total", 100)), 2);
        world.Members[0].SetShare(new ThrottleShare { Weight = firstWeight });
        world.Members[1].SetShare(new ThrottleShare { Weight = secondWeight });
        int[] first = world.SubmitMany(2000, world.Members[0]);
        int[] second = world.SubmitMany(2000, world.Members[1]);
        world.RunUntil(10 * Second);

        int ofFirst = world.CountUntil(first, 10 * Second);
        int ofSecond = world.CountUntil(second, 10 * Second);
        double expected = 1000.0 * firstWeight / (firstWeight + secondWeight);
        Assert.Multiple(() =>
        {
            // The bucket was filled by the first member alone, before the other came.
            Assert.That(ofFirst + ofSecond, Is.EqualTo(1011).Within(1), "the group's rate");
            Assert.That(ofFirst, Is.EqualTo(expected).Within(12), "the first member's share");
        });
    }

    [Test]
    public void Fair_by_cost_gives_equal_bytes_to_small_and_large_requests()
    {
        using ThrottleWorld world = new(Limits(("bps-total", 1 << 20)) with { IsFairByCost = true }, 2);
        int[] small = world.SubmitMany(4000, world.Members[0], bytes: 4096);
        int[] large = world.SubmitMany(400, world.Members[1], bytes: 65536);
        world.RunUntil(10 * Second);

        long smallBytes = world.CountUntil(small, 10 * Second) * 4096L;
        long largeBytes = world.CountUntil(large, 10 * Second) * 65536L;
        Assert.Multiple(() =>
        {
            Assert.That(smallBytes, Is.EqualTo(largeBytes).Within((1 << 20) / 5), "but for what the bucket held and one large request");
            Assert.That(smallBytes + largeBytes, Is.EqualTo(10L << 20).Within((1 << 20) / 5), "the group's rate");
        });
    }

    [Test]
    public void A_reservation_is_served_before_all_others()
    {
        using ThrottleWorld world = new(Limits(("iops-total", 100)), 2);
        world.Members[0].SetShare(new ThrottleShare { ReservationIops = 30 });
        world.Members[1].SetShare(new ThrottleShare { Weight = 1000 });
        int[] reserved = world.SubmitMany(1000, world.Members[0], atNs: Second);
        world.SubmitMany(3000, world.Members[1]);
        world.RunUntil(11 * Second);

        Assert.That(world.CountUntil(reserved, 11 * Second), Is.EqualTo(300).Within(6), "its reservation, though it weighs nothing");
    }

    [Test]
    public void A_reservation_below_the_share_by_weight_changes_nothing()
    {
        using ThrottleWorld world = new(Limits(("iops-total", 100)), 2);
        world.Members[0].SetShare(new ThrottleShare { ReservationIops = 10 });
        int[] reserved = world.SubmitMany(2000, world.Members[0]);
        int[] other = world.SubmitMany(2000, world.Members[1]);
        world.RunUntil(10 * Second);

        Assert.That(world.CountUntil(reserved, 10 * Second), Is.EqualTo(world.CountUntil(other, 10 * Second)).Within(14), "half each");
    }

    [Test]
    public void A_limit_of_its_own_leaves_the_rest_to_others()
    {
        using ThrottleWorld world = new(Limits(("iops-total", 100)), 2);
        world.Members[0].SetShare(new ThrottleShare { LimitIops = 20 });
        int[] limited = world.SubmitMany(1000, world.Members[0]);
        int[] other = world.SubmitMany(2000, world.Members[1]);
        world.RunUntil(10 * Second);

        Assert.Multiple(() =>
        {
            Assert.That(world.CountUntil(limited, 10 * Second), Is.EqualTo(200).Within(4), "its limit");
            Assert.That(world.CountUntil(other, 10 * Second), Is.EqualTo(810).Within(6), "the rest");
        });
    }

    [Test]
    public void A_limit_of_its_own_counts_in_a_group_without_limits()
    {
        using ThrottleWorld world = new(ThrottleConfig.Unlimited, 2);
        world.Members[0].SetShare(new ThrottleShare { LimitBps = 1024 });
        int[] limited = world.SubmitMany(3, world.Members[0], bytes: 1024);
        int[] free = world.SubmitMany(50, world.Members[1], bytes: 1 << 20);
        world.Run();

        Assert.Multiple(() =>
        {
            Assert.That(world.TimesMs(limited), Is.EqualTo(new long[] { 0, 900, 1900 }), "limited");
            Assert.That(world.TimesMs(free), Is.All.Zero, "free");
        });
    }

    [Test]
    public void Groups_have_shares_of_their_parent()
    {
        using ThrottleWorld world = new(Limits(("iops-total", 100)), 0);
        ThrottleGroup small = new("small", ThrottleConfig.Unlimited, world.Group);
        ThrottleGroup big = new("big", ThrottleConfig.Unlimited, world.Group);
        big.SetShare(new ThrottleShare { Weight = 4 });
        int[] ofSmall = world.SubmitMany(1000, world.AddMember(small));
        int[] ofBig = [.. world.SubmitMany(600, world.AddMember(big)), .. world.SubmitMany(600, world.AddMember(big))];
        world.RunUntil(10 * Second);

        Assert.That(world.CountUntil(ofSmall, 10 * Second), Is.EqualTo(200).Within(14), "a fifth, though the other has two members");
        Assert.That(world.CountUntil(ofBig, 10 * Second), Is.EqualTo(800).Within(14), "four fifths");
    }

    [Test]
    public void One_that_was_idle_has_no_credit()
    {
        using ThrottleWorld world = new(Limits(("iops-total", 100)) with { IsFairByCost = true }, 2);
        int[] steady = world.SubmitMany(3000, world.Members[0]);
        int[] late = world.SubmitMany(1000, world.Members[1], atNs: 10 * Second);
        world.RunUntil(14 * Second);

        int gained = world.CountUntil(steady, 14 * Second) - world.CountUntil(steady, 10 * Second);
        Assert.That(gained, Is.EqualTo(world.CountUntil(late, 14 * Second)).Within(2), "half each from the moment it comes");
    }

    [Test]
    public void A_share_that_changes_counts_at_once_for_those_who_wait()
    {
        using ThrottleWorld world = new(ThrottleConfig.Unlimited, 1);
        world.Members[0].SetShare(new ThrottleShare { LimitIops = 1 });
        int[] requests = world.SubmitMany(4, world.Members[0]);
        At(200 * Ms, world.Members[0], () => world.Members[0].SetShare(ThrottleShare.Default));
        world.Run();

        Assert.That(world.TimesMs(requests), Is.EqualTo(new long[] { 0, 200, 200, 200 }), "all go when the limit goes");
        Assert.That(world.Members[0].IsIdle, Is.True, "and nothing limits it any more");
    }

    [TestCase(0, 0L, 0L, 0L, 0L, "share.weight value must be in the range [1, 10000]")]
    [TestCase(10001, 0L, 0L, 0L, 0L, "share.weight value must be in the range [1, 10000]")]
    [TestCase(1, -1L, 0L, 0L, 0L, "share.reservation-iops value must be in the range [0, 1000000000000000]")]
    [TestCase(1, 0L, 1_000_000_000_000_001L, 0L, 0L, "share.reservation-bps value must be in the range [0, 1000000000000000]")]
    [TestCase(1, 0L, 0L, -5L, 0L, "share.limit-iops value must be in the range [0, 1000000000000000]")]
    [TestCase(1, 0L, 0L, 0L, -5L, "share.limit-bps value must be in the range [0, 1000000000000000]")]
    [TestCase(1, 11L, 0L, 10L, 0L, "share.reservation-iops cannot be higher than share.limit-iops")]
    [TestCase(1, 0L, 11L, 0L, 10L, "share.reservation-bps cannot be higher than share.limit-bps")]
    public void A_share_that_makes_no_sense_is_refused_by_name(int weight, long reservationIops, long reservationBps, long limitIops, long limitBps, string text)
    {
        using ThrottleWorld world = new(ThrottleConfig.Unlimited, 1);
        ThrottleShare share = new() { Weight = weight, ReservationIops = reservationIops, ReservationBps = reservationBps, LimitIops = limitIops, LimitBps = limitBps };

        Assert.That(() => world.Members[0].SetShare(share), Throws.TypeOf<BlockException>().With.Message.EqualTo(text));
        Assert.That(world.Members[0].Share, Is.EqualTo(ThrottleShare.Default), "nothing changed");
    }

    [Test]
    public void A_root_has_no_share()
    {
        ThrottleGroup root = new("root", ThrottleConfig.Unlimited);

        Assert.That(() => root.SetShare(new ThrottleShare { Weight = 2 }), Throws.InvalidOperationException.With.Message.EqualTo("throttle group 'root' has no parent"));
    }

    // While both always have something waiting, what they have had for their weights differs by no more than one request of each.
    [Test]
    public void Service_for_the_weight_never_drifts_apart() =>
        Gen.Select(Gen.Int[1, 20], Gen.Int[1, 20], Gen.Int[512, 20_000], Gen.Int[512, 20_000]).Sample((weightA, weightB, bytesA, bytesB) =>
        {
            using ThrottleWorld world = new(Limits(("bps-total", 100_000)) with { IsFairByCost = true }, 2);
            world.Members[0].SetShare(new ThrottleShare { Weight = weightA });
            world.Members[1].SetShare(new ThrottleShare { Weight = weightB });
            world.SubmitMany(200, world.Members[0], bytes: bytesA);
            world.SubmitMany(200, world.Members[1], bytes: bytesB);
            world.Run();

            double servedA = 0;
            double servedB = 0;
            int left = 200;
            int leftOther = 200;
            double? baseline = null;
            foreach (int request in world.Order.TakeWhile(_ => left > 0 && leftOther > 0))
            {
                bool isA = request < 200;
                servedA += isA ? (double)bytesA / weightA : 0;
                servedB += isA ? 0 : (double)bytesB / weightB;
                left -= isA ? 1 : 0;
                leftOther -= isA ? 0 : 1;
                if (world.AdmittedAtNs[request] > 0)
                {
                    // What went at once was not a matter of shares.
                    baseline ??= servedA - servedB;
                    double most = 2 * (((double)bytesA / weightA) + ((double)bytesB / weightB));
                    Assert.That(servedA - servedB - baseline.Value, Is.InRange(-most, most), $"request {request}");
                }
            }
        });
}
