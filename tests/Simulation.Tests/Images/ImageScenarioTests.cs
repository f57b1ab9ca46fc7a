namespace BlockGraph.Simulation.Tests.Images;

/// <summary>Whatever order requests complete in, whatever fails and whenever it is cancelled: works on whole images come out right, or leave what was there.</summary>
[TestFixture]
public sealed class ImageScenarioTests
{
    private const int SeedCount = 200;

    [Test]
    public void Images_are_converted_committed_rebased_and_compared_whatever_happens()
    {
        ImageWorkResult[] results = [.. Enumerable.Range(0, SeedCount).Select(ImageScenario.Run)];

        foreach (ImageWork work in Enum.GetValues<ImageWork>())
        {
            ImageWorkResult[] some = [.. results.Where(result => result.Work == work)];
            TestContext.Out.WriteLine($"{work}: {some.Length}, of which {some.Count(result => result.HasFailed)} failed and {some.Count(result => result.IsCancelled)} were cancelled");
            Assert.That(some.Count(result => result.HasFailed), Is.Positive, $"{work}: some failed");
            Assert.That(some.Count(result => result.IsCancelled), Is.Positive, $"{work}: some were cancelled");
            Assert.That(some.Count(result => !result.HasFailed && !result.IsCancelled), Is.Positive, $"{work}: some did not");
        }
    }
}
