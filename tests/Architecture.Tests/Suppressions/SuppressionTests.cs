using BlockGraph.Architecture.Tests.Repository;

namespace BlockGraph.Architecture.Tests.Suppressions;

/// <summary>Holds the switched-off rules against the list of permitted ones, each with its reason.</summary>
[TestFixture]
internal sealed class SuppressionTests
{
    private const string List = "Suppressions/Suppressions.txt";

    [Test]
    public void Every_switched_off_rule_is_listed_with_a_reason_and_every_listed_one_is_there() =>
        RuleReport.AssertNone(
            Compare(SuppressionScan.InTree(), AllowanceFile.Read(List, 3)),
            $"Switched-off rules against tests/Architecture.Tests/{List} (one row each, as often as it occurs):");

    [Test]
    public void An_unlisted_one_a_second_one_and_a_stale_row_are_caught()
    {
        Suppression known = new("src/A.cs", "CA1031");
        Suppression newcomer = new("src/B.cs", "CA1031");
        string[][] rows = [["src/A.cs", "CA1031", "the boundary of the tool"], ["src/C.cs", "CA2000", "gone"]];
        string[] expected =
        [
            "src/A.cs | CA1031: 2 in the tree, 1 listed",
            "src/B.cs | CA1031: 1 in the tree, 0 listed",
            "src/C.cs | CA2000: 0 in the tree, 1 listed",
        ];
        Assert.That(Compare([known, known, newcomer], rows), Is.EquivalentTo(expected), "Each difference by name.");
        Assert.That(Compare([known], [rows[0]]), Is.Empty, "What is listed passes.");
    }

    [TestCase("#pragma warning disable CA1031, 1591 // reason\n#pragma warning restore CA1031", "CA1031 CS1591")]
    [TestCase("#pragma warning disable", "*")]
    [TestCase("#nullable disable", "nullable")]
    [TestCase("[System.Diagnostics.CodeAnalysis.SuppressMessage(\"Usage\", \"CA2000:Dispose\")] class A { }", "CA2000")]
    [TestCase("[UnconditionalSuppressMessage(\"Trimming\", \"IL2026\", Justification = \"x\")] class A { }", "IL2026")]
    [TestCase("[assembly: SuppressMessage(\"Usage\", \"CA1822\")]", "CA1822")]
    [TestCase("var text = \"#pragma warning disable CA1031\";", "")]
    public void A_suppression_in_a_source_is_found(string text, string rules) =>
        AssertRules(SuppressionScan.InSource(new SourceFile("src/A.cs", text)), rules);

    [TestCase("<Project><PropertyGroup><NoWarn>$(NoWarn);CS1591;618</NoWarn></PropertyGroup></Project>", "CS1591 CS0618")]
    [TestCase("<Project><ItemGroup><PackageReference Include=\"A\" NoWarn=\"NU1605\" /></ItemGroup></Project>", "NU1605")]
    [TestCase("<Project><PropertyGroup><WarningsNotAsErrors>IL2104</WarningsNotAsErrors></PropertyGroup></Project>", "IL2104")]
    [TestCase("<Project><PropertyGroup><Nullable>enable</Nullable></PropertyGroup></Project>", "")]
    public void A_suppression_in_a_build_file_is_found(string text, string rules) =>
        AssertRules(SuppressionScan.InBuildFile("src/A.csproj", text), rules);

    [TestCase("dotnet_diagnostic.CA1711.severity = none", "CA1711")]
    [TestCase("dotnet_diagnostic.CA1711.severity = silent # quiet", "CA1711")]
    [TestCase("dotnet_analyzer_diagnostic.category-Style.severity = none", ".category-Style")]
    [TestCase("dotnet_diagnostic.RS0030.severity = error", "")]
    [TestCase("# dotnet_diagnostic.CA1711.severity = none", "")]
    public void A_suppression_in_an_analyzer_config_is_found(string text, string rules) =>
        AssertRules(SuppressionScan.InAnalyzerConfig(".editorconfig", text), rules);

    private static void AssertRules(IEnumerable<Suppression> found, string rules) =>
        Assert.That(found.Select(suppression => suppression.Rule), Is.EqualTo(rules.Split(' ', StringSplitOptions.RemoveEmptyEntries)), "The rules by name.");

    private static IEnumerable<string> Compare(IEnumerable<Suppression> found, IReadOnlyList<string[]> rows)
    {
        Dictionary<Suppression, int> inTree = found.CountBy(suppression => suppression).ToDictionary();
        Dictionary<Suppression, int> listed = rows.CountBy(row => new Suppression(row[0], row[1])).ToDictionary();
        return inTree.Keys.Union(listed.Keys)
            .Where(key => inTree.GetValueOrDefault(key) != listed.GetValueOrDefault(key))
            .Select(key => $"{key}: {inTree.GetValueOrDefault(key)} in the tree, {listed.GetValueOrDefault(key)} listed");
    }
}
