using System.Xml.Linq;
using BlockGraph.ContinuousIntegration;

namespace BlockGraph.Architecture.Tests.ContinuousIntegration;

/// <summary>Shows that the summary of a CI run counts what really ran, and fails for what it is there to catch.</summary>
[TestFixture]
internal sealed class SummaryTests
{
    private const string AllGood = """
        <TestRun xmlns="http://microsoft.com/schemas/VisualStudio/TeamTest/2010">
          <Results>
            <UnitTestResult testName="a" outcome="Passed" /><UnitTestResult testName="b" outcome="Passed" />
          </Results>
          <ResultSummary outcome="Completed"><Counters total="2" executed="2" passed="2" failed="0" notExecuted="0" /></ResultSummary>
        </TestRun>
        """;

    private const string OneSkip = """
        <TestRun xmlns="http://microsoft.com/schemas/VisualStudio/TeamTest/2010">
          <Results>
            <UnitTestResult testName="a" outcome="Passed" />
            <UnitTestResult testName="b" outcome="NotExecuted"><Output><ErrorInfo><Message>missing program: qemu-io</Message></ErrorInfo></Output></UnitTestResult>
          </Results>
          <ResultSummary outcome="Completed"><Counters total="2" executed="1" passed="1" failed="0" notExecuted="0" /></ResultSummary>
        </TestRun>
        """;

    private const string OneFailure = """
        <TestRun xmlns="http://microsoft.com/schemas/VisualStudio/TeamTest/2010">
          <Results><UnitTestResult testName="a" outcome="Passed" /><UnitTestResult testName="b" outcome="Failed" /></Results>
          <ResultSummary outcome="Failed"><Counters total="2" executed="2" passed="1" failed="1" /></ResultSummary>
        </TestRun>
        """;

    private const string Crash = """
        <TestRun xmlns="http://microsoft.com/schemas/VisualStudio/TeamTest/2010">
          <Results><UnitTestResult testName="a" outcome="Passed" /></Results>
          <ResultSummary outcome="Failed">
            <Counters total="1" executed="1" passed="1" failed="0" />
            <RunInfos><RunInfo outcome="Error"><Text>The active test run was aborted.</Text></RunInfo></RunInfos>
          </ResultSummary>
        </TestRun>
        """;

    private const string Empty = """
        <TestRun xmlns="http://microsoft.com/schemas/VisualStudio/TeamTest/2010">
          <ResultSummary outcome="Completed"><Counters total="0" executed="0" /></ResultSummary>
        </TestRun>
        """;

    [Test]
    public void A_good_run_has_no_problem_and_two_numbers()
    {
        TestRunReport report = Report(AllGood);
        Assert.That(report.Problems(["A.Tests"], isContinuousIntegration: true), Is.Empty, "Nothing is wrong.");
        Assert.That(report.LastLine(), Is.EqualTo("2 passed, 0 failed"), "The last line of CI.");
    }

    [TestCase(true, 1)]
    [TestCase(false, 0)]
    public void A_skip_for_a_missing_program_fails_CI_only(bool isContinuousIntegration, int problems)
    {
        TestRunReport report = Report(OneSkip);
        Assert.That(report.Problems(["A.Tests"], isContinuousIntegration).Count(), Is.EqualTo(problems), "CI has every program.");
        Assert.That(report.Table(), Does.Contain("1 skipped: missing program: qemu-io"), "The reason is printed.");
        Assert.That(report.LastLine(), Is.EqualTo("1 passed, 0 failed, 1 skipped"), "A skip is not a pass.");
    }

    [TestCase(OneFailure, "A.Tests: 1 failed")]
    [TestCase(Empty, "no test ran")]
    [TestCase(Crash, "A.Tests: The active test run was aborted.")]
    public void A_failure_a_crash_and_an_empty_project_are_problems(string trx, string problem) =>
        Assert.That(Report(trx).Problems(["A.Tests"], isContinuousIntegration: false), Has.Some.Contains(problem), "It is named.");

    [Test]
    public void A_project_without_a_report_is_a_problem() =>
        Assert.That(Report(AllGood).Problems(["A.Tests", "B.Tests"], isContinuousIntegration: false), Is.EqualTo(new[] { "B.Tests has no test report" }),
            "Its run must have broken off.");

    [Test]
    public void A_line_is_covered_when_any_report_covers_it()
    {
        CoverageReport report = new();
        report.Add(Cobertura("BlockGraph.Qapi", "src/Qapi/A.cs", 1, 0, 0));
        report.Add(Cobertura("BlockGraph.Qapi", "src/Qapi/A.cs", 0, 3, 0));
        report.Add(Cobertura("BlockGraph.Qapi", "src/Qapi/obj/G.cs", 0, 0, 0));
        Assert.That(report.Percent("BlockGraph.Qapi"), Is.EqualTo(200.0 / 3).Within(1e-9), "Two lines of three, and the generated ones do not count.");
    }

    [Test]
    public void Too_little_coverage_and_an_absent_assembly_are_problems()
    {
        CoverageReport report = new();
        report.Add(Cobertura("BlockGraph.BlockCore", "src/BlockCore/A.cs", [.. Enumerable.Range(0, 100).Select(line => line < 85 ? 1 : 0)]));
        report.Add(Cobertura("BlockGraph.Drivers", "src/Drivers/A.cs", [.. Enumerable.Range(0, 100).Select(line => line < 84 ? 1 : 0)]));
        string[] expected = ["BlockGraph.Drivers: 84.00 % of its lines are covered, 85 % are needed", "BlockGraph.Qapi is in no coverage report"];
        Assert.That(report.Problems(), Is.EqualTo(expected), "85 per cent are enough.");
    }

    private static TestRunReport Report(string trx)
    {
        TestRunReport report = new();
        report.Add("A.Tests", XDocument.Parse(trx));
        return report;
    }

    private static XDocument Cobertura(string assembly, string file, params int[] hits) => new(
        new XElement("coverage",
            new XElement("packages",
                new XElement("package", new XAttribute("name", assembly),
                    new XElement("classes",
                        new XElement("class", new XAttribute("filename", file),
                            new XElement("lines", hits.Select((count, index) =>
                                new XElement("line", new XAttribute("number", index + 1), new XAttribute("hits", count))))))))));
}
