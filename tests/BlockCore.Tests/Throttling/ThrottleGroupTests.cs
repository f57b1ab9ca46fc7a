using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Throttling;
using CsCheck;
using static BlockGraph.BlockCore.Tests.Throttling.ThrottleWorld;

namespace BlockGraph.BlockCore.Tests.Throttling;

/// <summary>Pins what members of a group do to one another: turns, cancelling, moving, leaving.</summary>
[TestFixture]
public sealed class ThrottleGroupTests
{
    private const long Ms = 1_000_000;

    // One operation a second: the first goes at once, the n-th at 0.9 + (n - 2) seconds.
    private static readonly ThrottleConfig s_slow = Limits(("iops-total", 1));

    [Test]
    public void Without_limits_nothing_waits_and_nothing_is_charged()
    {
        using ThrottleWorld world = new(ThrottleConfig.Unlimited, 1);
        world.SubmitMany(100, world.Members[0], bytes: 1 << 30);
        world.Run();

        Assert.Multiple(() =>
        {
            Assert.That(world.AdmittedAtNs, Is.All.Zero);
            Assert.That(world.Group.Bucket(ThrottleMeter.BpsTotal).Level, Is.Zero);
            Assert.That(world.Members[0].IsIdle, Is.True);
        });
    }

    [Test]
    public void Asking_whether_it_must_wait_leaves_no_trace()
    {
        using ThrottleWorld world = new(s_slow, 1);
        List<bool> answers = [];
        At(0, world.Members[0], () => answers.AddRange([world.Members[0].TryAdmit(ThrottleDirection.Read, 1), world.Members[0].TryAdmit(ThrottleDirection.Read, 1)]));
        world.Run();

        Assert.Multiple(() =>
        {
            Assert.That(answers, Is.EqualTo(new[] { true, false }));
            Assert.That(world.Scheduler.NowNs, Is.Zero, "no timer was armed");
            Assert.That(world.Group.Bucket(ThrottleMeter.IopsTotal).Level, Is.EqualTo(1));
        });
    }

    [Test]
    public void Waiting_where_nothing_must_wait_is_over_at_once()
    {
        using ThrottleWorld world = new(s_slow, 1);
        bool isCompleted = false;
        At(0, world.Members[0], () => isCompleted = world.Members[0].WaitAsync(ThrottleDirection.Read, 1).AsTask().IsCompletedSuccessfully);
        world.Run();

        Assert.That(isCompleted, Is.True);
        Assert.That(world.Group.Bucket(ThrottleMeter.IopsTotal).Level, Is.EqualTo(1), "and charged");
    }

    [Test]
    public void Each_wait_is_reported_with_its_length()
    {
        using ThrottleWorld world = new(s_slow, 1);
        List<(ThrottleDirection, long)> waits = [];
        world.Members[0].Waited = (direction, waitNs) => waits.Add((direction, waitNs));
        world.SubmitMany(3, world.Members[0], direction: ThrottleDirection.Write);
        world.Run();

        Assert.That(waits, Is.EqualTo(new[] { (ThrottleDirection.Write, 900 * Ms), (ThrottleDirection.Write, 1900 * Ms) }));
    }

    [Test]
    public void A_late_timer_costs_no_rate()
    {
        using LateScheduler scheduler = new();
        ThrottleGroup group = new("g", Limits(("iops-total", 1000)));
        ThrottleGroupMember member = group.AddMember(scheduler.MainContext);
        scheduler.Run(async () =>
        {
            for (int count = 0; count < 4; count++)
            {
                Keep(member, 500);
            }

            while (member.PendingCount(ThrottleDirection.Read) > 0)
            {
                await scheduler.MainContext.DelayAsync(Ms);
            }
        });

        // 2000 requests, the bucket holds 100 of them; up to 5 ms late each time, and still at full rate.
        Assert.That(scheduler.NowNs, Is.InRange(1895 * Ms, 1915 * Ms));

        static async void Keep(ThrottleGroupMember member, int count)
        {
            for (; count > 0; count--)
            {
                await member.WaitAsync(ThrottleDirection.Read, 1);
            }
        }
    }

