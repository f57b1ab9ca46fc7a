using System.Globalization;
using System.Text;
using BlockGraph.Tools.Dispatch;
using BlockGraph.Tools.Img;

namespace BlockGraph.Tools.Tests.Differential;

/// <summary>
/// Generated command lines through the installed qemu-img and qemu-io and through this program by their names: exit codes, both outputs, and every file that is there afterwards are
/// the same but for what <see cref="KnownDifferences"/> lists. On raw images most cases are one line; on qcow2 and luks each is a sequence on one image, from its making to the bytes that
/// a guest would read in the end.
/// </summary>
[TestFixture]
[NonParallelizable]
internal sealed class DifferentialTests
{
    private const string SeedsVariable = "BLOCKGRAPH_SEEDS";
    private const string UpdateVariable = "BLOCKGRAPH_UPDATE_SNAPSHOTS";
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void MakeFolder()
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Ignore("the links are made and tried on Linux only");
        }

        foreach (string program in new[] { CalledName.QemuImg, CalledName.QemuIo })
        {
            if (!(Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Any(folder => File.Exists(Path.Combine(folder, program))))
            {
                Assert.Ignore($"missing program: {program}");
            }
        }

        _folder = new TemporaryFolder();
    }

    [TearDown]
    public void RemoveFolder() => _folder?.Dispose();

    [Test]
    public async Task Generated_command_lines_do_what_the_installed_programs_do()
    {
        IReadOnlyList<DifferentialCase> cases = DifferentialRun.AllCases();
        DifferentialReport report = await new DifferentialRun(_folder.Path).RunAsync(cases);
        Assert.Multiple(() =>
        {
            Assert.That(string.Join('\n', report.Unknown), Is.Empty, "Each difference is mended, or has a known reason.");
            Assert.That(report.DifferingCount, Is.LessThanOrEqualTo(cases.Count / 50), "At most two in a hundred may differ.");
            Assert.That(cases, Has.Count.GreaterThanOrEqualTo(1000), "A thousand cases.");
            Assert.That(report.RefusedCount, Is.GreaterThanOrEqualTo(cases.Count * 3 / 10), "Three in ten lines are wrong.");
        });

        CheckPage(report.Print());
    }

    /// <summary>The same with other seeds: those of the environment variable, or ten. What differs for no known reason is told with the smallest case found.</summary>
    [Test]
    [Explicit("minutes for each seed: BLOCKGRAPH_SEEDS=1,2 dotnet test tests/Tools.Tests -c Release --filter Name=Other_seeds_differ_for_known_reasons")]
    public async Task Other_seeds_differ_for_known_reasons()
    {
        DifferentialRun run = new(_folder.Path);
        string[] seeds = (Environment.GetEnvironmentVariable(SeedsVariable) ?? "1,2,3,4,5,6,7,8,9,10").Split(',');
        StringBuilder told = new();
        int tooMany = 0;
        foreach (string seed in seeds)
        {
            IReadOnlyList<DifferentialCase> cases = DifferentialRun.AllCases(int.Parse(seed, CultureInfo.InvariantCulture));
            DifferentialReport report = await run.RunAsync(cases);
            told.Append(CultureInfo.InvariantCulture, $"seed {seed}: {report.DifferingCount} of {cases.Count} differ, {report.Unknown.Count} for no known reason\n");
            told.Append(string.Concat(report.Known.Select(one => $"  {one.Count()} {one.Key}\n{string.Concat(one)}")));
            tooMany += report.Unknown.Count > 0 || report.DifferingCount > cases.Count / 50 ? 1 : 0;
            foreach (UnknownDifference unknown in report.Unknown)
            {
                told.Append(CultureInfo.InvariantCulture, $"{await new CaseReducer(run).ReduceAsync(unknown)}\n");
            }
        }

        TestContext.Out.WriteLine(told);
        Assert.That(tooMany, Is.Zero, "At most two in a hundred may differ, each for a known reason.");
    }

    [Test]
    public void Every_verb_has_its_lines()
    {
        ILookup<(string, string), DifferentialCase> byVerb = DifferentialRun.AllCases().ToLookup(made => (made.Format, made.Verb));
        foreach (string verb in ImgVerbs.CreateAll().Select(verb => verb.Name).Append(CalledName.QemuIo))
        {
            Assert.That(byVerb[("raw", verb)].Count(), Is.GreaterThanOrEqualTo(15), $"{verb} must have enough lines to say something.");
            Assert.That(byVerb[("qcow2", verb)].Count(), Is.GreaterThanOrEqualTo(15), $"{verb} must have enough lines on qcow2 to say something.");
            Assert.That(byVerb[("luks", verb)].Count(), Is.GreaterThanOrEqualTo(5), $"{verb} must have lines on encrypted images.");
        }
    }

    private static void CheckPage(string page)
    {
        string path = Path.GetFullPath(Path.Combine(IotestsRun.ScriptFolder, "..", "..", "tests", "Tools.Tests", "Differential", "README.md"));
        if (Environment.GetEnvironmentVariable(UpdateVariable) == "1")
        {
            Assert.That(Environment.GetEnvironmentVariable("CI"), Is.Null.Or.Empty, $"{UpdateVariable} has no place in CI.");
            File.WriteAllText(path, page);
        }

        Assert.That(File.Exists(path) ? File.ReadAllText(path) : "", Is.EqualTo(page), $"{path} is stale: {UpdateVariable}=1 dotnet test tests/Tools.Tests -c Release --filter DifferentialTests");
    }
}
