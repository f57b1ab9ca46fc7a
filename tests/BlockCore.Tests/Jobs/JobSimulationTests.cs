using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Jobs;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Jobs;

/// <summary>
/// Jobs and everything that can be done to them, at random moments, over a graph that they share: whatever happens, each ends, lets go of everything, and
/// agrees with its group about how.
/// </summary>
[TestFixture]
public sealed class JobSimulationTests
{
    private const int SeedCount = 600;

    [Test]
    public void Every_job_comes_to_its_end_whatever_happens_to_it()
    {
        int committedCount = 0;
        int abortedCount = 0;
        for (int seed = 0; seed < SeedCount; seed++)
        {
            try
            {
                (int committed, int aborted) = Run(seed);
                committedCount += committed;
                abortedCount += aborted;
            }
            catch (Exception error)
            {
                throw new AssertionException($"seed {seed}: {error.Message}", error);
            }
        }

        Assert.That(committedCount, Is.GreaterThan(SeedCount / 4), "many were made final");
        Assert.That(abortedCount, Is.GreaterThan(SeedCount / 4), "many were taken back");
    }

    private static (int Committed, int Aborted) Run(int seed)
    {
        using JobWorld world = new(seed);
        (int, int) ends = default;
        world.Fixture.Run(async () =>
        {
            await world.OpenAsync();
            JobTrouble trouble = new(world);
            await Task.WhenAll(
                trouble.BeginNowAndThenAsync(3),
                trouble.TellJobsAsync(15),
                trouble.TellJobsAsync(15),
                trouble.DrainNowAndThenAsync(5),
                trouble.DrainNowAndThenAsync(5),
                trouble.MoveNowAndThenAsync(5),
                trouble.ReadNowAndThenAsync(10));
            if (seed % 4 == 0)
            {
                // Whatever state they are in.
                await world.Fixture.Graph.DisposeAsync();
            }
            else
            {
                await trouble.EndAllAsync();
                AssertGraphIsFree(world);
            }

            ends = Conclude(world);
        });
        return ends;
    }

    private static void AssertGraphIsFree(JobWorld world)
    {
        foreach (string name in JobWorld.NodeNames)
        {
            BlockNode node = world.Fixture.Graph.FindNode(name)!;
            Assert.That(node.QuiesceCount, Is.Zero, $"'{name}' is not drained");
            Assert.That(node.Parents.Where(e => e.Parent is BlockJob), Is.Empty, $"no job uses '{name}'");
            Assert.That(() => node.ThrowIfBlocked(BlockOperation.MirrorSource), Throws.Nothing, $"'{name}' is not blocked");
        }

        Assert.That(world.Users.Select(u => u.QuiesceCount), Has.All.Zero, "no user is held back");
        Assert.That(world.Fixture.Context.NextDeadlineNs, Is.Null, "no timer is armed");
    }

    private static (int Committed, int Aborted) Conclude(JobWorld world)
    {
        Assert.That(world.Fixture.Graph.Jobs, Is.Empty, "no job is registered");
        int committed = 0;
        int aborted = 0;
        foreach (List<ScriptedJob> group in world.Groups)
        {
            string[] ends = [.. group.Select(j => string.Join(',', j.Calls.Where(c => c is "commit" or "abort" or "clean")))];
            Assert.That(ends.Distinct().Count(), Is.EqualTo(1), $"{group[0].Id} and its group end alike: {string.Join(" | ", ends)}");
            Assert.That(ends[0], Is.EqualTo("commit,clean").Or.EqualTo("abort,clean"), $"{group[0].Id} ends once");
            foreach (ScriptedJob job in group)
            {
                bool hasCommitted = ends[0] == "commit,clean";
                committed += hasCommitted ? 1 : 0;
                aborted += hasCommitted ? 0 : 1;
                Assert.That((job.State, job.Edges.Count, job.PauseCount, job.IsBusy, job.StrayCount), Is.EqualTo((JobState.Null, 0, 0, false, 0)), $"{job.Id}: state, edges, pauses, busy, strays");
                Assert.That(job.Error is null, Is.EqualTo(hasCommitted), $"{job.Id} has an error where it did not commit: {job.Error?.Message}");
                Assert.That(job.Error?.Message ?? "", Does.Not.Contain("bug"), $"{job.Id}: {job.Error}");
                Assert.That(
                    job.Error?.Kind, Is.Null.Or.AnyOf(BlockErrorKind.Cancelled, BlockErrorKind.NoSpace, BlockErrorKind.InputOutput, BlockErrorKind.InvalidArgument), $"{job.Id} ended for a reason that was given");
            }
        }

        return (committed, aborted);
    }
}
