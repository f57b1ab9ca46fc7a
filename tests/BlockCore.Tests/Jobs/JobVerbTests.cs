using BlockGraph.BlockCore.Drain;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Jobs;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Jobs;

/// <summary>Every verb to a job in every state: what it is told, what becomes of it.</summary>
[TestFixture]
public sealed class JobVerbTests : JobTests
{
    private Gate _gate = new();
    private DrainScope? _drain;
    private ScriptedJob? _other;

    [SetUp]
    public void SetUpGate()
    {
        _gate = new Gate();
        _drain = null;
        _other = null;
    }

    private static IEnumerable<TestCaseData> Cells() =>
        from verb in Enum.GetValues<JobVerb>()
        from state in Enum.GetValues<JobState>()
        select new TestCaseData(verb, state);

    [TestCaseSource(nameof(Cells))]
    public void Every_verb_in_every_state(JobVerb verb, JobState state) => Fixture.Run(async () =>
    {
        ScriptedJob job = await BringAsync(state, isUserPaused: verb == JobVerb.Resume);
        Assert.That(job.State, Is.EqualTo(state), "brought there");
        JobStateMachine machine = MachineOf(job);
        Task applying = ApplyAsync(job, verb);
        if (verb == JobVerb.Resume && state is (JobState.Undefined or JobState.Null))
        {
            Assert.That(await RefusalAsync(() => applying), Is.EqualTo("Can't resume a job that was not paused"), "this is asked first");
        }
        else if (machine.Accepts(verb))
        {
            _gate.Open();
            await applying;
        }
        else
        {
            Assert.That(
                await RefusalAsync(() => applying),
                Is.EqualTo($"Job '{job.Id}' in state '{state.ToText()}' cannot accept command verb '{verb.ToText()}'"),
                "refused, with the text");
            Assert.That(job.State, Is.EqualTo(state), "and nothing has happened");
        }

        await EndAsync(job);
    });

    [TestCase(JobState.Waiting)]
    [TestCase(JobState.Pending)]
    [TestCase(JobState.Concluded)]
    public void A_soft_cancellation_of_what_a_user_has_paused_is_refused(JobState state) => Fixture.Run(async () =>
    {
        ScriptedJob job = await BringAsync(state, isUserPaused: true);
        Assert.That(await RefusalAsync(() => job.CancelAsync()), Is.EqualTo("The block job for device 'j' is currently paused"), "even where its body was through before it came to rest");
        await EndAsync(job);
    });

    [Test]
    public void Pausing_twice_and_resuming_twice_are_refused() => Fixture.Run(async () =>
    {
        ScriptedJob job = await BeginJobAsync();
        await job.PauseAsync();
        Assert.That(await RefusalAsync(job.PauseAsync), Is.EqualTo("Job is already paused"), "twice");
        Assert.That(job.PauseCount, Is.EqualTo(1), "counted once");
        Assert.That(await RefusalAsync(() => job.CancelAsync()), Is.EqualTo("The block job for device 'j' is currently paused"), "a paused job is cancelled by force only");
        await job.ResumeAsync();
        Assert.That(await RefusalAsync(job.ResumeAsync), Is.EqualTo("Can't resume a job that was not paused"), "twice");
        Assert.That((job.State, job.PauseCount), Is.EqualTo((JobState.Running, 0)), "it runs");
        Assert.That(job.Calls, Is.EqualTo(new[] { "run", "user-pause", "user-resume" }), "its author heard of each once");
        await EndAsync(job);
    });

    [Test]
    public void A_job_paused_before_it_began_rests_before_its_body() => Fixture.Run(async () =>
    {
        ScriptedJob job = await NewJobAsync();
        await job.PauseAsync();
        Assert.That(job.PauseCount, Is.EqualTo(2), "by the user, and because it is not started");
        await job.StartAsync();
        await SettleAsync();
        Assert.That((job.State, job.PauseCount), Is.EqualTo((JobState.Paused, 1)), "it rests");
        Assert.That(job.Calls, Has.None.EqualTo("run"), "the body was not begun");
        await job.ResumeAsync();
        await SettleAsync();
        Assert.That(job.Calls, Has.One.EqualTo("run"), "now it was");
        Assert.That(Told, Is.EqualTo(new[] { "j created", "j running", "j paused", "j running" }), "what was told");
        await EndAsync(job);
    });

