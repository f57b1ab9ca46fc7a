using System.Globalization;

namespace BlockGraph.Simulation.Tests.Bitmaps;

/// <summary>Dirty bitmaps of an image that is in use; <c>BLOCKGRAPH_SEEDS</c> says how many runs.</summary>
[TestFixture]
public sealed class BitmapScenarioTests
{
    private const int DefaultSeedCount = 40;

    private static int SeedCount => Environment.GetEnvironmentVariable("BLOCKGRAPH_SEEDS") is { } text ? int.Parse(text, CultureInfo.InvariantCulture) : DefaultSeedCount;

    [Test]
    public void What_a_bitmap_says_is_enough_for_a_backup_whatever_else_happens()
    {
        for (int seed = 1; seed <= SeedCount; seed++)
        {
            Run(seed);
        }
    }

    [Test]
    public void A_seed_repeats_the_whole_run()
    {
        for (int seed = 1; seed <= 5; seed++)
        {
            ulong first = Run(seed);
            ulong second = Run(seed);
            Assert.That(second, Is.EqualTo(first), $"seed {seed}: the same events in the same order");
        }
    }

    private static ulong Run(int seed)
    {
        try
        {
            using BitmapScenario scenario = new(seed);
            return scenario.Run();
        }
        catch (Exception failure)
        {
            throw new AssertionException($"seed {seed}: {failure.Message}", failure);
        }
    }
}
