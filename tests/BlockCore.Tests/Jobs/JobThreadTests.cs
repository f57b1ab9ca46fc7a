using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Drain;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Jobs;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Jobs;

/// <summary>Real threads, bounded by counts: the body is where its job is, however fast that moves.</summary>
[TestFixture]
public sealed class JobThreadTests
{
    private const int RoundCount = 150;

    // user -> n <- job
    [Test]
    public async Task A_job_is_moved_paused_and_drained_while_it_works()
    {
        using MainLoop loop = MainLoop.Start();
        using IoThread first = new("io0");
        using IoThread second = new("io1");
        AioContext[] homes = [loop.Context, first.Context, second.Context];
        await using NodeGraph graph = new(loop, [new MemoryProtocol()]);
        BlockNode node = await graph.AddNodeAsync(GraphFixture.Options("driver=memory,filename=disk,node-name=n"));
        BlockBackend user = await graph.AttachBackendAsync(node, new BackendOptions { ReadOnly = true, ShareWrite = true, AllowsContextChange = true });
        ScriptedJob job = await ScriptedJob.NewAsync(graph, new JobOptions { Id = "j" }, ScriptedJob.Reads(node));
        job.ReadLengthBytes = 512;
        job.RoundNs = 0;
        await job.StartAsync();
        for (int round = 0; round < RoundCount; round++)
        {
            await graph.ApplyAsync(GraphEdit.Move(node, homes[round % homes.Length], isForced: true));
            await user.ReadAsync(0, new byte[64]);
            if (round % 3 == 0)
            {
                await job.PauseAsync();
                await job.ResumeAsync();
            }

            if (round % 5 == 0)
            {
                await using DrainScope drain = await graph.DrainAllAsync();
                Assert.That((await job.QueryAsync()).IsBusy, Is.False, "a drained job does not run");
            }
        }

        job.Finish();
        await job.WaitAsync();
        Assert.That(job.StrayCount, Is.Zero, "the body never ran but where the job was at home");
        Assert.That(job.Homes, Has.Count.GreaterThan(1), "it was moved");
        Assert.That(graph.Jobs, Is.Empty, "and is over");
    }

    // job0, job1, ... -> n, on another thread than the main loop's
    [Test]
    public async Task The_body_begins_where_its_nodes_are_at_home()
    {
        using MainLoop loop = MainLoop.Start();
        using IoThread thread = new("io0");
        await using NodeGraph graph = new(loop, [new MemoryProtocol()]);
        BlockNode node = await graph.AddNodeAsync(GraphFixture.Options("driver=memory,filename=disk,node-name=n"));
        await graph.ApplyAsync(GraphEdit.Move(node, thread.Context));
        int strayCount = 0;
        for (int round = 0; round < 20 * RoundCount; round++)
        {
            ScriptedJob job = await ScriptedJob.BeginAsync(graph, new JobOptions { Id = $"j{round}" }, ScriptedJob.Reads(node));
            job.Finish();
            await job.WaitAsync();
            strayCount += job.StrayCount;
        }

        Assert.That(strayCount, Is.Zero, "it never ran on the main loop");
    }

    // job0 -> n, job1 -> n, ...
    [Test]
    public async Task Jobs_are_cancelled_from_several_threads_at_whatever_they_are_doing()
    {
        using MainLoop loop = MainLoop.Start();
        using IoThread thread = new("io0");
        await using NodeGraph graph = new(loop, [new MemoryProtocol()]);
        BlockNode node = await graph.AddNodeAsync(GraphFixture.Options("driver=memory,filename=disk,node-name=n"));
        await graph.ApplyAsync(GraphEdit.Move(node, thread.Context));
        for (int round = 0; round < RoundCount / 5; round++)
        {
            JobTransaction group = new();
            ScriptedJob[] jobs = new ScriptedJob[3];
            for (int i = 0; i < jobs.Length; i++)
            {
                jobs[i] = await ScriptedJob.NewAsync(graph, new JobOptions { Id = $"j{i}", Group = group }, ScriptedJob.Reads(node));
                jobs[i].ReadLengthBytes = 512;
                jobs[i].RoundNs = i == 0 ? null : 1000 * i;
            }

            await Task.WhenAll(jobs.Select(j => j.StartAsync()));
            await Task.WhenAll(thread.Context.RunAsync(() => jobs[round % 3].DisposeAsync().AsTask()), jobs[(round + 1) % 3].DisposeAsync().AsTask());
            Assert.That(jobs.Select(j => j.State), Has.All.EqualTo(JobState.Null), "one takes all with it");
        }

        Assert.That(node.Parents, Is.Empty, "nobody uses the node");
    }
}
