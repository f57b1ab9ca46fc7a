using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Events;
using BlockGraph.BlockCore.Jobs;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Jobs;

/// <summary>What a job does about errors: of its requests, by policy; of its own, whatever they are.</summary>
[TestFixture]
public sealed class JobErrorTests : JobTests
{
    [TestCase(BlockErrorPolicy.Report, BlockErrorKind.InputOutput, BlockErrorAction.Report)]
    [TestCase(BlockErrorPolicy.Report, BlockErrorKind.NoSpace, BlockErrorAction.Report)]
    [TestCase(BlockErrorPolicy.Ignore, BlockErrorKind.InputOutput, BlockErrorAction.Ignore)]
    [TestCase(BlockErrorPolicy.Ignore, BlockErrorKind.NoSpace, BlockErrorAction.Ignore)]
    [TestCase(BlockErrorPolicy.Stop, BlockErrorKind.InputOutput, BlockErrorAction.Stop)]
    [TestCase(BlockErrorPolicy.Stop, BlockErrorKind.NoSpace, BlockErrorAction.Stop)]
    [TestCase(BlockErrorPolicy.Enospc, BlockErrorKind.InputOutput, BlockErrorAction.Report)]
    [TestCase(BlockErrorPolicy.Enospc, BlockErrorKind.NoSpace, BlockErrorAction.Stop)]
    [TestCase(BlockErrorPolicy.Auto, BlockErrorKind.InputOutput, BlockErrorAction.Report)]
    [TestCase(BlockErrorPolicy.Auto, BlockErrorKind.NoSpace, BlockErrorAction.Stop)]
    public void A_policy_says_what_is_done_about_an_error(BlockErrorPolicy policy, BlockErrorKind kind, BlockErrorAction expected) => Fixture.Run(async () =>
    {
        ScriptedJob job = await BeginJobAsync();
        BlockErrorAction? action = null;
        job.Do(async () => action = await job.OnRequestFailedAsync(policy, isRead: false, new BlockException(kind, kind.ToErrnoText())));
        await SettleAsync();
        Assert.That(Told, Has.One.EqualTo($"j ERROR write {expected}"), "told");
        if (expected == BlockErrorAction.Stop)
        {
            JobInfo info = await job.QueryAsync();
            Assert.That((info.State, info.IsPaused, job.IsUserPaused), Is.EqualTo((JobState.Paused, true, true)), "it rests, as if a user had paused it");
            Assert.That(info.IoStatus, Is.EqualTo(kind == BlockErrorKind.NoSpace ? BlockIoStatus.NoSpace : BlockIoStatus.Failed), "and says why");
            Assert.That(action, Is.Null, "its body waits");
            Assert.That(await RefusalAsync(job.PauseAsync), Is.EqualTo("Job is already paused"), "there is one pause, whoever asks for it");
            await job.ResumeAsync();
            await SettleAsync();
            Assert.That((await job.QueryAsync()).IoStatus, Is.EqualTo(BlockIoStatus.Ok), "resumed, it is well again");
        }

        Assert.That(action, Is.EqualTo(expected), "what its body is to do");
        Assert.That(job.State, Is.EqualTo(JobState.Running), "it goes on");
        await job.DisposeAsync();
        AssertNothingLeft(job);
    });

    [Test]
    public void The_first_error_that_made_it_rest_is_the_one_it_shows() => Fixture.Run(async () =>
    {
        ScriptedJob job = await BeginJobAsync();
        await job.PauseAsync();
        job.Do(async () => await job.OnRequestFailedAsync(BlockErrorPolicy.Stop, isRead: true, new BlockException(BlockErrorKind.NoSpace, "full")));
        await job.ResumeAsync();
        await SettleAsync();
        Assert.That((job.IoStatus, job.PauseCount), Is.EqualTo((BlockIoStatus.NoSpace, 1)), "it rests because of an error");
        Assert.That(Told, Has.One.EqualTo("j ERROR read Stop"), "told");
        await job.CancelAsync(isForced: true);
        await Failure.OfAsync(job.WaitAsync);
        AssertNothingLeft(job);
    });

