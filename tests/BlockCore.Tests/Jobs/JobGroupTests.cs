using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Jobs;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Jobs;

/// <summary>Jobs that succeed together or fail together: each member failing in each phase.</summary>
[TestFixture]
public sealed class JobGroupTests : JobTests
{
    /// <summary>Where a member comes to grief.</summary>
    public enum Grief
    {
        BodyFails,
        BodyHasBug,
        PrepareFails,
        PrepareHasBug,
        CancelledCreated,
        CancelledRunning,
        CancelledPaused,
        CancelledReady,
        CancelledWaiting,
        CancelledPending,
        CancelledWhilePreparing,
    }

    private static IEnumerable<TestCaseData> Griefs() =>
        from count in new[] { 2, 3 }
        from member in Enumerable.Range(0, count)
        from grief in Enum.GetValues<Grief>()
        select new TestCaseData(count, member, grief);

    // j0 -> n-j0    j1 -> n-j1    (j2 -> n-j2)
    [TestCaseSource(nameof(Griefs))]
    public void Whoever_fails_wherever_all_take_back_what_they_did(int count, int member, Grief grief) => Fixture.Run(async () =>
    {
        JobOptions options = new() { Group = new JobTransaction(), AutoFinalize = grief != Grief.CancelledPending, AutoDismiss = false };
        ScriptedJob[] jobs = await NewJobsAsync(count, options);
        ScriptedJob victim = jobs[member];
        Plan(victim, grief);
        foreach (ScriptedJob job in jobs)
        {
            if (grief != Grief.CancelledCreated || job != victim)
            {
                await job.StartAsync();
            }
        }

        await SettleAsync();
        await CauseAsync(victim, grief, jobs);
        BlockErrorKind own = grief is Grief.BodyFails or Grief.PrepareFails ? BlockErrorKind.NoSpace
            : grief is Grief.BodyHasBug or Grief.PrepareHasBug ? BlockErrorKind.InputOutput : BlockErrorKind.Cancelled;
        foreach (ScriptedJob job in jobs)
        {
            Exception error = await Failure.OfAsync<Exception>(job.WaitAsync);
            Assert.That(job.Error!.Kind, Is.EqualTo(job == victim ? own : BlockErrorKind.Cancelled), $"{job.Id}: the victim keeps its error, the others were cancelled ({error.Message})");
            Assert.That(job.Calls.Where(c => c is "commit" or "abort" or "clean"), Is.EqualTo(new[] { "abort", "clean" }), $"{job.Id} takes back what it did, once, and then cleans");
            bool isForgotten = grief == Grief.CancelledCreated && job == victim;
            Assert.That(job.State, Is.EqualTo(isForgotten ? JobState.Null : JobState.Concluded), $"{job.Id} is over; one that never began is forgotten at once");
        }

        await DismissAllAsync(jobs);
    });

    // j0 -> n-j0    j1 -> n-j1    (j2 -> n-j2)
    [Test]
    [Category("Scenario")]
    public void S61_A_group_that_succeeds_succeeds_whole([Values(1, 2, 3)] int count, [Values] bool isManual) => Fixture.Run(async () =>
    {
        ScriptedJob[] jobs = await BeginJobsAsync(count, new JobOptions { Group = new JobTransaction(), AutoFinalize = !isManual });
        foreach (ScriptedJob job in jobs)
        {
            Assert.That(job.Calls, Has.None.EqualTo("prepare"), "nobody is prepared before all are done");
            job.Finish();
            await SettleAsync();
        }

        if (isManual)
        {
            Assert.That(jobs.Select(j => j.State), Has.All.EqualTo(JobState.Pending), "all wait to be made final");
            await jobs[^1].FinalizeAsync();
        }

        foreach (ScriptedJob job in jobs)
        {
            await job.WaitAsync();
            Assert.That(job.Error, Is.Null, $"{job.Id} succeeded");
            Assert.That(job.Calls, Is.EqualTo(new[] { "run", "prepare", "commit", "clean" }), $"{job.Id}: in this order");
        }

        AssertNothingLeft(jobs);
    });