    [Test]
    public void A_cancelled_request_leaves_the_queue_uncharged()
    {
        using CancellationTokenSource cancel = new();
        using ThrottleWorld world = new(s_slow, 1);
        world.SubmitMany(2, world.Members[0]);
        int cancelled = world.Submit(world.Members[0], cancel: cancel.Token);
        int last = world.Submit(world.Members[0]);
        At(100 * Ms, world.Members[0], cancel.Cancel);
        world.Run();

        Assert.Multiple(() =>
        {
            Assert.That(world.AdmittedAtNs[cancelled], Is.EqualTo(-2));
            Assert.That(world.AdmittedAtNs[last], Is.EqualTo(1900 * Ms), "as if the cancelled one had never been");
        });
    }

    [Test]
    public void The_turn_of_one_that_has_nothing_left_goes_to_another([Values] bool isSpread)
    {
        using CancellationTokenSource cancel = new();
        using ThrottleWorld world = new(s_slow, 2, isSpread);
        world.Submit(world.Members[0]);
        world.Submit(world.Members[0], cancel: cancel.Token);
        int other = world.Submit(world.Members[1], Ms);
        At(100 * Ms, world.Members[0], cancel.Cancel);
        world.Run();

        Assert.That(world.AdmittedAtNs[other], Is.EqualTo(900 * Ms));
    }

    [Test]
    public void Cancelling_the_last_that_waits_disarms_the_timer()
    {
        using CancellationTokenSource cancel = new();
        using ThrottleWorld world = new(s_slow, 1);
        world.Submit(world.Members[0]);
        world.Submit(world.Members[0], cancel: cancel.Token);
        At(100 * Ms, world.Members[0], cancel.Cancel);
        world.Run();

        Assert.That(world.Scheduler.NowNs, Is.EqualTo(100 * Ms));
    }

    [Test]
    public void A_request_that_is_cancelled_beforehand_does_not_wait()
    {
        using ThrottleWorld world = new(s_slow, 1);
        world.SubmitMany(2, world.Members[0]);
        int cancelled = world.Submit(world.Members[0], cancel: new CancellationToken(true));
        world.RunUntil(0);

        Assert.That(world.AdmittedAtNs[cancelled], Is.EqualTo(-2));
    }

    [Test]
    public void A_cancellation_that_comes_after_the_wake_up_changes_nothing()
    {
        using CancellationTokenSource cancel = new();
        using ThrottleWorld world = new(s_slow, 1);
        world.Submit(world.Members[0]);
        int woken = world.Submit(world.Members[0], cancel: cancel.Token);
        world.Members[0].Waited = (_, _) => cancel.Cancel();
        world.Run();

        Assert.That(world.AdmittedAtNs[woken], Is.EqualTo(900 * Ms));
    }

    [Test]
    public void A_member_moves_between_contexts()
    {
        using ThrottleWorld world = new(s_slow, 1);
        ThrottleGroupMember member = world.Members[0];
        AioContext other = world.Scheduler.CreateContext("io");
        world.SubmitMany(3, member);
        At(0, member, member.BeginDrain);
        world.Run();
        AioContext before = member.Context!;
        member.Detach(before);
        Assert.That(member.Context, Is.Null);
        member.Attach(other);
        member.EndDrain();
        int last = world.Submit(member);
        world.Run();

        Assert.That((member.Context, world.AdmittedAtNs[last]), Is.EqualTo((other, 2900 * Ms)));
    }

    [Test]
    public void A_member_that_leaves_passes_its_turn_on()
    {
        using ThrottleWorld world = new(s_slow, 3);
        ThrottleGroupMember token = world.Members[0];
        token.Leave();
        world.SubmitMany(2, world.Members[1]);
        world.SubmitMany(2, world.Members[2]);
        world.Run();

        Assert.That((world.Group.MemberCount, world.Order.Count), Is.EqualTo((2, 4)));
    }

