namespace BlockGraph.Tools.Tests;

/// <summary>Every golden-output script as a test of its own, on the program that was built beside these tests.</summary>
[TestFixture]
internal sealed class IotestsTests
{
    [SetUp]
    public void NeedsBash()
    {
        if (!IotestsRun.IsPossible(out string reason))
        {
            Assert.Ignore(reason);
        }
    }

    [TestCaseSource(nameof(ScriptNames))]
    public async Task A_script_prints_what_is_expected_of_it(string name)
    {
        string program = Path.Combine(AppContext.BaseDirectory, "blockgraph");
        Assert.That(File.Exists(program), Is.True, $"The program must lie beside the tests: {program}");
        IotestsRun run = await IotestsRun.StartAsync(new Dictionary<string, string?> { ["BLOCKGRAPH_PROG"] = program }, "-raw", name);
        if (run.Lines is [.., string report, "0 passed, 0 failed, 1 skipped"])
        {
            Assert.Ignore(report[(report.IndexOf(" s: ", StringComparison.Ordinal) + 4)..]);
        }

        Assert.That(run.ExitCode, Is.Zero, run.Output);
        Assert.That(run.Lines[^1], Is.EqualTo("1 passed, 0 failed, 0 skipped"), run.Output);
    }

    [Test]
    public async Task The_listed_scripts_are_the_files()
    {
        IotestsRun run = await IotestsRun.StartAsync(new Dictionary<string, string?>(), "-n");
        Assert.That(run.Lines, Is.EquivalentTo(ScriptNames()), "check and this fixture must see the same scripts.");
        Assert.That(run.Lines, Has.Length.GreaterThanOrEqualTo(8), "The scripts must have been found.");
    }

    private static IEnumerable<string> ScriptNames() =>
        Directory.GetFiles(IotestsRun.ScriptFolder).Select(path => Path.GetFileName(path)).Where(name => !name.Contains('.')).Order(StringComparer.Ordinal);
}
