using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Jobs;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Jobs;

/// <summary>Jobs that become ready and keep something up until they are told to complete.</summary>
[TestFixture]
public sealed class JobReadyTests : JobTests
{
    // job -> n-j
    [Test]
    [Category("Scenario")]
    public void S63_In_standby_a_job_is_told_to_complete_and_does_so_when_it_is_resumed() => Fixture.Run(async () =>
    {
        ScriptedJob job = await BeginJobAsync();
        job.BecomeReady();
        await SettleAsync();
        await job.PauseAsync();
        Assert.That(job.State, Is.EqualTo(JobState.Standby), "it rests");
        await job.CompleteAsync();
        await job.CompleteAsync();
        await SettleAsync();
        Assert.That(job.State, Is.EqualTo(JobState.Standby), "accepted, even twice; it rests on");
        await job.ResumeAsync();
        await job.WaitAsync();
        Assert.That(
            Told,
            Is.EqualTo(new[]
            {
                "j created", "j running", "j ready", "j READY", "j standby", "j ready", "j waiting", "j pending", "j COMPLETED", "j concluded", "j null",
            }),
            "what was told");
        AssertNothingLeft(job);
    });

    [Test]
    public void A_ready_job_completes_at_once() => Fixture.Run(async () =>
    {
        ScriptedJob job = await BeginJobAsync();
        job.BecomeReady();
        await SettleAsync();
        Assert.That((await job.QueryAsync()).IsReady, Is.True, "it says so");
        await job.CompleteAsync();
        await job.WaitAsync();
        Assert.That(job.Calls, Is.EqualTo(new[] { "run", "completing", "prepare", "commit", "clean" }), "what its author was told");
        AssertNothingLeft(job);
    });

    [Test]
    public void Told_while_its_body_is_busy_it_completes_at_its_next_rest() => Fixture.Run(async () =>
    {
        ScriptedJob job = await BeginJobAsync();
        Gate gate = new();
        job.BecomeReady();
        job.Hold(gate);
        job.Do(job.YieldAsync);
        await SettleAsync();
        await job.CompleteAsync();
        gate.Open();
        await job.WaitAsync();
        Assert.That(job.Error, Is.Null, "the yield that came after did not miss it");
        AssertNothingLeft(job);
    });

    [Test]
    public void A_job_that_is_ready_may_end_by_itself() => Fixture.Run(async () =>
    {
        ScriptedJob job = await BeginJobAsync();
        job.BecomeReady();
        job.Finish();
        await job.WaitAsync();
        Assert.That(Told.Skip(2).Take(3), Is.EqualTo(new[] { "j ready", "j READY", "j waiting" }), "from ready to waiting");
        AssertNothingLeft(job);
    });

    [Test]
    public void Becoming_ready_twice_is_a_bug_that_ends_the_job() => Fixture.Run(async () =>
    {
        ScriptedJob job = await BeginJobAsync();
        job.BecomeReady();
        job.BecomeReady();
        await Failure.OfAsync<InvariantViolationException>(job.WaitAsync);
        AssertNothingLeft(job);
    });
}