    [Test]
    public void A_failed_body_leaves_its_error_in_the_lists_until_it_is_dismissed() => Fixture.Run(async () =>
    {
        ScriptedJob job = await BeginJobAsync(options: new JobOptions { AutoDismiss = false });
        job.Progress.SetRemaining(100);
        job.Progress.Advance(30);
        job.Fail(BlockErrorKind.NoSpace);
        BlockException thrown = await Failure.OfAsync(job.WaitAsync);
        JobInfo info = (await Fixture.Graph.QueryJobsAsync()).Single();
        Assert.That(info.Error, Is.SameAs(thrown), "the very error");
        Assert.That(
            info with { Error = null },
            Is.EqualTo(new JobInfo("j", "scripted", JobState.Concluded, 30, 100, 0, IsBusy: false, IsPaused: false, BlockIoStatus.Ok, AutoFinalize: true, AutoDismiss: false, Error: null)),
            "everything else");
        Assert.That(Told.Skip(2), Is.EqualTo(new[] { "j aborting", "j COMPLETED No space left on device", "j concluded" }), "what was told");
        await job.DismissAsync();
        AssertNothingLeft(job);
    });

    [TestCase("run")]
    [TestCase("prepare")]
    [TestCase("commit")]
    [TestCase("abort")]
    [TestCase("clean")]
    [TestCase("completed")]
    public void A_bug_of_the_author_ends_the_job_and_is_not_kept_quiet(string where) => Fixture.Run(async () =>
    {
        InvalidOperationException bug = new("wrong");
        List<string> warnings = [];
        Fixture.Graph.Events.Subscribe<BlockWarning>(w => warnings.Add(w.Message));
        ScriptedJob job = await BeginJobAsync(options: new JobOptions { Completed = _ => ThrowIf("completed") });
        job.Preparing = _ => ThrowIf(where == "abort" ? where : "prepare");
        job.Committing = () => ThrowIf("commit");
        job.Aborting = () => ThrowIf("abort");
        job.Cleaning = () => ThrowIf("clean");
        if (where == "run")
        {
            job.Fail(bug);
        }
        else
        {
            job.Finish();
        }

        Assert.That(await Failure.OfAsync<Exception>(job.WaitAsync), Is.SameAs(bug), "whoever waits gets it as it is");
        Assert.That((job.Error!.Kind, job.Error.Message), Is.EqualTo((BlockErrorKind.InputOutput, "scripted job 'j' has a bug: wrong")), "lists show it");
        Assert.That(warnings, Has.All.EqualTo("scripted job 'j' has a bug: wrong").And.Not.Empty, "and it was told");
        Assert.That(job.Calls, Has.One.EqualTo("clean"), "everything else was done all the same");
        AssertNothingLeft(job);

        Task ThrowIf(string here) => here == where ? throw bug : Task.CompletedTask;
    });

    [Test]
    public void A_cancellation_that_nobody_asked_for_is_a_bug() => Fixture.Run(async () =>
    {
        ScriptedJob job = await BeginJobAsync();
        job.Fail(new OperationCanceledException("whose?"));
        Assert.That((await Failure.OfAsync<OperationCanceledException>(job.WaitAsync)).Message, Is.EqualTo("whose?"), "as it is");
        Assert.That(Told, Has.None.EqualTo("j CANCELLED"), "it was not cancelled");
        AssertNothingLeft(job);
    });

    [Test]
    public void An_error_that_comes_with_a_cancellation_is_kept() => Fixture.Run(async () =>
    {
        ScriptedJob job = await BeginJobAsync();
        Gate gate = new();
        job.Do(async () =>
        {
            await gate.PassAsync();
            throw new BlockException(BlockErrorKind.NoSpace, "full");
        });
        await SettleAsync();
        await job.CancelAsync();
        gate.Open();
        Assert.That((await Failure.OfAsync(job.WaitAsync)).Message, Is.EqualTo("full"), "it came first");
        Assert.That(Told, Has.One.EqualTo("j CANCELLED"), "and the job counts as cancelled");
        AssertNothingLeft(job);
    });
}
