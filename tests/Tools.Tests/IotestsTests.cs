namespace BlockGraph.Tools.Tests;

/// <summary>Every golden-output script as a test of its own for each format that it names, on the program that was built beside these tests.</summary>
[TestFixture]
[Parallelizable(ParallelScope.Children)]
internal sealed class IotestsTests
{
    private const string SecondVersion = "compat=0.10";

    [SetUp]
    public void NeedsBash()
    {
        if (!IotestsRun.IsPossible(out string reason))
        {
            Assert.Ignore(reason);
        }
    }

    [TestCaseSource(nameof(Matrix))]
    public async Task A_script_prints_what_is_expected_of_it(string name, string format, string options)
    {
        string program = Path.Combine(AppContext.BaseDirectory, "blockgraph");
        Assert.That(File.Exists(program), Is.True, $"The program must lie beside the tests: {program}");
        string[] arguments = [$"-{format}", .. options.Length > 0 ? new[] { "-o", options } : [], name];
        IotestsRun run = await IotestsRun.StartAsync(new Dictionary<string, string?> { ["BLOCKGRAPH_PROG"] = program }, arguments);
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

    [Test]
    public void Every_format_has_its_scripts()
    {
        ILookup<string, string> byFormat = Matrix().ToLookup(row => (string)row[1], row => (string)row[0]);
        Assert.That(byFormat["raw"].Count(), Is.GreaterThan(50), "scripts for raw");
        Assert.That(byFormat["qcow2"].Distinct().Count(), Is.GreaterThan(15), "scripts for qcow2");
        Assert.That(byFormat["luks"].Count(), Is.GreaterThan(5), "scripts for luks");
    }

    // A script names its formats in one line; those of the group v2 run on both versions of qcow2.
    private static IEnumerable<object[]> Matrix()
    {
        foreach (string name in ScriptNames())
        {
            string[] lines = File.ReadAllLines(Path.Combine(IotestsRun.ScriptFolder, name));
            foreach (string format in lines.Single(line => line.StartsWith("_supported_fmt ", StringComparison.Ordinal)).Split(' ')[1..])
            {
                yield return [name, format, ""];
                if (format == "qcow2" && lines[1].Split(' ').Contains("v2"))
                {
                    yield return [name, format, SecondVersion];
                }
            }
        }
    }

    private static IEnumerable<string> ScriptNames() =>
        Directory.GetFiles(IotestsRun.ScriptFolder).Select(path => Path.GetFileName(path)).Where(name => !name.Contains('.')).Order(StringComparer.Ordinal);
}
