using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Quorum;

/// <summary>Quorums under load while children fail, lie, come and go: the same under every seed.</summary>
[TestFixture]
public sealed class QuorumSimulationTests
{
    private const int SeedCount = 60;

    [Test]
    public void Whatever_happens_a_read_returns_only_bytes_that_enough_children_hold() => ForEachSeed((world, seed) =>
    {
        QuorumScenario scenario = new(world, childCount: 3 + (seed % 3), threshold: 2 + (seed % 2), rewrites: seed % 4 == 0);
        scenario.Run(hasMajority: false);
        Assert.That(scenario.ReadCount, Is.GreaterThan(0), "some reads were tried");
        return scenario.Summary;
    });

    [Test]
    public void While_enough_children_are_sound_every_read_returns_what_was_written() => ForEachSeed((world, seed) =>
    {
        QuorumScenario scenario = new(world, childCount: 5, threshold: 3, rewrites: seed % 2 == 0);
        scenario.Run(hasMajority: true);
        Assert.That(scenario.RefusedCount, Is.Zero, "nothing failed");
        return scenario.Summary;
    });

    [Test]
    public void A_seed_repeats_the_whole_run()
    {
        ulong first = HashOf(7);
        Assert.That(HashOf(7), Is.EqualTo(first), "the same events in the same order");
        Assert.That(HashOf(8), Is.Not.EqualTo(first), "and another seed is another run");
    }

    private static ulong HashOf(int seed)
    {
        using GraphFixture world = QuorumScenario.NewWorld(seed);
        new QuorumScenario(world, childCount: 3, threshold: 2, rewrites: true).Run(hasMajority: false);
        return world.World.EventHash;
    }

    private static void ForEachSeed(Func<GraphFixture, int, string> run)
    {
        HashSet<string> summaries = [];
        for (int seed = 0; seed < SeedCount; seed++)
        {
            using GraphFixture world = QuorumScenario.NewWorld(seed);
            try
            {
                summaries.Add(run(world, seed));
            }
            catch (Exception error)
            {
                throw new AssertionException($"seed {seed}: {error.Message}", error);
            }
        }

        Assert.That(summaries, Has.Count.GreaterThan(SeedCount / 2), "the seeds differ");
    }
}
