namespace BlockGraph.Simulation.Tests.Storm;

/// <summary>Storms over whole graphs: whatever changes, nothing is lost, nothing hangs, nothing is left.</summary>
[TestFixture]
public sealed class StormTests
{
    [Test]
    public void Nothing_is_found_in_any_storm()
    {
        StormTally tally = new();
        for (int seed = 0; seed < 300; seed++)
        {
            StormResult result = StormRun.Run(new StormOptions(seed));
            Assert.That(result.Findings, Is.Empty, $"seed {seed}");
            tally.Add(result.Tally);
        }

        foreach ((string kind, StormCounts counts) in tally.Counts)
        {
            TestContext.Out.WriteLine($"{kind,-26}{counts.Done,8} done{counts.Refused,8} refused{counts.Failed,8} failed");
        }
    }
}