    [Test]
    public void A_sleeping_job_is_paused_when_the_call_returns_and_resumed_it_does_not_sleep_on() => Fixture.Run(async () =>
    {
        ScriptedJob job = await BeginJobAsync();
        job.RoundNs = 1_000_000_000;
        job.Wake();
        await SettleAsync();
        int rounds = job.RoundCount;
        await job.PauseAsync();
        Assert.That(job.State, Is.EqualTo(JobState.Paused), "at once");
        Assert.That(Fixture.Context.NextDeadlineNs, Is.Null, "the sleep is over");
        await job.ResumeAsync();
        Assert.That(job.State, Is.EqualTo(JobState.Running), "at once");
        await SettleAsync();
        Assert.That(job.RoundCount, Is.EqualTo(rounds + 1), "the body goes on without the rest of the sleep");
        await EndAsync(job);
    });

    [Test]
    public void A_negative_speed_is_refused_and_the_old_one_holds() => Fixture.Run(async () =>
    {
        ScriptedJob job = await BeginJobAsync(options: new JobOptions { SpeedBytesPerSecond = 5 });
        Assert.That(await RefusalAsync(() => job.SetSpeedAsync(-1)), Is.EqualTo("Parameter 'speed' expects a non-negative value"), "the text");
        Assert.That(job.SpeedBytesPerSecond, Is.EqualTo(5), "as before");
        await job.SetSpeedAsync(0);
        Assert.That((job.SpeedBytesPerSecond, job.Calls[^1]), Is.EqualTo((0L, "speed 0")), "no limit, and the author heard of it");
        await EndAsync(job);
    });

    [Test]
    public void A_job_that_cannot_complete_or_is_ending_is_not_completed() => Fixture.Run(async () =>
    {
        ScriptedJob job = await BringAsync(JobState.Standby, isUserPaused: false);
        job.IsCompletable = false;
        Assert.That(await RefusalAsync(job.CompleteAsync), Is.EqualTo("The active block job 'j' cannot be completed"), "its kind does not");
        job.IsCompletable = true;
        job.CancelsSoftlyIn = _ => true;
        await job.CancelAsync();
        Assert.That(await RefusalAsync(job.CompleteAsync), Is.EqualTo("The active block job 'j' cannot be completed"), "it is ending in its own way");
        job.Completing = () => throw new BlockException("no");
        await EndAsync(job);
    });

    [Test]
    public void A_job_that_refuses_to_complete_goes_on() => Fixture.Run(async () =>
    {
        ScriptedJob job = await BringAsync(JobState.Ready, isUserPaused: false);
        _gate.Open();
        job.Completing = () => throw new BlockException("no");
        Assert.That(await RefusalAsync(job.CompleteAsync), Is.EqualTo("no"), "its own words");
        await SettleAsync();
        Assert.That(job.State, Is.EqualTo(JobState.Ready), "as before");
        await EndAsync(job);
    });

    [Test]
    public void Verbs_may_come_from_another_context_and_return_there() => Fixture.Run(async () =>
    {
        ScriptedJob job = await BeginJobAsync(options: new JobOptions { AutoFinalize = false, AutoDismiss = false });
        AioContext other = Fixture.World.CreateContext("other");
        await other.RunAsync(async () =>
        {
            await job.PauseAsync();
            await job.SetSpeedAsync(3);
            Assert.That((await job.QueryAsync()).State, Is.EqualTo(JobState.Paused), "asked from there");
            await job.ResumeAsync();
            job.BecomeReady();
            await other.DelayAsync(1000);
            await job.CompleteAsync();
            await other.DelayAsync(1000);
            await job.FinalizeAsync();
            await job.WaitAsync();
            Assert.That((await Fixture.Graph.QueryJobsAsync()).Single().State, Is.EqualTo(JobState.Concluded), "it is over");
            await job.DismissAsync();
            Assert.That(other.IsHome, Is.True, "back home after each");
        });
        AssertNothingLeft(job);
    });

