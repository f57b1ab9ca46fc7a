using System.Text;
using BlockGraph.Tools.Dispatch;
using BlockGraph.Tools.Img;

namespace BlockGraph.Tools.Tests.Differential;

/// <summary>
/// Generated command lines through the installed qemu-img and qemu-io and through this program by their names: exit codes, both outputs, and every file that is there afterwards are
/// the same but for what <see cref="KnownDifferences"/> lists. Verbs that this program does not have yet are left out, so the set grows with the program.
/// </summary>
[TestFixture]
[NonParallelizable]
internal sealed class DifferentialTests
{
    private const int CasesPerVerb = 31;
    private const int IoCases = 50;

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
        string links = Directory.CreateDirectory(_folder.File("links")).FullName;
        LinkInstaller.Install(links, Path.Combine(AppContext.BaseDirectory, "blockgraph"));
        IReadOnlyList<DifferentialCase> cases = AllCases();
        HashSet<string> listed = [.. KnownDifferences.All.Where(known => cases.Any(made => made.Verb == known.Verb)).Select(known => known.Case)];
        StringBuilder unlisted = new();
        int differing = 0;
        int refused = 0;

        // Both sides go through the list at once, each with a folder of its own.
        Task<ProgramOutcome[]> allTheirs = Task.Run(() => cases.Select(made => ProgramOutcome.Of(made, _folder.File("theirs"), (line, folder) => ProgramOutcome.RunProcess(line, folder, line.Program))).ToArray());
        ProgramOutcome[] allOurs = [.. cases.Select((made, i) => ProgramOutcome.Of(made, _folder.File("ours"), i % LinkStride == 0 ? (line, folder) => ProgramOutcome.RunProcess(line, folder, Path.Combine(links, line.Program)) : ProgramOutcome.RunHere))];
        foreach ((DifferentialCase made, ProgramOutcome ours, ProgramOutcome theirs) in cases.Zip(allOurs, await allTheirs))
        {
            refused += theirs.ExitCodes.Any(code => code != 0) ? 1 : 0;
            string difference = ours.DifferenceTo(theirs);
            bool isListed = listed.Remove(made.ToString());
            differing += isListed ? 1 : 0;
            if (isListed != difference.Length > 0)
            {
                unlisted.Append(isListed ? $"listed, and no longer different: {made}\n" : $"{made}\n{difference}");
            }
        }

        Assert.Multiple(() =>
        {
            Assert.That(unlisted.ToString(), Is.Empty, "Each difference is mended, or is listed with its reason.");
            Assert.That(listed, Is.Empty, "What is listed must be among the lines.");
            Assert.That(differing, Is.LessThanOrEqualTo(cases.Count / 50), "At most two in a hundred may differ.");
            Assert.That(refused, Is.GreaterThanOrEqualTo(cases.Count * 3 / 10), "Three in ten lines are wrong.");
        });
    }

    [Test]
    public void Every_verb_has_its_lines()
    {
        ILookup<string, DifferentialCase> byVerb = AllCases().ToLookup(made => made.Verb);
        foreach (string verb in ImgVerbs.CreateAll().Select(verb => verb.Name).Append(CalledName.QemuIo))
        {
            Assert.That(byVerb[verb].Count(), Is.GreaterThanOrEqualTo(15), $"{verb} must have enough lines to say something.");
        }
    }

    private static IReadOnlyList<DifferentialCase> AllCases()
    {
        IEnumerable<DifferentialCase> img = ImgVerbs.CreateAll()
            .SelectMany(verb => new CommandLineGenerator(CalledName.QemuImg, ImgGrammars.Of(verb.Name)).Make(CasesPerVerb));
        return [.. img, .. new CommandLineGenerator(CalledName.QemuIo, IoGrammar.All).Make(IoCases)];
    }
}
