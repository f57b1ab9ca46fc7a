using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Jobs;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Jobs;

/// <summary>The least that an author writes, and what the frame does by itself.</summary>
[TestFixture]
public sealed class JobAuthorTests : JobTests
{
    // job -> n
    [Test]
    public void A_body_is_enough_for_a_job() => Fixture.Run(async () =>
    {
        BlockNode node = await AddNodeAsync("n");
        PlainJob job = await PlainJob.BeginAsync(Fixture.Graph, node, rounds: 3);
        await job.WaitAsync();
        Assert.That(Fixture.Memory.Storage("n").Log, Has.Count.EqualTo(3), "it has read");
        Assert.That(Told.Skip(1), Is.EqualTo(new[] { "plain running", "plain waiting", "plain pending", "plain COMPLETED", "plain concluded", "plain null" }), "and is over");
        AssertNothingLeft(job);
    });

    // job -> n
    [Test]
    public void It_can_be_told_everything_and_knows_no_soft_way_to_end() => Fixture.Run(async () =>
    {
        PlainJob job = await PlainJob.BeginAsync(Fixture.Graph, await AddNodeAsync("n"), rounds: int.MaxValue);
        await SettleAsync();
        await job.PauseAsync();
        await job.SetSpeedAsync(100);
        await job.ResumeAsync();
        await job.CancelAsync();
        Assert.That((await Failure.OfAsync(job.WaitAsync)).Kind, Is.EqualTo(BlockErrorKind.Cancelled), "by force");
        AssertNothingLeft(job);
    });

    // job -> n
    [Test]
    public void Ready_it_cannot_be_completed_unless_its_author_says_so() => Fixture.Run(async () =>
    {
        PlainJob job = await PlainJob.BeginAsync(Fixture.Graph, await AddNodeAsync("n"), rounds: 0);
        await SettleAsync();
        Assert.That(job.State, Is.EqualTo(JobState.Ready), "it keeps something up");
        Assert.That(await RefusalAsync(job.CompleteAsync), Is.EqualTo("The active block job 'plain' cannot be completed"), "the text");
        await job.DisposeAsync();
        AssertNothingLeft(job);
    });

    /// <summary>Reads its node so many times; asked for none, it is ready and stays so.</summary>
    private sealed class PlainJob(NodeGraph graph, int rounds) : BlockJob(graph, new JobOptions { Id = "plain" })
    {
        public override string TypeName => "plain";

        public static async Task<PlainJob> BeginAsync(NodeGraph graph, BlockNode node, int rounds)
        {
            PlainJob job = new(graph, rounds);
            await job.CreateAsync(ScriptedJob.Reads(node, "source"));
            await job.StartAsync();
            return job;
        }

        protected override async JobTask RunAsync(CancellationToken cancel)
        {
            BlockChild source = FindEdge("source")!;
            if (rounds == 0)
            {
                await SetReadyAsync();
                await YieldAsync();
            }

            for (int i = 0; i < rounds; i++)
            {
                await source.ReadAsync(0, new byte[512], RequestFlags.None, cancel);
                Progress.Advance(512);
                await SleepAsync(1000);
            }
        }
    }
}
