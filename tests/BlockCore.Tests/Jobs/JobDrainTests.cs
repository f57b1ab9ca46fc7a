using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Drain;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Jobs;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Jobs;

/// <summary>A drain of a job's nodes has the job rest, counted once for each node, whatever else goes on.</summary>
[TestFixture]
public sealed class JobDrainTests : JobTests
{
    /// <summary>What is drained, of a job's two nodes.</summary>
    public enum Reach
    {
        Source,
        Target,
        All,
    }

    // job -> source, target
    [Test]
    [Category("Scenario")]
    public void S53_A_drained_job_is_paused_once_for_each_node_and_goes_on_afterwards(
        [Values] Reach reach, [Values] bool isInThread, [Values("", "run", "prepare")] string failure) => Fixture.Run(async () =>
    {
        ScriptedJob job = await BeginCopyAsync(isInThread);
        job.RoundNs = 1000;
        job.Wake();
        await Fixture.Context.DelayAsync(100_000);
        await using (await DrainAsync(reach))
        {
            Assert.That(job.PauseCount, Is.EqualTo(reach == Reach.All ? 2 : 1), "one for each node that is drained");
            Assert.That((job.State, job.IsBusy), Is.EqualTo((JobState.Paused, false)), "it rests");
            int rounds = job.RoundCount;
            await Fixture.Context.DelayAsync(100_000);
            Assert.That(job.RoundCount, Is.EqualTo(rounds), "and goes on resting");
        }

        Assert.That((job.State, job.PauseCount), Is.EqualTo((JobState.Running, 0)), "it goes on");
        int before = job.RoundCount;
        await Fixture.Context.DelayAsync(100_000);
        Assert.That(job.RoundCount, Is.GreaterThan(before), "truly");
        await EndAsync(job, failure);
    });

    // job -> source, target
    [Test]
    [Category("Scenario")]
    public void S53_A_job_that_ends_while_a_drain_waits_for_it_ends_cleanly(
        [Values] Reach reach, [Values] bool isInThread, [Values("", "run", "prepare")] string failure) => Fixture.Run(async () =>
    {
        ScriptedJob job = await BeginCopyAsync(isInThread);
        Gate gate = new();
        job.Preparing = _ => failure == "prepare" ? throw new BlockException("prepare") : Task.CompletedTask;
        if (failure == "run")
        {
            job.Hold(gate);
            job.Fail(new BlockException("run"));
        }
        else
        {
            job.FinishAfter(gate);
        }

        await Fixture.Context.DelayAsync(1000);
        Task<DrainScope> draining = DrainAsync(reach);
        await SettleAsync();
        Assert.That(draining.IsCompleted, Is.False, "its body is busy");
        gate.Open();
        await using (await draining)
        {
            await SettleAsync();
            Assert.That(job.State, Is.EqualTo(JobState.Null), "it is over, inside the drain");
        }

        await EndAsync(job, failure, isEnding: true);
    });

    // job -> n-j
    [Test]
    public void A_users_pause_and_drains_nest_in_any_order([Values] bool userFirst, [Values] bool userLast) => Fixture.Run(async () =>
    {
        ScriptedJob job = await BeginJobAsync();
        if (userFirst)
        {
            await job.PauseAsync();
        }

        DrainScope outer = await DrainScope.BeginAsync(job.Edges[0].Node);
        DrainScope inner = await DrainScope.BeginAllAsync(Fixture.Graph);
        if (!userFirst)
        {
            await job.PauseAsync();
        }

        Assert.That((job.PauseCount, job.State), Is.EqualTo((3, JobState.Paused)), "three reasons to rest");
        await outer.DisposeAsync();
        if (!userLast)
        {
            await job.ResumeAsync();
        }

        Assert.That((job.PauseCount, job.State), Is.EqualTo((userLast ? 2 : 1, JobState.Paused)), "one is enough");
        await inner.DisposeAsync();
        if (userLast)
        {
            Assert.That((job.PauseCount, job.State), Is.EqualTo((1, JobState.Paused)), "the user's is left");
            await job.ResumeAsync();
        }

        Assert.That((job.PauseCount, job.State), Is.EqualTo((0, JobState.Running)), "it goes on");
        await SettleAsync();
        Assert.That(Told, Is.EqualTo(new[] { "j created", "j running", "j paused", "j running" }), "it rested once");
        await EndAsync(job, "");
    });

    // job -> n-j
    [Test]
    public void A_drained_ready_job_stands_by() => Fixture.Run(async () =>
    {
        ScriptedJob job = await BeginJobAsync();
        job.BecomeReady();
        await SettleAsync();
        await using (await DrainScope.BeginAsync(job.Edges[0].Node))
        {
            Assert.That(job.State, Is.EqualTo(JobState.Standby), "it rests");
        }

        Assert.That(job.State, Is.EqualTo(JobState.Ready), "as far as before");
        await EndAsync(job, "");
    });

