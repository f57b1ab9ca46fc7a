using BlockGraph.Benchmarks;

namespace BlockGraph.Simulation.Tests.Planted;

/// <summary>The descriptions fit the sources they are for. Whether the storm finds what they describe, <c>find.sh</c> says.</summary>
[TestFixture]
public sealed class PlantedBugTests
{
    private static readonly PlantedBug[] s_bugs = [.. PlantedBug.All()];

    [Test]
    public void There_are_twenty_at_least() => Assert.That(s_bugs, Has.Length.AtLeast(20), "planted bugs");

    [TestCaseSource(nameof(s_bugs))]
    public void It_changes_one_place(object planted)
    {
        PlantedBug bug = (PlantedBug)planted;
        string source = File.ReadAllText(Path.Combine(SourceTree.Root, bug.File));
        Assert.That(bug.File, Does.StartWith("src/"), "planted in the product");
        Assert.That(source.Split(bug.Old), Has.Length.EqualTo(2), $"how often the old text splits {bug.File}");
        Assert.That(bug.New, Is.Not.EqualTo(bug.Old), "the change");
        Assert.That(bug.What, Is.Not.Empty, "what it is");
    }

    [Test]
    public void Nothing_knows_their_names()
    {
        string[] sources =
        [
            .. Directory.GetFiles(Path.Combine(SourceTree.Root, "src"), "*.cs", SearchOption.AllDirectories),
            .. Directory.GetFiles(Path.Combine(SourceTree.Root, "tests", "Simulation.Tests"), "*.cs", SearchOption.AllDirectories),
        ];
        Assert.That(sources, Has.Length.GreaterThan(100), "sources looked through");
        foreach (string path in sources)
        {
            string text = File.ReadAllText(path);
            Assert.That(s_bugs.Where(b => text.Contains($"\"{b.Name}\"", StringComparison.Ordinal)), Is.Empty, path);
        }
    }
}
