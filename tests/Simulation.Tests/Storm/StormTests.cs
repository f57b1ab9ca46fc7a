namespace BlockGraph.Simulation.Tests.Storm;

/// <summary>Storms over whole graphs: whatever changes, nothing is lost, nothing hangs, nothing is left.</summary>
[TestFixture]
public sealed class StormTests
{
    private const int SeedCount = 2_000;
    private const int HashCount = 10;

    [Test]
    public void Nothing_is_found_in_any_storm()
    {
        StormSeries series = new(1, SeedCount);
        series.Run(Environment.ProcessorCount);
        using StringWriter table = new();
        series.Tally.Print(table);
        TestContext.Out.WriteLine(table);
        TestContext.Out.WriteLine($"{series.DoneCount} storms, {series.Tally.Total} operations, at least {series.OperationCountMin} a seed; {series.FaultCount} faults; {series.PerSecond} storms a second");
        Assert.That(series.Failed?.Result.Findings ?? [], Is.Empty, $"seed {series.Failed?.Seed}: run it again with --seed");
        Assert.That(series.DoneCount, Is.EqualTo(SeedCount), "every seed had its storm");
        Assert.That(series.OperationCountMin, Is.GreaterThanOrEqualTo(StormOptions.OperationCountMin), "every storm is a storm");
        Assert.That(series.FaultCount, Is.GreaterThanOrEqualTo(SeedCount), "and has a fault");
        Assert.That(series.Tally.NeverDone, Is.Empty, "each kind of operation is done");
    }

    [Test]
    public void A_storm_happens_the_same_way_again_whatever_else_runs_beside_it()
    {
        ulong[] hashes = [.. Enumerable.Range(0, HashCount).Select(seed => StormRun.Run(new StormOptions(seed)).EventHash)];
        ulong[] again = new ulong[HashCount];
        Thread[] threads = [.. Enumerable.Range(0, HashCount).Select(seed => new Thread(() => again[seed] = StormRun.Run(new StormOptions(seed)).EventHash))];
        Array.ForEach(threads, t => t.Start());
        Array.ForEach(threads, t => t.Join());
        Assert.That(again, Is.EqualTo(hashes), "a seed decides everything, and depends on no other");
        Assert.That(hashes, Is.Unique, "and seeds differ");
    }

    [Test]
    public void Nothing_is_found_on_real_threads()
    {
        using StringWriter output = new();
        int result = new StormStress(new StormStressOptions { Length = TimeSpan.FromSeconds(3), ThreadCount = 4 }, output).Run();
        TestContext.Out.WriteLine(output);
        Assert.That(result, Is.Zero, output.ToString());
    }
}
