using BlockGraph.TestKit;

namespace BlockGraph.Simulation.Tests.Snapshots;

/// <summary>Snapshots inside an image that is in use; <c>BLOCKGRAPH_SEEDS</c> says how many runs.</summary>
[TestFixture]
public sealed class SnapshotScenarioTests
{
    private const int DefaultSeedCount = 60;

    [Test]
    public void A_snapshot_is_the_image_at_one_moment_whatever_else_happens() => TestSeeds.ForEach(TestSeeds.CountOr(DefaultSeedCount), seed => Run(seed));

    [Test]
    public void A_seed_repeats_the_whole_run() => TestSeeds.ForEach(5, seed =>
    {
        ulong first = Run(seed);
        Assert.That(Run(seed), Is.EqualTo(first), "the same events in the same order");
    });

    private static ulong Run(int seed)
    {
        using SnapshotScenario scenario = new(seed);
        return scenario.Run();
    }
}
