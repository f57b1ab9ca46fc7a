using BlockGraph.BlockCore.Jobs;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Jobs;

/// <summary>A job works no faster than it may.</summary>
[TestFixture]
public sealed class JobRateLimitTests : JobTests
{
    private const long NsPerSecond = 1_000_000_000;

    [TestCase(0, 4096)]
    [TestCase(1_000_000, 4096)]
    [TestCase(1_000_000, 524_288)]
    [TestCase(100, 524_288)]
    [TestCase(long.MaxValue, 524_288)]
    public void So_many_bytes_take_so_long(long speedBytesPerSecond, long chunkBytes)
    {
        JobRateLimit limit = new() { SpeedBytesPerSecond = speedBytesPerSecond };
        long nowNs = 0;
        long sentBytes = 0;
        while (sentBytes < 100 * chunkBytes)
        {
            sentBytes += chunkBytes;
            limit.Charge(nowNs, chunkBytes);
            nowNs += limit.WaitNs(nowNs);
        }

        // 100 ms worth goes without waiting.
        double expectedNs = speedBytesPerSecond == 0 ? 0 : Math.Max(0, ((double)sentBytes / speedBytesPerSecond) - 0.1) * NsPerSecond;
        Assert.That(nowNs, Is.EqualTo(expectedNs).Within(Math.Max(1000, expectedNs / 1_000_000)), "in nanoseconds");
    }

    [Test]
    public void A_lower_speed_does_not_make_old_debts_last_for_ever()
    {
        JobRateLimit limit = new() { SpeedBytesPerSecond = 1_000_000_000 };
        limit.Charge(0, 1_000_000_000);
        Assert.That(limit.WaitNs(0), Is.EqualTo(900_000_000), "at the old speed");
        limit.SpeedBytesPerSecond = 10;
        Assert.That(limit.WaitNs(0), Is.Zero, "a full bucket is left");
        limit.Charge(0, 10);
        Assert.That(limit.WaitNs(0), Is.EqualTo(NsPerSecond), "and from now on the new speed holds");
    }

    // job -> n-j
    [Test]
    public void A_job_with_a_speed_reads_at_that_speed() => Fixture.Run(async () =>
    {
        ScriptedJob job = await NewJobAsync(options: new JobOptions { SpeedBytesPerSecond = 1_000_000 });
        job.ReadLengthBytes = 50_000;
        job.RoundNs = 0;
        await job.StartAsync();
        await Fixture.Context.DelayAsync(10 * NsPerSecond);
        Assert.That(job.Progress.OffsetBytes, Is.EqualTo(10_000_000).Within(200_000), "one megabyte a second");
        await job.DisposeAsync();
        AssertNothingLeft(job);
    });

    // job -> n-j, which owes an hour
    [Test]
    public void A_higher_speed_wakes_a_job_that_sleeps_for_its_speed_and_a_lower_one_does_not([Values(0, 1_000_000_000, 1)] long newSpeed) => Fixture.Run(async () =>
    {
        ScriptedJob job = await BeginJobAsync(options: new JobOptions { SpeedBytesPerSecond = 100 });
        bool isThrough = false;
        job.Do(async () =>
        {
            await job.LimitRateAsync(360_000);
            isThrough = true;
        });
        await SettleAsync();
        Assert.That((job.IsBusy, isThrough), Is.EqualTo((false, false)), "it sleeps");
        long? due = Fixture.Context.NextDeadlineNs;
        await job.SetSpeedAsync(newSpeed);
        Assert.That(job.SpeedBytesPerSecond, Is.EqualTo(newSpeed), "taken");
        if (newSpeed == 1)
        {
            Assert.That(Fixture.Context.NextDeadlineNs, Is.EqualTo(due), "it sleeps on");
            await job.DisposeAsync();
            AssertNothingLeft(job);
            return;
        }

        await Fixture.Context.DelayAsync(NsPerSecond);
        Assert.That(isThrough, Is.True, "it goes on");
        await job.DisposeAsync();
        AssertNothingLeft(job);
    });

    // job -> n-j
    [Test]
    public void A_paused_job_does_not_wake_for_a_new_speed() => Fixture.Run(async () =>
    {
        ScriptedJob job = await BeginJobAsync();
        await job.PauseAsync();
        await job.SetSpeedAsync(5);
        await SettleAsync();
        Assert.That(job.State, Is.EqualTo(JobState.Paused), "it rests on");
        await job.DisposeAsync();
        AssertNothingLeft(job);
    });
}
