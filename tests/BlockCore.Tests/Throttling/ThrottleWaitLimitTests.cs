using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Throttling;
using static BlockGraph.BlockCore.Tests.Throttling.ThrottleWorld;

namespace BlockGraph.BlockCore.Tests.Throttling;

/// <summary>Pins the longest wait: a request that may not wait for ever fails in time, uncharged, and others move up.</summary>
[TestFixture]
public sealed class ThrottleWaitLimitTests
{
    private const long Ms = 1_000_000;

    private static readonly ThrottleConfig s_slow = Limits(("iops-total", 1));

    [Test]
    public void A_request_that_waits_for_too_long_fails_with_a_kind_of_its_own()
    {
        using ThrottleWorld world = new(s_slow, 1);
        world.Members[0].MaxWaitMs = 500;
        BlockException? failure = null;
        world.Submit(world.Members[0]);
        At(0, world.Members[0], async () =>
        {
            try
            {
                await world.Members[0].WaitAsync(ThrottleDirection.Read, 512);
            }
            catch (BlockException exception)
            {
                failure = exception;
                Assert.That(world.Scheduler.NowNs, Is.EqualTo(500 * Ms), "when its time is over");
            }
        });
        world.Run();

        Assert.Multiple(() =>
        {
            Assert.That(failure?.Kind, Is.EqualTo(BlockErrorKind.ThrottleTimeout));
            Assert.That(failure?.Message, Is.EqualTo("Throttled for longer than 500 ms in group 'g'"));
            Assert.That(world.Group.PendingCount(ThrottleDirection.Read), Is.Zero, "nothing waits any more");
            Assert.That(world.Group.Query(world.Scheduler.NowNs).Reads.TimedOutCount, Is.EqualTo(1), "counted");
        });
    }

    [Test]
    public void It_is_not_charged_and_the_next_in_line_starts_when_it_would_have()
    {
        using ThrottleWorld world = new(s_slow, 2);
        world.Members[0].MaxWaitMs = 500;
        world.Submit(world.Members[0]);
        int expired = world.SubmitOrFail(world.Members[0]);
        int patient = world.Submit(world.Members[1], atNs: 10 * Ms);
        world.Run();

        Assert.Multiple(() =>
        {
            Assert.That(world.AdmittedAtNs[expired], Is.EqualTo(-3), "failed");
            Assert.That(world.AdmittedAtNs[patient], Is.EqualTo(900 * Ms), "as if the other had never been");
        });
    }

    [Test]
    public void A_failure_says_how_long_the_request_was_allowed_to_wait()
    {
        using ThrottleWorld world = new(s_slow, 1);
        world.Members[0].MaxWaitMs = 500;
        string? text = null;
        world.Submit(world.Members[0]);
        At(0, world.Members[0], async () =>
        {
            try
            {
                await world.Members[0].WaitAsync(ThrottleDirection.Read, 512);
            }
            catch (BlockException exception)
            {
                text = exception.Message;
            }
        });
        At(Ms, world.Members[0], () => world.Members[0].MaxWaitMs = 0);
        world.Run();

        Assert.That(text, Is.EqualTo("Throttled for longer than 500 ms in group 'g'"), "not what is allowed by now");
    }

    [Test]
    public void Each_request_has_its_own_time()
    {
        using ThrottleWorld world = new(s_slow, 1);
        world.Members[0].MaxWaitMs = 950;
        world.Submit(world.Members[0]);
        int first = world.SubmitOrFail(world.Members[0]);
        int second = world.SubmitOrFail(world.Members[0], atNs: 100 * Ms);
        int third = world.SubmitOrFail(world.Members[0], atNs: 970 * Ms);
        world.Run();

        Assert.Multiple(() =>
        {
            Assert.That(world.AdmittedAtNs[first], Is.EqualTo(900 * Ms), "in time");
            Assert.That(world.AdmittedAtNs[second], Is.EqualTo(-3), "too late at 1050 ms");
            Assert.That(world.AdmittedAtNs[third], Is.EqualTo(1900 * Ms), "in time again");
        });
    }

    [Test]
    public void A_shorter_wait_given_later_does_not_wait_for_longer_ones_before_it()
    {
        using ThrottleWorld world = new(s_slow, 1);
        List<long> failedAtMs = [];
        world.Submit(world.Members[0]);
        At(0, world.Members[0], () => Begin(3000));
        At(0, world.Members[0], () => Begin(2500));
        At(1, world.Members[0], () => world.Group.SetConfig(Limits(("bps-total", 1)), ThrottleChangePolicy.Reset));
        At(1, world.Members[0], () => world.Members[0].TryAdmit(ThrottleDirection.Read, 1_000_000));
        At(2, world.Members[0], () => Begin(10));
        world.RunUntil(4000 * Ms);

        Assert.That(failedAtMs, Is.EqualTo(new long[] { 10, 2500 }), "the last first; the first one took the new limits' room");

        async void Begin(int maxWaitMs)
        {
            world.Members[0].MaxWaitMs = maxWaitMs;
            try
            {
                await world.Members[0].WaitAsync(ThrottleDirection.Read, 1_000_000);
            }
            catch (BlockException)
            {
                failedAtMs.Add(world.Scheduler.NowNs / Ms);
            }
        }
    }

    [Test]
    public void A_member_that_has_moved_is_not_troubled_by_an_old_alarm()
    {
        using ThrottleWorld world = new(s_slow, 2, isSpread: true);
        ThrottleGroupMember mover = world.Members[0];
        mover.MaxWaitMs = 2000;
        int[] requests = world.SubmitMany(2, mover);
        At(1000 * Ms, mover, () =>
        {
            mover.Detach(mover.Context!);
            mover.Attach(world.Members[1].Context!);
        });
        world.RunUntil(1001 * Ms);
        int late = world.Submit(mover, atNs: 1002 * Ms);
        world.Run();

        Assert.That(world.TimesMs([.. requests, late]), Is.EqualTo(new long[] { 0, 900, 1900 }), "all in time, on both contexts");
    }

    [Test]
    public void A_negative_wait_is_refused()
    {
        using ThrottleWorld world = new(s_slow, 1);

        Assert.That(() => world.Members[0].MaxWaitMs = -1, Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(world.Members[0].MaxWaitMs, Is.Zero, "nothing changed");
    }
}
