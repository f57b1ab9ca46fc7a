using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Drain;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Jobs;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Jobs;

/// <summary>A job follows its nodes from context to context, and brings them together.</summary>
[TestFixture]
public sealed class JobMoveTests : JobTests
{
    // job -> n-j
    [Test]
    [Category("Scenario")]
    public void S59_A_running_job_goes_on_wherever_its_node_moves_to([Values] bool sleeps, [Values(0, 512)] int readLengthBytes, [Values(1, 2, 3)] int seed)
    {
        using GraphFixture fixture = new(new SimulationOptions { Seed = seed });
        fixture.Run(async () =>
        {
            AioContext[] homes = [fixture.Context, fixture.World.CreateContext("one"), fixture.World.CreateContext("two")];
            BlockNode node = await fixture.AddAsync("driver=memory,filename=disk,node-name=n,latency-ns-max=50000");
            bool isPreparedOnMain = false;
            ScriptedJob job = await ScriptedJob.NewAsync(fixture.Graph, new JobOptions { Id = "j" }, ScriptedJob.Reads(node));
            job.RoundNs = sleeps ? 10_000 : null;
            job.ReadLengthBytes = readLengthBytes;
            job.Preparing = _ =>
            {
                isPreparedOnMain = fixture.Context.IsHome;
                return Task.CompletedTask;
            };
            await job.StartAsync();
            for (int i = 0; i < 30; i++)
            {
                AioContext home = homes[(i + 1) % homes.Length];
                await fixture.Graph.ApplyAsync(GraphEdit.Move(node, home));
                Assert.That(job.Context, Is.SameAs(home), "it has moved along");
                int rounds = job.RoundCount;
                job.Wake();
                await fixture.Context.DelayAsync(400_000);
                Assert.That(job.RoundCount, Is.GreaterThan(rounds), "it goes on there");
            }

            job.Finish();
            await job.WaitAsync();
            Assert.That(job.StrayCount, Is.Zero, "its body never ran but where the job was at home");
            Assert.That(job.Homes, Is.EquivalentTo(homes), "it ran everywhere");
            Assert.That(isPreparedOnMain, Is.True, "and was prepared on the main context");
        });
    }

    // job -> n-j, asleep for an hour
    [Test]
    public void A_job_that_sleeps_is_moved_in_its_sleep() => Fixture.Run(async () =>
    {
        AioContext other = Fixture.World.CreateContext("other");
        ScriptedJob job = await BeginJobAsync();
        job.RoundNs = 3_600_000_000_000;
        job.Wake();
        await SettleAsync();
        await Fixture.Graph.ApplyAsync(GraphEdit.Move(job.Edges[0].Node, other));
        Assert.That(Fixture.World.NowNs, Is.LessThan(1000), "nobody waited for it");
        await SettleAsync();
        Assert.That((job.Context, job.StrayCount), Is.EqualTo((other, 0)), "it woke there, as after any pause");
        await job.DisposeAsync();
        AssertNothingLeft(job);
    });

    // job -> source (io), target (main)
    [Test]
    public void The_nodes_of_a_job_come_to_the_context_of_the_first() => Fixture.Run(async () =>
    {
        AioContext io = Fixture.World.CreateContext("io");
        (BlockNode source, BlockNode target) = await AddPairAsync();
        await Fixture.Graph.ApplyAsync(GraphEdit.Move(source, io));
        ScriptedJob job = await BeginCopyAsync(source, target);
        Assert.That((source.Context, target.Context, job.Context), Is.EqualTo((io, io, io)), "together");
        await job.DisposeAsync();
        AssertNothingLeft(job);
    });

    // job -> source (main), target (io) <- a backend that stays where it is
    [Test]
    public void Where_a_target_cannot_follow_the_source_comes_to_it() => Fixture.Run(async () =>
    {
        AioContext io = Fixture.World.CreateContext("io");
        (BlockNode source, BlockNode target) = await AddPairAsync();
        BlockBackend user = await Fixture.Graph.AttachBackendAsync(target, new BackendOptions { ReadOnly = true });
        await user.MoveAsync(io);
        ScriptedJob job = await BeginCopyAsync(source, target);
        Assert.That((source.Context, target.Context, job.Context), Is.EqualTo((io, io, io)), "together, source and all");
        await job.DisposeAsync();
        Assert.That(source.Context, Is.SameAs(Fixture.Context), "nothing keeps it there any more");
        AssertNothingLeft(job);
    });