    // job -> n-j
    [Test]
    public void A_job_made_over_a_drained_node_begins_its_body_afterwards() => Fixture.Run(async () =>
    {
        BlockNode node = await AddNodeAsync("n-j");
        ScriptedJob job;
        await using (await DrainScope.BeginAsync(node))
        {
            job = await ScriptedJob.BeginAsync(Fixture.Graph, new JobOptions { Id = "j" }, ScriptedJob.Reads(node));
            await SettleAsync();
            Assert.That((job.State, job.PauseCount), Is.EqualTo((JobState.Paused, 1)), "it rests");
            Assert.That(job.Calls, Is.Empty, "before its body");
        }

        await SettleAsync();
        Assert.That(job.Calls, Is.EqualTo(new[] { "run" }), "its body has begun");
        await EndAsync(job, "");
    });

    // job -> n-j
    [Test]
    public void A_drain_waits_for_what_the_job_has_under_way_beside_its_body() => Fixture.Run(async () =>
    {
        ScriptedJob job = await BeginJobAsync();
        Gate polled = new();
        job.BeginWork();
        job.DrainedPolling = async () =>
        {
            bool wasBusy = polled.WaitingCount == 0;
            await polled.PassAsync();
            return wasBusy;
        };
        Task<DrainScope> draining = DrainScope.BeginAsync(job.Edges[0].Node).AsTask();
        await SettleAsync();
        Assert.That((draining.IsCompleted, polled.WaitingCount), Is.EqualTo((false, 0)), "for the work that is counted");
        job.EndWork();
        await SettleAsync();
        Assert.That((draining.IsCompleted, polled.WaitingCount), Is.EqualTo((false, 1)), "then for what its author knows of");
        job.DrainedPolling = () => Task.FromResult(false);
        polled.Open();
        await (await draining).DisposeAsync();
        await EndAsync(job, "");
    });

    // job -> n-j
    [Test]
    public void A_job_is_not_over_while_work_goes_on_beside_its_body() => Fixture.Run(async () =>
    {
        ScriptedJob job = await BeginJobAsync();
        job.BeginWork();
        job.Finish();
        await SettleAsync();
        Assert.That((job.State, job.IsBusy), Is.EqualTo((JobState.Running, true)), "it counts as running");
        job.EndWork();
        await job.WaitAsync();
        AssertNothingLeft(job);
    });

    // job -> n-j <- others' drains
    [Test]
    public void A_body_goes_on_inside_a_drain_of_its_own_and_stops_for_another() => Fixture.Run(async () =>
    {
        ScriptedJob job = await BeginJobAsync();
        BlockNode node = job.Edges[0].Node;
        DrainScope? own = null;
        job.RoundNs = 1000;
        job.Do(async () => own = await job.DrainAsync(node));
        await Fixture.Context.DelayAsync(100_000);
        Assert.That((node.QuiesceCount, job.PauseCount), Is.EqualTo((1, 1)), "its node is drained");
        int rounds = job.RoundCount;
        await Fixture.Context.DelayAsync(100_000);
        Assert.That(job.RoundCount, Is.GreaterThan(rounds), "and it goes on");
        await using (await DrainScope.BeginAsync(node))
        {
            Assert.That(job.State, Is.EqualTo(JobState.Paused), "another drain stops it");
            rounds = job.RoundCount;
            await Fixture.Context.DelayAsync(100_000);
            Assert.That(job.RoundCount, Is.EqualTo(rounds), "truly");
        }

        Assert.That(job.State, Is.EqualTo(JobState.Running), "it goes on in its own");
        job.Do(async () => await own!.DisposeAsync());
        await Fixture.Context.DelayAsync(100_000);
        Assert.That((node.QuiesceCount, job.PauseCount, job.State), Is.EqualTo((0, 0, JobState.Running)), "all over");
        await EndAsync(job, "");
    });

    // first -> n <- second
    [Test]
    public void Two_jobs_that_drain_one_node_take_turns_and_rest_within([Values(1, 2, 3, 4)] int seed)
    {
        using GraphFixture fixture = new(new SimulationOptions { Seed = seed });
        fixture.Run(async () =>
        {
            BlockNode node = await fixture.AddAsync("driver=memory,filename=n,node-name=n");
            ScriptedJob[] jobs = new ScriptedJob[2];
            int insideCount = 0;
            Gate gate = new();
            for (int i = 0; i < 2; i++)
            {
                ScriptedJob job = await ScriptedJob.BeginAsync(fixture.Graph, new JobOptions { Id = $"j{i}" }, ScriptedJob.Reads(node));
                jobs[i] = job;
                job.Do(async () =>
                {
                    await gate.PassAsync();
                    await using (await job.DrainAsync(node))
                    {
                        insideCount++;
                        Assert.That(insideCount, Is.EqualTo(1), "one at a time");
                        await job.SleepAsync(10_000);
                        insideCount--;
                    }
                });
                job.Finish();
            }

            await fixture.Context.DelayAsync(1);
            Assert.That(gate.WaitingCount, Is.EqualTo(2), "both are about to");
            gate.Open();
            await Task.WhenAll(jobs.Select(j => j.WaitAsync()));
            Assert.That(node.QuiesceCount, Is.Zero, "all over");
        });
    }

