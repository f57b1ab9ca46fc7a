using System.Globalization;
using System.Text;
using System.Xml.Linq;

namespace BlockGraph.ContinuousIntegration;

/// <summary>The sum of the trx files of a test run. The counters in a trx are not trusted for skips: its results are counted.</summary>
internal sealed class TestRunReport
{
    /// <summary>How the reason of a skip starts when a program is not installed. CI installs every program, so there it is a failure.</summary>
    public const string MissingProgram = "missing program:";

    private readonly List<Project> _projects = [];

    public int Passed => _projects.Sum(project => project.Passed);

    public int Failed => _projects.Sum(project => project.Failed);

    public int Skipped => _projects.Sum(project => project.SkipReasons.Count);

    public static TestRunReport Read(string folder)
    {
        TestRunReport report = new();
        string[] paths = Directory.Exists(folder) ? Directory.GetFiles(folder, "*.trx") : [];
        foreach (string path in paths.Order(StringComparer.Ordinal))
        {
            report.Add(Path.GetFileNameWithoutExtension(path), XDocument.Load(path));
        }

        return report;
    }

    public void Add(string project, XDocument trx)
    {
        XElement root = trx.Root!;
        XNamespace name = root.Name.Namespace;
        XElement[] results = [.. root.Descendants(name + "UnitTestResult")];
        int passed = results.Count(result => Outcome(result) == "Passed");
        string[] skipReasons = [.. results.Where(result => Outcome(result) == "NotExecuted").Select(result => Reason(result, name))];
        int failed = results.Length - passed - skipReasons.Length;
        string[] errors = [.. root.Descendants(name + "RunInfo").Where(info => Outcome(info) == "Error").Select(info => info.Value.Trim())];
        bool isUnexplained = failed == 0 && errors.Length == 0 && Outcome(root.Element(name + "ResultSummary")) is not ("Completed" or "Passed");
        _projects.Add(new Project(project, passed, failed, skipReasons, isUnexplained ? ["the run did not complete"] : errors));
    }

    /// <summary>What makes the run a failure: a failed test, a run that broke off, a project without a report, in CI a missing program.</summary>
    public IEnumerable<string> Problems(IEnumerable<string> expectedProjects, bool isContinuousIntegration)
    {
        foreach (string absent in expectedProjects.Except(_projects.Select(project => project.Name)))
        {
            yield return $"{absent} has no test report";
        }

        foreach (Project project in _projects)
        {
            if (project.Failed > 0)
            {
                yield return $"{project.Name}: {project.Failed} failed";
            }

            foreach (string error in project.Errors)
            {
                yield return $"{project.Name}: {error}";
            }

            if (project.Passed + project.Failed == 0)
            {
                yield return $"{project.Name}: no test ran";
            }

            foreach (string reason in isContinuousIntegration ? project.SkipReasons.Where(IsMissingProgram).Distinct() : [])
            {
                yield return $"{project.Name}: skipped in CI: {reason}";
            }
        }
    }

    public string Table()
    {
        StringBuilder table = new();
        table.Append(CultureInfo.InvariantCulture, $"{"tests",-32}{"passed",8}{"failed",8}{"skipped",8}\n");
        foreach (Project project in _projects)
        {
            table.Append(CultureInfo.InvariantCulture, $"{project.Name,-32}{project.Passed,8}{project.Failed,8}{project.SkipReasons.Count,8}\n");
            foreach ((string reason, int count) in project.SkipReasons.CountBy(reason => reason))
            {
                table.Append(CultureInfo.InvariantCulture, $"  {count} skipped: {reason}\n");
            }
        }

        return table.ToString();
    }

    public string LastLine() => Skipped == 0 ? $"{Passed} passed, {Failed} failed" : $"{Passed} passed, {Failed} failed, {Skipped} skipped";

    private static bool IsMissingProgram(string reason) => reason.StartsWith(MissingProgram, StringComparison.OrdinalIgnoreCase);

    private static string Outcome(XElement? element) => element?.Attribute("outcome")?.Value ?? string.Empty;

    private static string Reason(XElement result, XNamespace name)
    {
        string text = result.Descendants(name + "Message").FirstOrDefault()?.Value ?? result.Descendants(name + "StdOut").FirstOrDefault()?.Value ?? string.Empty;
        return text.Trim() is { Length: > 0 } reason ? reason : $"no reason given by {result.Attribute("testName")?.Value}";
    }

    private sealed record Project(string Name, int Passed, int Failed, IReadOnlyList<string> SkipReasons, IReadOnlyList<string> Errors);
}