    private static JobStateMachine MachineOf(ScriptedJob job)
    {
        // The way there does not matter, only what is accepted there; this is the shortest that reaches it.
        JobState[] way = job.State switch
        {
            JobState.Undefined => [],
            JobState.Created => [JobState.Created],
            JobState.Running => [JobState.Created, JobState.Running],
            JobState.Paused => [JobState.Created, JobState.Running, JobState.Paused],
            JobState.Ready => [JobState.Created, JobState.Running, JobState.Ready],
            JobState.Standby => [JobState.Created, JobState.Running, JobState.Ready, JobState.Standby],
            JobState.Waiting => [JobState.Created, JobState.Running, JobState.Waiting],
            JobState.Pending => [JobState.Created, JobState.Running, JobState.Waiting, JobState.Pending],
            JobState.Aborting => [JobState.Created, JobState.Aborting],
            JobState.Concluded => [JobState.Created, JobState.Aborting, JobState.Concluded],
            _ => [JobState.Created, JobState.Null],
        };
        JobStateMachine machine = default;
        foreach (JobState next in way)
        {
            machine.MoveTo(next);
        }

        return machine;
    }

    // A body that is to stay in a state waits, busy, in the gate; one that is to be paused without a user is drained.
    private async Task<ScriptedJob> BringAsync(JobState state, bool isUserPaused)
    {
        JobTransaction group = new();
        JobOptions options = new() { Id = "j", Group = group, AutoFinalize = state != JobState.Pending, AutoDismiss = state == JobState.Null };
        if (state == JobState.Undefined)
        {
            return new ScriptedJob(Fixture.Graph, options);
        }

        ScriptedJob job = await NewJobAsync(options: options);
        if (state == JobState.Waiting)
        {
            _other = await BeginJobAsync("other", new JobOptions { Group = group });
        }

        if (state != JobState.Created)
        {
            await job.StartAsync();
            await SettleAsync();
        }

        await BringOnAsync(job, state, isUserPaused);
        await SettleAsync();
        return job;
    }

    private async Task BringOnAsync(ScriptedJob job, JobState state, bool isUserPaused)
    {
        if (state is JobState.Ready or JobState.Standby)
        {
            job.BecomeReady();
            await SettleAsync();
        }

        Gate passing = new();
        switch (state)
        {
            case JobState.Running or JobState.Ready:
                job.Hold(_gate);
                break;
            case JobState.Paused or JobState.Standby when !isUserPaused:
                _drain = await DrainScope.BeginAsync(job.Edges[0].Node);
                break;
            case JobState.Aborting:
                job.Cleaning = _gate.PassAsync;
                job.Committing = () => throw new InvalidOperationException("it must abort");
                job.Do(async () =>
                {
                    await passing.PassAsync();
                    throw new BlockException("bad");
                });
                break;
            case JobState.Waiting or JobState.Pending or JobState.Concluded or JobState.Null:
                job.FinishAfter(passing);
                break;
            default:
                break;
        }

        await SettleAsync();
        if (isUserPaused)
        {
            await job.PauseAsync();
        }

        passing.Open();
    }

    private async Task EndAsync(ScriptedJob job)
    {
        _gate.Open();
        if (_drain is not null)
        {
            await _drain.DisposeAsync();
        }

        await job.DisposeAsync();
        if (_other is not null)
        {
            await _other.DisposeAsync();
        }

        if (job.Id.Length > 0)
        {
            AssertNothingLeft(job);
        }
    }
}
