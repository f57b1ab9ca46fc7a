using BlockGraph.ContinuousIntegration;

// Summary RESULTS TESTS: sums the reports of a test run in RESULTS; every *.Tests folder in TESTS must have one.
if (args.Length != 2)
{
    Console.Error.WriteLine("usage: Summary RESULTS TESTS");
    return 2;
}

bool isContinuousIntegration = !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("CI"));
TestRunReport tests = TestRunReport.Read(args[0]);
CoverageReport coverage = CoverageReport.Read(args[0]);
string[] projects = [.. Directory.GetDirectories(args[1], "*.Tests").Select(folder => Path.GetFileName(folder)).Order(StringComparer.Ordinal)];
List<string> problems = [.. tests.Problems(projects, isContinuousIntegration), .. coverage.Problems()];

Console.Write(tests.Table());
Console.Write(coverage.Table());
foreach (string problem in problems)
{
    Console.WriteLine($"PROBLEM: {problem}");
}

Console.WriteLine(tests.LastLine());
return problems.Count == 0 ? 0 : 1;
