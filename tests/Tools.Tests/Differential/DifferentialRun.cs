using BlockGraph.Tools.Dispatch;
using BlockGraph.Tools.Img;

namespace BlockGraph.Tools.Tests.Differential;

/// <summary>Runs cases under both programs, each in a folder of its own below <paramref name="root"/>.</summary>
internal sealed class DifferentialRun(string root)
{
    private const int CasesPerVerb = 28;
    private const int IoCases = 50;
    private const int Qcow2CasesPerVerb = 28;
    private const int LuksCasesPerVerb = 6;

    // Most lines run inside this process, which is exact and much faster than a start of the runtime; each so many-th runs through the link that a user would call.
    private const int LinkStride = 12;
    private string? _links;
    private string? _luks;
    private int _folderCount;

    /// <summary>The cases of <paramref name="seed"/>: a thousand, of every verb on every format.</summary>
    public static IReadOnlyList<DifferentialCase> AllCases(int seed = CommandLineGenerator.Seed)
    {
        string[] verbs = [.. ImgVerbs.CreateAll().Select(verb => verb.Name)];
        IEnumerable<DifferentialCase> raw = [.. verbs.SelectMany(verb => Made(ImgGrammars.Of(verb), CasesPerVerb)), .. Made(IoGrammar.All, IoCases)];
        return [.. raw, .. verbs.Append(CalledName.QemuIo).SelectMany(verb => Made(Qcow2Grammars.Of(verb), Qcow2CasesPerVerb)), .. verbs.Append(CalledName.QemuIo).SelectMany(verb => Made(LuksGrammars.Of(verb), LuksCasesPerVerb))];

        IReadOnlyList<DifferentialCase> Made(VerbGrammar grammar, int count) => new CommandLineGenerator(grammar.Verb == CalledName.QemuIo ? CalledName.QemuIo : CalledName.QemuImg, grammar, seed).Make(count);
    }

    /// <summary>What both programs have done; they go through the list at once.</summary>
    public async Task<DifferentialReport> RunAsync(IReadOnlyList<DifferentialCase> cases)
    {
        _links ??= MakeLinks();
        _luks ??= MakeLuksImages();
        string links = _links;
        Task<ProgramOutcome[]> allTheirs = Task.Run(() => cases.AsParallel().AsOrdered().Select(made => Outcome(made, (line, folder) => ProgramOutcome.RunProcess(line, folder, line.Program))).ToArray());
        ProgramOutcome[] allOurs = [.. cases.Select((made, i) => Outcome(made, made.Format == "raw" && i % LinkStride == 0 ? (line, folder) => ProgramOutcome.RunProcess(line, folder, Path.Combine(links, line.Program)) : ProgramOutcome.RunHere))];
        return new DifferentialReport([.. cases.Zip(allOurs, await allTheirs)]);
    }

    private ProgramOutcome Outcome(DifferentialCase made, Func<CommandLine, string, ToolRun> run) =>
        ProgramOutcome.Of(made, Path.Combine(root, $"case{Interlocked.Increment(ref _folderCount)}"), made.Format == "luks" ? _luks : null, run);

    private string MakeLinks()
    {
        string links = Directory.CreateDirectory(Path.Combine(root, "links")).FullName;
        LinkInstaller.Install(links, Path.Combine(AppContext.BaseDirectory, "blockgraph"));
        return links;
    }

    private string MakeLuksImages()
    {
        string folder = Directory.CreateDirectory(Path.Combine(root, "luks")).FullName;
        foreach (string line in LuksGrammars.Images)
        {
            ToolRun run = ProgramOutcome.RunHere(CommandLine.Parse(line), folder);
            Assert.That(run.ExitCode, Is.Zero, $"{line}: {run.Error}");
        }

        return folder;
    }
}
