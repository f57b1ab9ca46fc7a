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
    private const string UpdateVariable = "BLOCKGRAPH_UPDATE_SNAPSHOTS";
    private const int CasesPerVerb = 31;
    private const int IoCases = 50;
    private const int Qcow2CasesPerVerb = 25;
    private const int LuksCasesPerVerb = 6;

    // Most lines run inside this process, which is exact and much faster than a start of the runtime; each so many-th runs through the link that a user would call.
    private const int LinkStride = 12;
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
        IReadOnlyList<DifferentialCase> cases = AllCases();
        string links = Directory.CreateDirectory(_folder.File("links")).FullName;
        LinkInstaller.Install(links, Path.Combine(AppContext.BaseDirectory, "blockgraph"));
        string luks = MakeLuksImages();

        // Both sides go through the list at once, each with folders of its own.
        Task<ProgramOutcome[]> allTheirs = Task.Run(() => cases.AsParallel().AsOrdered().Select((made, i) => Outcome(made, $"theirs{i}", (line, folder) => ProgramOutcome.RunProcess(line, folder, line.Program))).ToArray());
        ProgramOutcome[] allOurs = [.. cases.Select((made, i) => Outcome(made, "ours", made.Format == "raw" && i % LinkStride == 0 ? (line, folder) => ProgramOutcome.RunProcess(line, folder, Path.Combine(links, line.Program)) : ProgramOutcome.RunHere))];
        DifferentialReport report = new([.. cases.Zip(allOurs, await allTheirs)]);
        Assert.Multiple(() =>
        {
            Assert.That(report.Unlisted, Is.Empty, "Each difference is mended, or is listed with its reason.");
            Assert.That(report.NotMade, Is.Empty, "What is listed must be among the lines.");
            Assert.That(report.DifferingCount, Is.LessThanOrEqualTo(cases.Count / 50), "At most two in a hundred may differ.");
            Assert.That(cases, Has.Count.GreaterThanOrEqualTo(1000), "A thousand cases.");
            Assert.That(report.RefusedCount, Is.GreaterThanOrEqualTo(cases.Count * 3 / 10), "Three in ten lines are wrong.");
        });

        CheckPage(report.Print());

        ProgramOutcome Outcome(DifferentialCase made, string folder, Func<CommandLine, string, ToolRun> run) => ProgramOutcome.Of(made, _folder.File(folder), made.Format == "luks" ? luks : null, run);
    }

    [Test]
    public void Every_verb_has_its_lines()
    {
        ILookup<(string, string), DifferentialCase> byVerb = AllCases().ToLookup(made => (made.Format, made.Verb));
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

    private string MakeLuksImages()
    {
        string folder = Directory.CreateDirectory(_folder.File("luks")).FullName;
        foreach (string line in LuksGrammars.Images)
        {
            ToolRun run = ProgramOutcome.RunHere(CommandLine.Parse(line), folder);
            Assert.That(run.ExitCode, Is.Zero, $"{line}: {run.Error}");
        }

        return folder;
    }

    private static IReadOnlyList<DifferentialCase> AllCases()
    {
        string[] verbs = [.. ImgVerbs.CreateAll().Select(verb => verb.Name)];
        IEnumerable<DifferentialCase> raw = [.. verbs.SelectMany(verb => Made(ImgGrammars.Of(verb), CasesPerVerb)), .. Made(IoGrammar.All, IoCases)];
        return [.. raw, .. verbs.Append(CalledName.QemuIo).SelectMany(verb => Made(Qcow2Grammars.Of(verb), Qcow2CasesPerVerb)), .. verbs.Append(CalledName.QemuIo).SelectMany(verb => Made(LuksGrammars.Of(verb), LuksCasesPerVerb))];

        static IReadOnlyList<DifferentialCase> Made(VerbGrammar grammar, int count) => new CommandLineGenerator(grammar.Verb == CalledName.QemuIo ? CalledName.QemuIo : CalledName.QemuImg, grammar).Make(count);
    }
}
