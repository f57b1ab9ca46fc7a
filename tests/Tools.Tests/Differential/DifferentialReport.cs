using System.Globalization;
using System.Text;

namespace BlockGraph.Tools.Tests.Differential;

/// <summary>What came of all cases: for the test, and as the page that is checked in.</summary>
internal sealed class DifferentialReport
{
    private readonly IReadOnlyList<(DifferentialCase Made, ProgramOutcome Ours, ProgramOutcome Theirs)> _all;
    private readonly List<(DifferentialCase Made, string Reason, LineDifference First)> _differing = [];
    private readonly List<UnknownDifference> _unknown = [];

    /// <summary>Holds both programs' outcomes against each other and against <see cref="KnownDifferences"/>.</summary>
    public DifferentialReport(IReadOnlyList<(DifferentialCase Made, ProgramOutcome Ours, ProgramOutcome Theirs)> all)
    {
        _all = all;
        foreach ((DifferentialCase made, ProgramOutcome ours, ProgramOutcome theirs) in all)
        {
            IReadOnlyList<LineDifference> differences = ours.DifferencesTo(theirs, made);
            if (differences.Count == 0)
            {
                continue;
            }

            if (KnownDifferences.ReasonOf(differences) is { } reason)
            {
                _differing.Add((made, reason, differences[0]));
            }
            else
            {
                _unknown.Add(new UnknownDifference(made, differences));
            }
        }
    }

    /// <summary>What differs for no known reason.</summary>
    public IReadOnlyList<UnknownDifference> Unknown => _unknown;

    /// <summary>How many cases differ, for reasons known or not.</summary>
    public int DifferingCount => _differing.Count + _unknown.Count;

    /// <summary>The cases of each known reason, with what differs first.</summary>
    public IEnumerable<IGrouping<string, LineDifference>> Known => _differing.GroupBy(one => one.Reason, one => one.First).OrderByDescending(group => group.Count());

    public int RefusedCount => _all.Count(one => IsRefused(one.Theirs));

    /// <summary>The page: how many cases and lines each verb has on each format, and every difference with its reason.</summary>
    public string Print()
    {
        StringBuilder page = new();
        page.Append("# Command lines beside qemu-img and qemu-io\n\n");
        page.Append("Written by `BLOCKGRAPH_UPDATE_SNAPSHOTS=1 dotnet test tests/Tools.Tests -c Release --filter DifferentialTests`; the test holds it.\n\n");
        page.Append(CultureInfo.InvariantCulture, $"{_all.Count} cases, {_all.Sum(one => one.Made.Lines.Count)} command lines, {_all.Count(one => IsRefused(one.Theirs))} cases with a line that is refused; {DifferingCount} differ.\n");
        page.Append("Equal are exit codes, both outputs, the files that are there, and the bytes that a guest reads in the end; but for times,\n");
        page.Append("paths and versions, and on qcow2 and luks for where things lie in the file (`PlacementFilter`).\n\n");
        page.Append("| verb | raw | qcow2 | luks | lines | differ |\n|---|---|---|---|---|---|\n");
        foreach (IGrouping<string, DifferentialCase> verb in _all.Select(one => one.Made).GroupBy(made => made.Verb).OrderBy(group => group.Key, StringComparer.Ordinal))
        {
            int differing = _differing.Count(one => one.Made.Verb == verb.Key);
            page.Append(CultureInfo.InvariantCulture, $"| {verb.Key} | {CountOf("raw")} | {CountOf("qcow2")} | {CountOf("luks")} | {verb.Sum(made => made.Lines.Count)} | {differing} |\n");

            int CountOf(string format) => verb.Count(made => made.Format == format);
        }

        page.Append("\n## What differs\n");
        foreach ((DifferentialCase made, string reason, _) in _differing)
        {
            page.Append(CultureInfo.InvariantCulture, $"\n{Capital(reason)}. (`{made.Key}`, {made.Verb}, {made.Format})\n\n```\n{string.Join('\n', made.Lines)}\n```\n");
        }

        return page.ToString();
    }

    private static bool IsRefused(ProgramOutcome theirs) => theirs.Runs.Any(run => run.ExitCode != 0);

    private static string Capital(string text) => char.ToUpperInvariant(text[0]) + text[1..];
}