    [Test]
    public void The_last_member_leaves_and_another_comes()
    {
        using ThrottleWorld world = new(s_slow, 1);
        world.Members[0].Leave();
        ThrottleGroupMember next = world.Group.AddMember(world.Scheduler.MainContext);
        int[] numbers = world.SubmitMany(2, next);
        world.Run();

        Assert.That(world.AdmittedAtNs[numbers[1]], Is.EqualTo(900 * Ms));
    }

    [Test]
    public void Leaving_twice_or_with_requests_that_wait_is_a_bug()
    {
        using ThrottleWorld world = new(s_slow, 2);
        world.SubmitMany(2, world.Members[0]);
        world.RunUntil(Ms);
        world.Members[1].Leave();

        Assert.Multiple(() =>
        {
            Assert.That(world.Members[0].Leave, Throws.InstanceOf<InvariantViolationException>());
            Assert.That(() => world.Members[0].Detach(world.Scheduler.MainContext), Throws.InstanceOf<InvariantViolationException>());
            Assert.That(world.Members[1].Leave, Throws.InstanceOf<InvariantViolationException>());
        });
        world.Run();
    }

    [Test]
    public void A_request_from_a_foreign_thread_is_a_bug()
    {
        using ThrottleWorld world = new(s_slow, 1);

        Assert.That(() => world.Members[0].TryAdmit(ThrottleDirection.Read, 1), Throws.InstanceOf<InvariantViolationException>());
    }

    [Test]
    public void Reads_and_writes_wait_in_queues_of_their_own()
    {
        using ThrottleWorld world = new(Limits(("iops-write", 1)), 1);
        world.SubmitMany(3, world.Members[0], direction: ThrottleDirection.Write);
        int[] reads = world.SubmitMany(3, world.Members[0], Ms);
        world.RunUntil(Ms);

        Assert.Multiple(() =>
        {
            Assert.That(reads.Select(number => world.AdmittedAtNs[number]), Is.All.EqualTo(Ms));
            Assert.That(world.Group.PendingCount(ThrottleDirection.Write), Is.EqualTo(2));
            Assert.That(world.Members[0].PendingCount(ThrottleDirection.Write), Is.EqualTo(2));
        });
        world.Run();
    }

    [Test]
    public void Whatever_members_do_the_limit_holds_and_everybody_starts()
    {
        Gen.Select(Gen.Int[1, 4], Gen.Long[1, 500], Gen.Select(Gen.Int[0, 3], Gen.Long[0, 300], Gen.Bool).Array[1, 60], Gen.Bool).Sample((memberCount, rate, requests, isSpread) =>
        {
            using ThrottleWorld world = new(Limits(("iops-total", rate)), memberCount, isSpread);
            foreach ((int member, long atMs, bool isWrite) in requests)
            {
                world.Submit(world.Members[member % memberCount], atMs * Ms, isWrite ? ThrottleDirection.Write : ThrottleDirection.Read);
            }

            world.Run();
            long[] admitted = [.. world.AdmittedAtNs.Order()];
            return admitted[0] >= 0 && AllWindowsHold(admitted, rate);
        }, iter: 200);
    }

    private static bool AllWindowsHold(long[] admittedAtNs, long rate)
    {
        for (int first = 0; first < admittedAtNs.Length; first++)
        {
            for (int last = first; last < admittedAtNs.Length; last++)
            {
                // One request more for each direction: a reader and a writer may see the same room.
                double seconds = (admittedAtNs[last] - admittedAtNs[first]) / 1e9;
                if (last - first + 1 > (rate / 10.0) + (rate * seconds) + 2 + 1e-3)
                {
                    return false;
                }
            }
        }

        return true;
    }

    /// <summary>Fires timers up to 5 ms late, differently each time.</summary>
    private sealed class LateScheduler : VirtualTimeScheduler
    {
        private long _next;

        protected internal override long ChooseLatenessNs() => _next = ((_next * 7) + 1_234_567) % (5 * Ms);
    }
}
