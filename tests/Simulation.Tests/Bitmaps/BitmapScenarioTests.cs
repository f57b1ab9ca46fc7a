using BlockGraph.TestKit;

namespace BlockGraph.Simulation.Tests.Bitmaps;

/// <summary>Dirty bitmaps of an image that is in use; <c>BLOCKGRAPH_SEEDS</c> says how many runs.</summary>
[TestFixture]
public sealed class BitmapScenarioTests
{
    private const int DefaultSeedCount = 40;

    [Test]
    public void What_a_bitmap_says_is_enough_for_a_backup_whatever_else_happens() => TestSeeds.ForEach(TestSeeds.CountOr(DefaultSeedCount), seed => Run(seed));

    [Test]
    public void A_seed_repeats_the_whole_run() => TestSeeds.ForEach(5, seed =>
    {
        ulong first = Run(seed);
        Assert.That(Run(seed), Is.EqualTo(first), "the same events in the same order");
    });

    private static ulong Run(int seed)
    {
        using BitmapScenario scenario = new(seed);
        return scenario.Run();
    }
}
