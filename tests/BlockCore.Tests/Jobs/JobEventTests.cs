using BlockGraph.BlockCore.Drain;
using BlockGraph.BlockCore.Events;
using BlockGraph.BlockCore.Jobs;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Jobs;

/// <summary>What is told of jobs, and in which order: as management programs know it.</summary>
[TestFixture]
public sealed class JobEventTests : JobTests
{
    [Test]
    public void A_job_without_anything_special() => Fixture.Run(async () =>
    {
        ScriptedJob job = await BeginJobAsync();
        job.Finish();
        await job.WaitAsync();
        Assert.That(Told, Is.EqualTo(new[] { "j created", "j running", "j waiting", "j pending", "j COMPLETED", "j concluded", "j null" }), "all of it");
    });

    [Test]
    public void A_job_that_is_finalized_and_dismissed_by_hand() => Fixture.Run(async () =>
    {
        ScriptedJob job = await BeginJobAsync(options: new JobOptions { AutoFinalize = false, AutoDismiss = false });
        job.Finish();
        await SettleAsync();
        Assert.That(Told.Skip(2), Is.EqualTo(new[] { "j waiting", "j pending", "j PENDING" }), "it waits");
        await job.FinalizeAsync();
        Assert.That(Told.Skip(5), Is.EqualTo(new[] { "j COMPLETED", "j concluded" }), "when the call returns it is done");
        await job.DismissAsync();
        Assert.That(Told.Skip(7), Is.EqualTo(new[] { "j null" }), "forgotten");
    });

    [Test]
    public void A_group_of_which_one_is_finalized_by_hand_comes_newest_first() => Fixture.Run(async () =>
    {
        JobTransaction group = new();
        ScriptedJob a = await NewJobAsync("a", new JobOptions { Group = group, AutoDismiss = false });
        ScriptedJob b = await NewJobAsync("b", new JobOptions { Group = group, AutoDismiss = false, AutoFinalize = false });
        await a.StartAsync();
        await b.StartAsync();
        a.Finish();
        await SettleAsync();
        b.Finish();
        await SettleAsync();
        Assert.That(Told.Skip(4), Is.EqualTo(new[] { "a waiting", "b waiting", "b pending", "b PENDING", "a pending" }), "PENDING of the one that waits for it alone");
        await a.FinalizeAsync();
        Assert.That(Told.Skip(9), Is.EqualTo(new[] { "b COMPLETED", "b concluded", "a COMPLETED", "a concluded" }), "any of them finalizes all");
    });

    [Test]
    public void A_group_of_which_the_newer_fails() => Fixture.Run(async () =>
    {
        (ScriptedJob a, ScriptedJob b) = await BeginPairAsync();
        b.Fail();
        await SettleAsync();
        Assert.That(
            Told.Skip(4),
            Is.EqualTo(new[] { "b aborting", "b COMPLETED Input/output error", "b concluded", "a aborting", "a CANCELLED", "a concluded" }),
            "the error is the one's, the other was cancelled");
        await a.DismissAsync();
        await b.DismissAsync();
        AssertNothingLeft(a, b);
    });

    [Test]
    public void A_group_of_which_the_older_is_cancelled() => Fixture.Run(async () =>
    {
        (ScriptedJob a, ScriptedJob b) = await BeginPairAsync();
        await a.CancelAsync();
        await SettleAsync();
        Assert.That(
            Told.Skip(4),
            Is.EqualTo(new[] { "a aborting", "b aborting", "b CANCELLED", "b concluded", "a CANCELLED", "a concluded" }),
            "both bodies end, and then the newest comes first");
        await a.DismissAsync();
        await b.DismissAsync();
    });

    [Test]
    public void A_job_that_cannot_be_made_is_seen_and_gone() => Fixture.Run(async () =>
    {
        Assert.That(await RefusalAsync(() => NewJobAsync("j", new JobOptions { SpeedBytesPerSecond = -5 })), Is.EqualTo("Parameter 'speed' expects a non-negative value"), "the reason");
        Assert.That(Told, Is.EqualTo(new[] { "j created", "j null" }), "what was told");
        AssertNothingLeft();
    });

    [Test]
    public void What_the_events_say() => Fixture.Run(async () =>
    {
        List<JobEvent> events = [];
        Fixture.Graph.Events.Subscribe<JobEvent>(e =>
        {
            if (e is not JobStatusChanged)
            {
                events.Add(e);
            }
        });
        ScriptedJob job = await BeginJobAsync(options: new JobOptions { SpeedBytesPerSecond = 9, AutoFinalize = false });
        job.Progress.AddRemaining(50);
        job.Progress.Advance(20);
        job.BecomeReady();
        await SettleAsync();
        await job.CompleteAsync();
        await SettleAsync();
        await job.FinalizeAsync();
        Assert.That(
            events,
            Is.EqualTo(new JobEvent[] { new BlockJobReady("j", "scripted", 20, 50, 9), new BlockJobPending("j", "scripted"), new BlockJobCompleted("j", "scripted", 20, 50, 9, null) }),
            "id, kind, progress, speed");
    });

    [Test]
    public void Whoever_hears_of_a_job_may_tell_it_something() => Fixture.Run(async () =>
    {
        List<Task> verbs = [];
        ScriptedJob? job = null;
        using IDisposable ready = Fixture.Graph.Events.Subscribe<BlockJobReady>(_ => verbs.Add(job!.CompleteAsync()));
        using IDisposable pending = Fixture.Graph.Events.Subscribe<BlockJobPending>(_ => verbs.Add(job!.FinalizeAsync()));
        using IDisposable concluded = Fixture.Graph.Events.Subscribe<JobStatusChanged>(e =>
        {
            if (e.Status == "concluded")
            {
                verbs.Add(job!.DismissAsync());
            }
        });
        job = await BeginJobAsync(options: new JobOptions { AutoFinalize = false, AutoDismiss = false });
        job.BecomeReady();
        await job.WaitAsync();
        await SettleAsync();
        Assert.That(verbs.Select(v => v.IsCompletedSuccessfully), Is.EqualTo(new[] { true, true, true }), "each was accepted");
        AssertNothingLeft(job);
    });

    [Test]
    public void What_a_drain_does_to_a_job_is_told_after_the_walk_that_found_it() => Fixture.Run(async () =>
    {
        ScriptedJob job = await BeginJobAsync();
        List<Task> drains = [];
        using IDisposable paused = Fixture.Graph.Events.Subscribe<JobStatusChanged>(e =>
        {
            if (e.Status == "paused")
            {
                // Walks the graph in the middle of the event.
                drains.Add(DrainOnceAsync());
            }
        });
        await using (await DrainScope.BeginAllAsync(Fixture.Graph))
        {
            await SettleAsync();
        }

        await Task.WhenAll(drains);
        Assert.That(drains, Has.Count.EqualTo(1), "the event came");
        Assert.That((job.State, job.PauseCount), Is.EqualTo((JobState.Running, 0)), "and nothing was miscounted");
        await job.DisposeAsync();
        AssertNothingLeft(job);

        async Task DrainOnceAsync()
        {
            await using (await DrainScope.BeginAllAsync(Fixture.Graph))
            {
                await SettleAsync();
            }
        }
    });

    private async Task<(ScriptedJob Older, ScriptedJob Newer)> BeginPairAsync()
    {
        JobOptions options = new() { Group = new JobTransaction(), AutoDismiss = false };
        ScriptedJob a = await NewJobAsync("a", options);
        ScriptedJob b = await NewJobAsync("b", options);
        await a.StartAsync();
        await b.StartAsync();
        await SettleAsync();
        return (a, b);
    }
}
