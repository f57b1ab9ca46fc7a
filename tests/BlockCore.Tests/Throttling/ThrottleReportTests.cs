using BlockGraph.BlockCore.Throttling;
using static BlockGraph.BlockCore.Tests.Throttling.ThrottleWorld;

namespace BlockGraph.BlockCore.Tests.Throttling;

/// <summary>Pins what a group and its members tell of themselves.</summary>
[TestFixture]
public sealed class ThrottleReportTests
{
    private const long Ms = 1_000_000;

    [Test]
    public void A_group_says_who_waits_for_what_and_until_when()
    {
        using ThrottleWorld world = new(Limits(("iops-total", 10), ("bps-read", 1 << 20)), 2);
        world.SubmitMany(5, world.Members[0]);
        world.Submit(world.Members[1], direction: ThrottleDirection.Write);
        world.RunUntil(50 * Ms);
        ThrottleGroupReport report = world.Group.Query(world.Scheduler.NowNs);

        Assert.Multiple(() =>
        {
            Assert.That(report.Name, Is.EqualTo("g"));
            Assert.That(report.ParentName, Is.Null);
            Assert.That(report.Reads, Is.EqualTo(new ThrottleDirectionReport(5, 3, 0, 0, 3, 3, 0, 0, 0, 0, ThrottleMeter.IopsTotal, 50 * Ms)), "two went at once");
            Assert.That(report.Writes, Is.EqualTo(new ThrottleDirectionReport(1, 1, 0, 0, 1, 1, 0, 0, 0, 0, ThrottleMeter.IopsTotal, 50 * Ms)), "the write waits too");
            Assert.That(report.Meters.Select(meter => meter.Meter), Is.EqualTo(new[] { ThrottleMeter.BpsRead, ThrottleMeter.IopsTotal }), "those with a rate");
            Assert.That(report.Meters[1], Is.EqualTo(new ThrottleMeterReport(ThrottleMeter.IopsTotal, 1.5, 1, 0, 0, 0.5, 4)), "leaked to now, though nothing was decided");
            Assert.That(report.Members, Has.Length.EqualTo(2));
            Assert.That(report.Members[1].Reads, Is.EqualTo(new ThrottleMemberCounters(5, 3, 3)), "the older member comes last");
        });
    }

    [Test]
    public void Waits_are_counted_when_they_are_over()
    {
        using ThrottleWorld world = new(Limits(("iops-total", 10)), 1);
        world.SubmitMany(4, world.Members[0]);
        world.Run();
        ThrottleDirectionReport reads = world.Group.Query(world.Scheduler.NowNs).Reads;

        Assert.Multiple(() =>
        {
            Assert.That(reads.WaitedNs, Is.EqualTo(300 * Ms), "100 and 200 ms");
            Assert.That(reads.WaitMaxNs, Is.EqualTo(200 * Ms), "the longest, exactly");
            Assert.That(reads.WaitP50Ns, Is.InRange(100 * Ms, 125 * Ms), "to within a quarter");
            Assert.That(reads.QueueDepth, Is.Zero);
            Assert.That(reads.QueueDepthMax, Is.EqualTo(2));
            Assert.That(reads.BindingMeter, Is.Null);
            Assert.That(reads.NextWakeNs, Is.Null);
        });
    }

    [Test]
    public void Asking_changes_nothing()
    {
        using ThrottleWorld world = new(Limits(("iops-total", 10)), 1);
        int[] requests = world.SubmitMany(4, world.Members[0]);
        for (int atMs = 0; atMs < 200; atMs += 7)
        {
            At(atMs * Ms, world.Members[0], () => world.Group.Query(world.Scheduler.NowNs + 30 * Ms));
        }

        world.Run();

        Assert.That(world.TimesMs(requests), Is.EqualTo(new long[] { 0, 0, 100, 200 }), "though it was asked how it stands later");
    }

    [Test]
    public void A_cancelled_request_is_counted_as_one()
    {
        using CancellationTokenSource cancel = new();
        using ThrottleWorld world = new(Limits(("iops-total", 1)), 1);
        world.Submit(world.Members[0]);
        world.Submit(world.Members[0], cancel: cancel.Token);
        At(Ms, world.Members[0], cancel.Cancel);
        world.Run();
        ThrottleDirectionReport reads = world.Group.Query(world.Scheduler.NowNs).Reads;

        Assert.That((reads.SubmittedCount, reads.ThrottledCount, reads.CancelledCount, reads.TimedOutCount), Is.EqualTo((2L, 1L, 1L, 0L)));
    }

    [Test]
    public void A_wait_below_is_a_wait_for_the_group_that_is_full()
    {
        using ThrottleWorld world = new(Limits(("iops-total", 10)), 0);
        ThrottleGroupMember member = world.AddMemberBelow(Limits(("iops-total", 1000)));
        world.SubmitMany(3, member);
        world.RunUntil(Ms);
        ThrottleGroupReport root = world.Group.Query(world.Scheduler.NowNs);
        ThrottleGroupReport child = member.Group.Query(world.Scheduler.NowNs);

        Assert.Multiple(() =>
        {
            Assert.That(child.ParentName, Is.EqualTo("g"));
            Assert.That(child.Reads.BindingMeter, Is.Null, "it has room");
            Assert.That(child.Reads.QueueDepth, Is.EqualTo(1));
            Assert.That(root.Reads.BindingMeter, Is.EqualTo(ThrottleMeter.IopsTotal), "its parent has not");
            Assert.That(root.Meters[0].BindingCount, Is.EqualTo(1));
            Assert.That(root.Reads.QueueDepth, Is.EqualTo(1), "here and below");
        });
    }
}
