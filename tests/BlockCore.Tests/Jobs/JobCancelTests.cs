using BlockGraph.BlockCore.Drain;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Jobs;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Jobs;

/// <summary>Ending a job before its time: softly, by force, by closing its graph.</summary>
[TestFixture]
public sealed class JobCancelTests : JobTests
{
    // job -> n-j
    [TestCase("created", false, "j created|j aborting|j concluded|j null")]
    [TestCase("running", false, "j created|j running|j aborting|j CANCELLED|j concluded|j null")]
    [TestCase("sleeping", false, "j created|j running|j aborting|j CANCELLED|j concluded|j null")]
    [TestCase("paused", true, "j created|j running|j paused|j running|j aborting|j CANCELLED|j concluded|j null")]
    [TestCase("ready", true, "j created|j running|j ready|j READY|j aborting|j CANCELLED|j concluded|j null")]
    [TestCase("standby", true, "j created|j running|j ready|j READY|j standby|j ready|j aborting|j CANCELLED|j concluded|j null")]
    [TestCase("pending", false, "j created|j running|j waiting|j pending|j PENDING|j aborting|j CANCELLED|j concluded|j null")]
    [TestCase("concluded", false, "j created|j running|j waiting|j pending|j PENDING|j COMPLETED|j concluded|j null")]
    [Category("Scenario")]
    public void S62_Cancelled_from_each_state_it_ends_in_null_and_leaves_nothing(string state, bool isForced, string told) => Fixture.Run(async () =>
    {
        ScriptedJob job = await NewJobAsync(options: new JobOptions { AutoFinalize = state is not ("pending" or "concluded"), AutoDismiss = false });
        job.RoundNs = state == "sleeping" ? 3_600_000_000_000 : null;
        if (state != "created")
        {
            await job.StartAsync();
            await SettleAsync();
        }

        if (state is "ready" or "standby")
        {
            job.BecomeReady();
            await SettleAsync();
        }

        if (state is "paused" or "standby")
        {
            await job.PauseAsync();
        }

        if (state is "pending" or "concluded")
        {
            job.Finish();
            await SettleAsync();
        }

        if (state == "concluded")
        {
            await job.FinalizeAsync();
            Assert.That(await RefusalAsync(() => job.CancelAsync()), Is.EqualTo("Job 'j' in state 'concluded' cannot accept command verb 'cancel'"), "over is over");
        }
        else
        {
            Assert.That(job.State.ToText(), Is.EqualTo(state == "sleeping" ? "running" : state), "brought there");
            long before = Fixture.World.NowNs;
            await job.CancelAsync(isForced);
            Assert.That((await Failure.OfAsync(job.WaitAsync)).Message, Is.EqualTo("Operation canceled"), "what it ends with");
            Assert.That(Fixture.World.NowNs, Is.EqualTo(before), "at once, out of any sleep");
        }

        // One that never began is forgotten by itself.
        if (state != "created")
        {
            await job.DismissAsync();
        }

        Assert.That(string.Join('|', Told), Is.EqualTo(told), "what was told");
        AssertNothingLeft(job);
    });

    [Test]
    public void Softly_a_ready_job_ends_in_its_own_way_and_well() => Fixture.Run(async () =>
    {
        ScriptedJob job = await BeginJobAsync();
        job.CancelsSoftlyIn = s => s == JobState.Ready;
        job.BecomeReady();
        await SettleAsync();
        await job.CancelAsync();
        await job.WaitAsync();
        Assert.That(job.Calls, Is.EqualTo(new[] { "run", "soft-cancel", "prepare", "commit", "clean" }), "it commits");
        Assert.That(Told.Skip(4), Is.EqualTo(new[] { "j waiting", "j pending", "j COMPLETED", "j concluded", "j null" }), "and completes");
        AssertNothingLeft(job);
    });

