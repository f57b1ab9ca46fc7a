using BlockGraph.Architecture.Tests.Repository;

namespace BlockGraph.Architecture.Tests.Tidy;

/// <summary>The tidy rules, over every file of the tree.</summary>
[TestFixture]
internal sealed class TidyTests
{
    [Test]
    public void The_sources_are_there() =>
        Assert.That(RepositoryTree.ProductSources.Count(), Is.GreaterThan(20), "A rule over no files would hold for ever.");

    [Test]
    public void Every_source_parses()
    {
        IEnumerable<string> errors = RepositoryTree.Sources.SelectMany(file => file.Syntax.GetDiagnostics().Select(error => $"{file.Path}: {error}"));
        RuleReport.AssertNone(errors, "What does not parse is not checked by any rule (is the C# version of these tests too old?):");
    }

    [Test]
    public void A_file_is_at_most_400_lines_long_and_a_longer_one_does_not_grow() =>
        RuleReport.AssertNone(
            FileLengthRule.Violations([.. RepositoryTree.Sources], FileLengthRule.ReadRatchet()),
            "File lengths (see Tidy/LongFiles.txt):");

    [Test]
    public void A_method_is_at_most_70_lines_long() =>
        RuleReport.AssertNone(RepositoryTree.Sources.SelectMany(MethodLengthRule.Violations), "Long methods:");

    [Test]
    public void Names_say_something_and_hide_nothing() =>
        RuleReport.AssertNone(RepositoryTree.Sources.SelectMany(NameRule.Violations), "Names to avoid:");

    [Test]
    public void The_folder_is_the_namespace() =>
        RuleReport.AssertNone(RepositoryTree.Sources.SelectMany(PlaceRule.NamespaceViolations), "Types in another namespace than their folder's:");

    [Test]
    public void A_source_file_holds_one_concept_named_by_its_noun() =>
        RuleReport.AssertNone(RepositoryTree.ProductSources.SelectMany(PlaceRule.ConceptViolations), "Files with more than one concept, or misnamed:");

    [Test]
    public void Nothing_in_src_is_left_for_later() =>
        RuleReport.AssertNone(RepositoryTree.ProductSources.SelectMany(UnfinishedWorkRule.Violations), "Unfinished work:");

    [Test]
    public void Tests_have_no_wall_clock_and_no_unseeded_chance() =>
        RuleReport.AssertNone(
            ClockAndChanceRule.Violations(RepositoryTree.TestSources, AllowanceFile.Read("Tidy/RealTime.txt", 3)),
            "Real time or unseeded chance in tests (see Tidy/RealTime.txt):");

    [Test]
    public void Platform_code_stands_in_Linux_folders() =>
        RuleReport.AssertNone(RepositoryTree.ProductSources.SelectMany(PlatformCodeRule.Violations), "Platform calls in portable code:");

    [Test]
    public void An_undocumented_public_member_fails_the_build()
    {
        const string Root = "Directory.Build.props";
        string[] projects = [.. RepositoryTree.Files().Where(IsBuildFileOfSrc)];
        Assert.That(projects, Has.Length.GreaterThan(4), "The projects of src/ must have been found.");
        RuleReport.AssertNone(
            DocumentationRule.RootViolations(Root, RepositoryTree.ReadText(Root))
                .Concat(projects.SelectMany(path => DocumentationRule.ProjectViolations(path, RepositoryTree.ReadText(path)))),
            "Documentation checks switched off:");
    }

    [Test]
    public void No_file_mentions_a_machine_or_a_feed() =>
        RuleReport.AssertNone(
            RepositoryTree.Files()
                .Where(MachineTraceRule.IsText)
                .SelectMany(path => MachineTraceRule.Violations(path, RepositoryTree.ReadText(path))),
            "Traces of a machine or a package feed:");

    private static bool IsBuildFileOfSrc(string path) =>
        path.StartsWith("src/", StringComparison.Ordinal) && Path.GetExtension(path) is ".csproj" or ".props" or ".targets";
}
