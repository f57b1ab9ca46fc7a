using BlockGraph.TestKit;

namespace BlockGraph.Simulation.Tests;

/// <summary>Whole graphs under a random workload, under every seed the same way; <c>BLOCKGRAPH_SEEDS</c> asks for more seeds.</summary>
[TestFixture]
public sealed class GraphScenarioTests
{
    private const int DefaultSeedCount = 200;

    [Test]
    public void Every_byte_is_what_was_written_whatever_else_happens() => TestSeeds.ForEach(TestSeeds.CountOr(DefaultSeedCount), seed =>
        GraphScenario.Run(new ScenarioOptions(seed)));

    [Test]
    public void Plans_change_neither_results_nor_counters() => TestSeeds.ForEach(TestSeeds.CountOr(DefaultSeedCount), seed =>
    {
        ScenarioResult with = GraphScenario.Run(new ScenarioOptions(seed, UsesPlans: true, HasTrouble: false));
        ScenarioResult without = GraphScenario.Run(new ScenarioOptions(seed, UsesPlans: false, HasTrouble: false));
        Assert.That(without.Bytes.AsSpan().SequenceEqual(with.Bytes), Is.True, "the bytes");
        Assert.That(without.Counters, Is.EqualTo(with.Counters), "the backend's counters");
        Assert.That(WithoutFlushes(without), Is.EqualTo(WithoutFlushes(with)), "what reached the storage");
    });

    // Of several flushes at once one does the work of all: how many reach the storage depends on when they come, and layers that are passed by take no time.
    private static IEnumerable<string> WithoutFlushes(ScenarioResult result) => result.StorageRequests.Where(r => !r.StartsWith("Flush", StringComparison.Ordinal));

    [Test]
    public void A_seed_repeats_the_whole_run() => TestSeeds.ForEach(10, seed =>
    {
        ulong first = GraphScenario.Run(new ScenarioOptions(seed)).EventHash;
        Assert.That(GraphScenario.Run(new ScenarioOptions(seed)).EventHash, Is.EqualTo(first), "the same events in the same order");
    });
}