    [Test]
    public void By_force_a_ready_job_ends_without_effect_though_it_could_end_softly() => Fixture.Run(async () =>
    {
        ScriptedJob job = await BeginJobAsync();
        job.CancelsSoftlyIn = s => s == JobState.Ready;
        job.BecomeReady();
        await SettleAsync();
        await job.CancelAsync(isForced: true);
        await Failure.OfAsync(job.WaitAsync);
        Assert.That(job.Calls, Is.EqualTo(new[] { "run", "abort", "clean" }), "it is not asked, and aborts");
        Assert.That(Told.Skip(4), Is.EqualTo(new[] { "j aborting", "j CANCELLED", "j concluded", "j null" }), "and is cancelled");
    });

    [Test]
    public void By_force_a_job_that_is_ending_softly_is_cancelled_all_the_same() => Fixture.Run(async () =>
    {
        ScriptedJob job = await BeginJobAsync();
        Gate gate = new();
        job.CancelsSoftlyIn = s => s == JobState.Ready;
        job.BecomeReady();
        job.Hold(gate);
        await SettleAsync();
        await job.CancelAsync();
        Assert.That((job.IsCancelRequested, job.IsForceCancelled), Is.EqualTo((true, false)), "softly");
        await job.CancelAsync(isForced: true);
        gate.Open();
        Assert.That((await Failure.OfAsync(job.WaitAsync)).Kind, Is.EqualTo(BlockErrorKind.Cancelled), "by force");
        AssertNothingLeft(job);
    });

    [Test]
    public void A_soft_cancellation_after_the_body_has_ended_well_changes_nothing() => Fixture.Run(async () =>
    {
        ScriptedJob job = await BeginJobAsync(options: new JobOptions { AutoFinalize = false });
        job.CancelsSoftlyIn = _ => true;
        job.Finish();
        await SettleAsync();
        await job.CancelAsync();
        Assert.That((job.State, job.IsCancelRequested), Is.EqualTo((JobState.Pending, false)), "it is as good as completed");
        await job.FinalizeAsync();
        await job.WaitAsync();
        AssertNothingLeft(job);
    });

    [Test]
    public void A_body_that_waits_for_a_request_is_interrupted() => Fixture.Run(async () =>
    {
        ScriptedJob job = await BeginJobAsync();
        job.Do(async () => await Fixture.Context.DelayAsync(3_600_000_000_000, job.BodyCancel));
        await SettleAsync();
        Assert.That(Fixture.Context.NextDeadlineNs, Is.Not.Null, "it waits");
        await job.CancelAsync();
        await Failure.OfAsync(job.WaitAsync);
        Assert.That(Fixture.World.NowNs, Is.LessThan(1000), "no longer");
        AssertNothingLeft(job);
    });

    [Test]
    public void A_body_that_does_not_look_is_waited_for_and_the_job_is_cancelled_all_the_same() => Fixture.Run(async () =>
    {
        ScriptedJob job = await BeginJobAsync();
        Gate gate = new();
        job.FinishAfter(gate);
        await SettleAsync();
        await job.CancelAsync();
        await SettleAsync();
        Assert.That(job.State, Is.EqualTo(JobState.Running), "it is not over before its body");
        gate.Open();
        Assert.That((await Failure.OfAsync(job.WaitAsync)).Kind, Is.EqualTo(BlockErrorKind.Cancelled), "though its body ended well");
        Assert.That(job.Calls, Has.One.EqualTo("abort").And.None.EqualTo("commit"), "it aborts");
        AssertNothingLeft(job);
    });

    [Test]
    public void A_body_cancelled_in_its_first_turn_is_never_begun() => Fixture.Run(async () =>
    {
        ScriptedJob job = await NewJobAsync();
        Task starting = job.StartAsync();
        Task disposing = job.DisposeAsync().AsTask();
        await starting;
        await disposing;
        Assert.That(job.Calls, Has.One.EqualTo("abort").And.One.EqualTo("clean"), "it takes back whatever its making did");
        AssertNothingLeft(job);
        await job.StartAsync();
        Assert.That(job.State, Is.EqualTo(JobState.Null), "what is over is not begun");
    });