    // a backend that stays where it is -> source (main) <- job -> target (io) <- another
    [Test]
    public void Where_neither_can_follow_there_is_no_job() => Fixture.Run(async () =>
    {
        AioContext io = Fixture.World.CreateContext("io");
        (BlockNode source, BlockNode target) = await AddPairAsync();
        await Fixture.Graph.AttachBackendAsync(source, new BackendOptions { ReadOnly = true });
        BlockBackend user = await Fixture.Graph.AttachBackendAsync(target, new BackendOptions { ReadOnly = true });
        await user.MoveAsync(io);
        Assert.That(await RefusalAsync(() => BeginCopyAsync(source, target)), Is.EqualTo("Cannot change iothread of active block backend"), "whose fault it is");
        Assert.That((source.Context, target.Context), Is.EqualTo((Fixture.Context, io)), "nothing has moved");
        Assert.That(Told, Is.EqualTo(new[] { "j created", "j null" }), "it was made, and could not be");
        AssertNothingLeft();
    });

    // a backend -> source <- job -> target
    [Test]
    public void Moving_one_node_of_a_job_moves_all_that_is_connected_or_nothing([Values] bool isAllowed) => Fixture.Run(async () =>
    {
        AioContext io = Fixture.World.CreateContext("io");
        (BlockNode source, BlockNode target) = await AddPairAsync();
        BlockBackend user = await Fixture.Graph.AttachBackendAsync(source, new BackendOptions { ReadOnly = true, AllowsContextChange = isAllowed });
        ScriptedJob job = await BeginCopyAsync(source, target);
        if (isAllowed)
        {
            await Fixture.Graph.ApplyAsync(GraphEdit.Move(target, io));
        }
        else
        {
            Assert.That(await RefusalAsync(() => Fixture.Graph.ApplyAsync(GraphEdit.Move(target, io))), Is.EqualTo("Cannot change iothread of active block backend"), "the backend over the other node does not follow");
        }

        AioContext home = isAllowed ? io : Fixture.Context;
        Assert.That((source.Context, target.Context, job.Context, user.Context), Is.EqualTo((home, home, home, home)), "all, or none");
        await job.DisposeAsync();
        AssertNothingLeft(job);
    });

    // job -> n-j, moved while its body asks for a drain
    [Test]
    public void A_body_that_drains_its_node_is_moved_like_any_other() => Fixture.Run(async () =>
    {
        AioContext io = Fixture.World.CreateContext("io");
        ScriptedJob job = await BeginJobAsync();
        BlockNode node = job.Edges[0].Node;
        DrainScope foreign = await DrainScope.BeginAsync(node);
        job.Do(async () =>
        {
            await using (await job.DrainAsync(node))
            {
                job.Calls.Add($"drained in {AioContext.Current!.Name}");
            }
        });
        Task moving = Fixture.Graph.ApplyAsync(GraphEdit.Move(node, io));
        await foreign.DisposeAsync();
        await moving;
        await SettleAsync();
        Assert.That(job.Calls, Is.EqualTo(new[] { "run", "drained in io" }), "it goes on where it has come to");
        job.Finish();
        await job.WaitAsync();
        Assert.That(job.StrayCount, Is.Zero, "and nowhere else");
        AssertNothingLeft(job);
    });

    private async Task<(BlockNode Source, BlockNode Target)> AddPairAsync() => (await AddNodeAsync("source"), await AddNodeAsync("target"));

    private Task<ScriptedJob> BeginCopyAsync(BlockNode source, BlockNode target) =>
        ScriptedJob.BeginAsync(Fixture.Graph, new JobOptions { Id = "j" }, ScriptedJob.Reads(source, "source"), ScriptedJob.Reads(target, "target"));
}