    // j0 -> n-j0    j1 -> n-j1
    [TestCase(0)]
    [TestCase(1)]
    [Category("Scenario")]
    public void S61_The_one_that_fails_keeps_its_error_and_the_other_is_cancelled(int failing) => Fixture.Run(async () =>
    {
        ScriptedJob[] jobs = await BeginJobsAsync(2, new JobOptions { Group = new JobTransaction() });
        jobs[failing].Fail(BlockErrorKind.NoSpace);
        Assert.That((await Failure.OfAsync(jobs[failing].WaitAsync)).Message, Is.EqualTo("No space left on device"), "its own");
        Assert.That((await Failure.OfAsync(jobs[1 - failing].WaitAsync)).Message, Is.EqualTo("Operation canceled"), "the other's");
        Assert.That(Told, Has.One.EqualTo($"j{failing} COMPLETED No space left on device").And.One.EqualTo($"j{1 - failing} CANCELLED"), "and so was told");
        AssertNothingLeft(jobs);
    });

    // j0 -> n-j0    j1 -> n-j1
    [Test]
    [Category("Scenario")]
    public void S61_Cancelling_one_cancels_both([Values(0, 1)] int cancelled, [Values] bool otherIsDone, [Values] bool isRace) => Fixture.Run(async () =>
    {
        ScriptedJob[] jobs = await BeginJobsAsync(2, new JobOptions { Group = new JobTransaction() });
        if (otherIsDone)
        {
            jobs[1 - cancelled].Finish();
            if (!isRace)
            {
                await SettleAsync();
            }
        }

        await jobs[cancelled].CancelAsync();
        foreach (ScriptedJob job in jobs)
        {
            Assert.That((await Failure.OfAsync(job.WaitAsync)).Kind, Is.EqualTo(BlockErrorKind.Cancelled), $"{job.Id} was cancelled");
        }

        Assert.That(Told, Has.One.EqualTo("j0 CANCELLED").And.One.EqualTo("j1 CANCELLED"), "and so was told");
        AssertNothingLeft(jobs);
    });

    [Test]
    public void A_member_that_waits_for_the_others_can_be_cancelled_while_one_of_them_is_busy() => Fixture.Run(async () =>
    {
        ScriptedJob[] jobs = await BeginJobsAsync(2, new JobOptions { Group = new JobTransaction() });
        Gate gate = new();
        jobs[1].Hold(gate);
        jobs[0].Finish();
        await SettleAsync();
        Task cancelling = jobs[0].CancelAsync();
        await SettleAsync();
        Assert.That(cancelling.IsCompleted, Is.False, "nobody is over before the body of each is");
        Assert.That(jobs[0].State, Is.EqualTo(JobState.Waiting), "not the one either");
        gate.Open();
        await cancelling;
        AssertNothingLeft(jobs);
    });

    [Test]
    public void Nobody_joins_a_group_that_is_being_completed() => Fixture.Run(async () =>
    {
        JobTransaction group = new();
        ScriptedJob first = await BeginJobAsync("first", new JobOptions { Group = group });
        Gate gate = new();
        first.Preparing = _ => gate.PassAsync();
        first.Finish();
        await SettleAsync();
        Assert.That(await RefusalAsync(() => NewJobAsync("late", new JobOptions { Group = group })), Is.EqualTo("The group of jobs is being completed; no other can join it"), "refused");
        Assert.That(Told, Has.None.StartsWith("late"), "nobody heard of it");
        gate.Open();
        await first.WaitAsync();
        AssertNothingLeft(first);
    });

    [Test]
    public void A_verb_that_comes_while_the_work_is_made_final_finds_it_done() => Fixture.Run(async () =>
    {
        ScriptedJob[] jobs = await BeginJobsAsync(2, new JobOptions { Group = new JobTransaction(), AutoFinalize = false, AutoDismiss = false });
        Gate gate = new();
        jobs[1].Cleaning = gate.PassAsync;
        Array.ForEach(jobs, j => j.Finish());
        await SettleAsync();
        Task first = jobs[0].FinalizeAsync();
        await SettleAsync();
        Task second = jobs[1].FinalizeAsync();
        Task cancel = jobs[0].CancelAsync();
        await SettleAsync();
        Assert.That((second.IsCompleted, cancel.IsCompleted), Is.EqualTo((false, false)), "they wait for what cannot be undone");
        gate.Open();
        await first;
        Assert.That(await RefusalAsync(() => second), Is.EqualTo("Job 'j1' in state 'concluded' cannot accept command verb 'finalize'"), "as if it had come later");
        Assert.That(await RefusalAsync(() => cancel), Is.EqualTo("Job 'j0' in state 'concluded' cannot accept command verb 'cancel'"), "as if it had come later");
        Assert.That(jobs.Select(j => j.Error), Has.All.Null, "they succeeded");
        await DismissAllAsync(jobs);
    });

