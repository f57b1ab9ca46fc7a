using System.Globalization;
using System.Text;

namespace BlockGraph.Tools.Tests.Differential;

/// <summary>What came of all cases: for the test, and as the page that is checked in.</summary>
internal sealed class DifferentialReport
{
    private readonly IReadOnlyList<(DifferentialCase Made, ProgramOutcome Ours, ProgramOutcome Theirs)> _all;
    private readonly List<(DifferentialCase Made, string Reason)> _differing = [];
    private readonly StringBuilder _unlisted = new();

    /// <summary>Holds both programs' outcomes against each other and against <see cref="KnownDifferences"/>.</summary>
    public DifferentialReport(IReadOnlyList<(DifferentialCase Made, ProgramOutcome Ours, ProgramOutcome Theirs)> all)
    {
        _all = all;
        Dictionary<string, KnownDifference> listed = KnownDifferences.All.ToDictionary(known => known.Case);
        foreach ((DifferentialCase made, ProgramOutcome ours, ProgramOutcome theirs) in all)
        {
            string difference = ours.DifferenceTo(theirs);
            bool isListed = listed.Remove(made.ToString(), out KnownDifference? known) || listed.Remove(made.Key, out known);
            if (isListed)
            {
                _differing.Add((made, known!.Reason));
            }

            if (isListed != difference.Length > 0)
            {
                _unlisted.Append(isListed ? $"listed, and no longer different: {made.Key} {made}\n" : $"{made.Key} {made}\n{difference}");
            }
        }

        NotMade = [.. listed.Keys];
    }

    /// <summary>What differs and is not listed, or is listed and does not differ; for a person.</summary>
    public string Unlisted => _unlisted.ToString();

    /// <summary>What is listed and was not among the cases.</summary>
    public IReadOnlyList<string> NotMade { get; }

    public int DifferingCount => _differing.Count;

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
        foreach ((DifferentialCase made, string reason) in _differing)
        {
            page.Append(CultureInfo.InvariantCulture, $"\n{Capital(reason)}. (`{made.Key}`, {made.Verb}, {made.Format})\n\n```\n{string.Join('\n', made.Lines)}\n```\n");
        }

        return page.ToString();
    }

    private static bool IsRefused(ProgramOutcome theirs) => theirs.ExitCodes.Any(code => code != 0);

    private static string Capital(string text) => char.ToUpperInvariant(text[0]) + text[1..];
}
