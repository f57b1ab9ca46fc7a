using BlockGraph.Architecture.Tests.Repository;

namespace BlockGraph.Architecture.Tests.Scenarios;

/// <summary>The scenarios of the graph core are all there, and the rule that says so can say otherwise.</summary>
[TestFixture]
internal sealed class ScenarioRuleTests
{
    [Test]
    public void Every_scenario_has_its_test() =>
        RuleReport.AssertNone(ScenarioRule.Violations([.. RepositoryTree.TestSources]), "Scenarios of the graph core:");

    [TestCase("[Category(\"Scenario\")] class A { [Test] public void S01_x() { } }", null)]
    [TestCase("class A { [Test, Category(\"Scenario\")] public void S01_x() { } }", null)]
    [TestCase("[Category(\"Scenario\")] class B { } class A : B { [TestCase(1)] public void S01_x(int i) { } }", null)]
    [TestCase("class A { [Test] public void S01_x() { } }", "is not in category Scenario")]
    [TestCase("[Category(\"Scenario\")] class A { [Test, Ignore(\"\")] public void S01_x() { } }", "is marked Ignore")]
    [TestCase("[Category(\"Scenario\"), Explicit] class A { [Test] public void S01_x() { } }", "is marked Explicit")]
    [TestCase("[Category(\"Scenario\")] class A { [Test] public void S01_x() { Assert.Ignore(\"\"); } }", "may skip itself")]
    [TestCase("[Category(\"Scenario\")] class A { public void S01_x() { } }", "no test is called S01_…")]
    [TestCase("[Category(\"Scenario\")] class A { [Test] public void S1_x() { } }", "no test is called S01_…")]
    public void A_test_is_held_to_the_rule(string source, string? violation)
    {
        string[] found = [.. ScenarioRule.Violations([new SourceFile("tests/A.cs", source)]).Where(v => v.Contains("S01_", StringComparison.Ordinal))];
        Assert.That(found, violation is null ? Is.Empty : Has.Some.Contains(violation), source);
    }

    [Test]
    public void What_comes_later_is_not_asked_for() =>
        Assert.That(ScenarioRule.Violations([]).Count(), Is.EqualTo(ScenarioRule.Count - 3), "all but three");
}