    [Test]
    public void A_group_that_is_being_taken_back_is_not_made_final() => Fixture.Run(async () =>
    {
        ScriptedJob[] jobs = await BeginJobsAsync(2, new JobOptions { Group = new JobTransaction(), AutoFinalize = false, AutoDismiss = false });
        Gate gate = new();
        jobs[1].Cleaning = gate.PassAsync;
        Array.ForEach(jobs, j => j.Finish());
        await SettleAsync();
        Task cancelling = jobs[1].CancelAsync();
        await SettleAsync();
        Assert.That(jobs.Select(j => j.State), Is.EqualTo(new[] { JobState.Pending, JobState.Aborting }), "the newest goes first");
        Task finalizing = jobs[0].FinalizeAsync();
        gate.Open();
        await cancelling;
        Assert.That(await RefusalAsync(() => finalizing), Is.EqualTo("Job 'j0' in state 'concluded' cannot accept command verb 'finalize'"), "it came too late");
        Assert.That(jobs.SelectMany(j => j.Calls), Has.None.EqualTo("commit"), "nothing was made final");
        await DismissAllAsync(jobs);
    });

    private async Task<ScriptedJob[]> NewJobsAsync(int count, JobOptions options)
    {
        ScriptedJob[] jobs = new ScriptedJob[count];
        for (int i = 0; i < count; i++)
        {
            jobs[i] = await NewJobAsync($"j{i}", options);
        }

        return jobs;
    }

    private async Task<ScriptedJob[]> BeginJobsAsync(int count, JobOptions options)
    {
        ScriptedJob[] jobs = await NewJobsAsync(count, options);
        foreach (ScriptedJob job in jobs)
        {
            await job.StartAsync();
        }

        await SettleAsync();
        return jobs;
    }

    private static void Plan(ScriptedJob victim, Grief grief) => victim.Preparing = grief switch
    {
        Grief.PrepareFails => _ => throw new BlockException(BlockErrorKind.NoSpace, "full"),
        Grief.PrepareHasBug => _ => throw new InvalidOperationException("bug"),
        Grief.CancelledWhilePreparing => async cancel => await victim.Graph.MainContext.DelayAsync(1_000_000_000, cancel),
        _ => _ => Task.CompletedTask,
    };

    private async Task CauseAsync(ScriptedJob victim, Grief grief, ScriptedJob[] jobs)
    {
        switch (grief)
        {
            case Grief.BodyFails:
                victim.Fail(BlockErrorKind.NoSpace);
                break;
            case Grief.BodyHasBug:
                victim.Fail(new InvalidOperationException("bug"));
                break;
            case Grief.CancelledPaused:
                await victim.PauseAsync();
                await victim.CancelAsync(isForced: true);
                break;
            case Grief.CancelledReady:
                victim.BecomeReady();
                await SettleAsync();
                await victim.CancelAsync();
                break;
            case Grief.CancelledCreated or Grief.CancelledRunning:
                await victim.CancelAsync();
                break;
            case Grief.CancelledWaiting:
                victim.Finish();
                await SettleAsync();
                await victim.CancelAsync();
                break;
            default:
                Array.ForEach(jobs, j => j.Finish());
                await SettleAsync();
                if (grief is Grief.CancelledPending or Grief.CancelledWhilePreparing)
                {
                    await victim.CancelAsync();
                }

                break;
        }
    }

    private async Task DismissAllAsync(ScriptedJob[] jobs)
    {
        foreach (ScriptedJob job in jobs.Where(j => j.State == JobState.Concluded))
        {
            await job.DismissAsync();
        }

        AssertNothingLeft(jobs);
    }
}
