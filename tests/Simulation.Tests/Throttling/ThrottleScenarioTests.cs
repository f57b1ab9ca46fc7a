namespace BlockGraph.Simulation.Tests.Throttling;

/// <summary>Whatever happens to throttles, each admits in order, charges what it admits, admits no more than it may, and lets nobody wait for ever.</summary>
[TestFixture]
public sealed class ThrottleScenarioTests
{
    private const int SeedCount = 300;

    [Test]
    public void Groups_hold_their_limits_whatever_happens_to_their_members()
    {
        int waitedCount = 0;
        int cancelledCount = 0;
        for (int seed = 0; seed < SeedCount; seed++)
        {
            using ThrottleScenario scenario = new(seed);
            scenario.Run();
            Assert.That(scenario.Findings.Take(5), Is.Empty, $"seed {seed}");
            waitedCount += scenario.WaitedCount;
            cancelledCount += scenario.CancelledCount;
        }

        TestContext.Out.WriteLine($"{SeedCount} seeds: {waitedCount} requests had to wait, {cancelledCount} were cancelled");
        Assert.That(waitedCount, Is.GreaterThan(10 * SeedCount), "there was something to limit");
        Assert.That(cancelledCount, Is.GreaterThan(SeedCount), "and to cancel");
    }
}