    // job -> n-j, drained
    [Test]
    public void In_a_drain_a_cancelled_job_ends_all_the_same() => Fixture.Run(async () =>
    {
        ScriptedJob job = await BeginJobAsync();
        await using (await DrainScope.BeginAllAsync(Fixture.Graph))
        {
            Assert.That(job.State, Is.EqualTo(JobState.Paused), "it rests");
            await job.CancelAsync();
            await Failure.OfAsync(job.WaitAsync);
            Assert.That(job.State, Is.EqualTo(JobState.Null), "it is over, inside the drain");
        }

        AssertNothingLeft(job);
    });

    // first -> n-first    second -> n-second    (a group)    third -> n-third
    [Test]
    public void Closing_the_graph_cancels_its_jobs_and_waits_for_them() => Fixture.Run(async () =>
    {
        JobOptions options = new() { Group = new JobTransaction(), AutoDismiss = false };
        ScriptedJob first = await BeginJobAsync("first", options);
        ScriptedJob second = await BeginJobAsync("second", options with { AutoFinalize = false });
        ScriptedJob third = await BeginJobAsync("third", new JobOptions { AutoFinalize = false, AutoDismiss = false });
        ScriptedJob never = await NewJobAsync("never");
        Gate gate = new();
        first.Hold(gate);
        second.Finish();
        third.Finish();
        await SettleAsync();
        Task closing = Fixture.Graph.DisposeAsync().AsTask();
        await SettleAsync();
        Assert.That(closing.IsCompleted, Is.False, "a body is still busy");
        gate.Open();
        await closing;
        foreach (ScriptedJob job in new[] { first, second, third, never })
        {
            Assert.That((job.State, job.Error?.Kind), Is.EqualTo((JobState.Null, BlockErrorKind.Cancelled)), $"{job.Id} is cancelled and forgotten");
            Assert.That(job.Calls, Has.One.EqualTo("abort").And.None.EqualTo("commit"), $"{job.Id} took back what it did");
        }

        Assert.That(Fixture.Graph.Nodes, Is.Empty, "and its nodes are closed");
    });

    [Test]
    public void A_job_may_change_the_graph_to_clean_up_while_the_graph_is_being_closed() => Fixture.Run(async () =>
    {
        // job -> filter -> n-j, where the job takes its filter out at its end
        BlockNode below = await AddNodeAsync("n-j");
        BlockNode filter = await Fixture.AddAsync("driver=pass-through,node-name=filter,file=n-j");
        ScriptedJob job = await ScriptedJob.BeginAsync(Fixture.Graph, new JobOptions { Id = "j" }, ScriptedJob.Reads(filter));
        job.Cleaning = async () =>
        {
            await job.ReleaseNodesAsync();
            await job.ChangeGraphAsync(GraphEdit.DropFilter(filter));
        };
        await Fixture.Graph.DisposeAsync();
        Assert.That(job.Error!.Message, Is.EqualTo("Operation canceled"), "it went as it should");
        Assert.That(below.Parents, Is.Empty, "the filter is gone");
    });

    [Test]
    public void A_finalization_is_not_cancelled_by_closing_the_graph_once_it_cannot_be_undone() => Fixture.Run(async () =>
    {
        ScriptedJob job = await BeginJobAsync(options: new JobOptions { AutoDismiss = false });
        Gate gate = new();
        job.Cleaning = gate.PassAsync;
        job.Finish();
        await SettleAsync();
        Task closing = Fixture.Graph.DisposeAsync().AsTask();
        await SettleAsync();
        gate.Open();
        await closing;
        Assert.That((job.State, job.Error), Is.EqualTo((JobState.Null, (BlockException?)null)), "it has succeeded, and is forgotten");
    });
}