    // job -> n-j
    [Test]
    public void A_users_pause_waits_for_the_end_of_a_bodys_own_drain() => Fixture.Run(async () =>
    {
        ScriptedJob job = await BeginJobAsync();
        BlockNode node = job.Edges[0].Node;
        job.Do(async () =>
        {
            await using (await job.DrainAsync(node))
            {
                await job.SleepAsync(10_000);
            }
        });
        await SettleAsync();
        await job.PauseAsync();
        Assert.That((job.State, node.QuiesceCount), Is.EqualTo((JobState.Running, 1)), "nobody else is to wait for the user");
        await Fixture.Context.DelayAsync(20_000);
        Assert.That((job.State, node.QuiesceCount), Is.EqualTo((JobState.Paused, 0)), "now it rests");
        await job.ResumeAsync();
        await EndAsync(job, "");
    });

    // job -> n-j
    [Test]
    public void A_drain_that_a_body_leaves_behind_ends_with_the_job([Values] bool fails) => Fixture.Run(async () =>
    {
        ScriptedJob job = await BeginJobAsync();
        BlockNode node = job.Edges[0].Node;
        job.Do(async () => await job.DrainAsync(node));
        await SettleAsync();
        Assert.That(node.QuiesceCount, Is.EqualTo(1), "drained");
        await EndAsync(job, fails ? "run" : "");
    });

    // job -> n-j
    [Test]
    public void A_body_may_have_the_graph_changed_that_it_works_on() => Fixture.Run(async () =>
    {
        // job -> n-j <- filter <- backend: the change drains the job, which has asked for it
        ScriptedJob job = await BeginJobAsync();
        BlockNode node = job.Edges[0].Node;
        await Fixture.OpenAsync("driver=pass-through,node-name=user,read-only=on,file=n-j", new BackendOptions { ReadOnly = true });
        job.Do(() => job.OnMainAsync(() => Fixture.Graph.ApplyAsync(GraphEdit.Append(GraphFixture.Options("driver=pass-through,node-name=filter,read-only=on"), node))));
        await SettleAsync();
        Assert.That(node.Parents.Select(p => p.Parent.Description), Is.EquivalentTo(new[] { "scripted job 'j'", "node 'filter'" }), "the filter is there, and the job has stayed at its node");
        await EndAsync(job, "");
    });

    private async Task<ScriptedJob> BeginCopyAsync(bool isInThread)
    {
        BlockNode source = await AddNodeAsync("source");
        BlockNode target = await AddNodeAsync("target");
        if (isInThread)
        {
            await Fixture.Graph.ApplyAsync(GraphEdit.Move(source, Fixture.World.CreateContext("io")));
        }

        ScriptedJob job = await ScriptedJob.BeginAsync(Fixture.Graph, new JobOptions { Id = "j" }, ScriptedJob.Reads(source, "source"), ScriptedJob.Reads(target, "target"));
        await SettleAsync();
        Assert.That(job.Context.Name, Is.EqualTo(isInThread ? "io" : "main"), "where its nodes are");
        return job;
    }

    private async Task<DrainScope> DrainAsync(Reach reach) => reach == Reach.All
        ? await DrainScope.BeginAllAsync(Fixture.Graph)
        : await DrainScope.BeginAsync(Fixture.Graph.FindNode(reach == Reach.Source ? "source" : "target")!);

    private async Task EndAsync(ScriptedJob job, string failure, bool isEnding = false)
    {
        if (!isEnding)
        {
            job.Preparing = _ => failure == "prepare" ? throw new BlockException("prepare") : Task.CompletedTask;
            if (failure == "run")
            {
                job.Fail(new BlockException("run"));
            }
            else
            {
                job.Finish();
            }
        }

        if (failure.Length == 0)
        {
            await job.WaitAsync();
        }
        else
        {
            Assert.That((await Failure.OfAsync(job.WaitAsync)).Message, Is.EqualTo(failure), "its error");
        }

        Assert.That(job.StrayCount, Is.Zero, "it never ran elsewhere");
        AssertNothingLeft(job);
    }
}
