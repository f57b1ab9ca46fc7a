using BlockGraph.TestKit;

namespace BlockGraph.Simulation.Tests.Snapshots;

/// <summary>Snapshots inside an image that is in use; <c>BLOCKGRAPH_SEEDS</c> says how many runs.</summary>
[TestFixture]
public sealed class SnapshotScenarioTests
{
    private const int DefaultSeedCount = 60;

    [Test]
    public void A_snapshot_is_the_image_at_one_moment_whatever_else_happens()
    {
        int amended = 0;
        int cancelled = 0;
        int refused = 0;
        int cancelledSnapshots = 0;
        TestSeeds.ForEach(TestSeeds.CountOr(DefaultSeedCount), seed =>
        {
            using SnapshotScenario scenario = new(seed);
            scenario.Run();
            amended += scenario.AmendedCount;
            cancelled += scenario.CancelledCount;
            refused += scenario.RefusedCount;
            cancelledSnapshots += scenario.CancelledSnapshotCount;
        });
        TestContext.Out.WriteLine($"amended {amended} times, cancelled {cancelled} times, refused {refused} times; snapshots cancelled {cancelledSnapshots} times");
        Assert.That((amended > 0, cancelled > 0, refused > 0, cancelledSnapshots > 0), Is.EqualTo((true, true, true, true)), "each has happened");
    }

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
