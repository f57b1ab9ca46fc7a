using System.Globalization;

namespace BlockGraph.Simulation.Tests;

/// <summary>Whole graphs under many interleavings. More seeds: BLOCKGRAPH_SEEDS=5000.</summary>
[TestFixture]
public sealed class GraphRunTests
{
    private static readonly int s_seedCount =
        int.TryParse(Environment.GetEnvironmentVariable("BLOCKGRAPH_SEEDS"), CultureInfo.InvariantCulture, out int count) ? count : 120;

    [Test]
    public void Every_interleaving_keeps_every_byte()
    {
        int drainCount = 0;
        long observedCount = 0;
        for (int seed = 0; seed < s_seedCount; seed++)
        {
            using GraphRun run = new(seed);
            run.Execute();
            drainCount += run.DrainCount;
            observedCount += run.ObservedCount;
        }

        TestContext.Out.WriteLine($"{s_seedCount} seeds, {drainCount} drains, {observedCount} requests observed");
        Assert.That(drainCount, Is.GreaterThan(s_seedCount), "the drains were among the requests");
        Assert.That(observedCount, Is.GreaterThan(s_seedCount), "the observer was on while requests flew");
    }

    [Test]
    public void Results_and_counters_are_the_same_with_plans_and_without()
    {
        for (int seed = 0; seed < 30; seed++)
        {
            using GraphRun with = new(seed, usesPlans: true);
            using GraphRun without = new(seed, usesPlans: false);
            with.Execute();
            without.Execute();
            Assert.That(without.Counters, Is.EqualTo(with.Counters), $"seed {seed}: the counters");
            Assert.That(without.Bytes, Is.EqualTo(with.Bytes), $"seed {seed}: the bytes");
        }
    }

    [Test]
    public void One_seed_is_one_run()
    {
        HashSet<ulong> hashes = [];
        for (int seed = 0; seed < 5; seed++)
        {
            using GraphRun first = new(seed);
            using GraphRun second = new(seed);
            first.Execute();
            second.Execute();
            Assert.That(second.EventHash, Is.EqualTo(first.EventHash), $"seed {seed} again");
            hashes.Add(first.EventHash);
        }

        Assert.That(hashes, Has.Count.EqualTo(5), "other seeds are other runs");
    }
}
