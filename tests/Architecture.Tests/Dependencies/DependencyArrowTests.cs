using BlockGraph.Architecture.Tests.Repository;

namespace BlockGraph.Architecture.Tests.Dependencies;

/// <summary>The arrows of the house, checked on the built assemblies.</summary>
[TestFixture]
internal sealed class DependencyArrowTests
{
    [TestCaseSource(typeof(ProductAssemblies), nameof(ProductAssemblies.All))]
    public void An_assembly_references_only_what_its_row_allows(string assembly) =>
        RuleReport.AssertNone(
            ProductAssemblies.References(assembly).Select(to => AssemblyArrows.Violation(assembly, to)).OfType<string>(),
            "Assembly references outside the allowed arrows:");

    [TestCaseSource(typeof(ProductAssemblies), nameof(ProductAssemblies.All))]
    public void A_type_uses_other_assemblies_only_along_the_arrows(string assembly) =>
        RuleReport.AssertNone(
            ProductAssemblies.Dependencies(assembly).Select(AssemblyArrows.Violation).OfType<string>(),
            "Uses of types outside the allowed arrows:");

    [Test]
    public void Inside_BlockCore_arrows_point_down_only()
    {
        IReadOnlySet<TypeDependency> dependencies = ProductAssemblies.Dependencies(ProductAssemblies.Core);
        Assert.That(dependencies, Has.Count.GreaterThan(100), "The scan must have seen the code of BlockCore.");
        RuleReport.AssertNone(dependencies.Select(BlockCoreLayers.Violation).OfType<string>(), "Arrows inside BlockCore that do not point down:");
    }

    [Test]
    public void No_driver_sees_another_driver() =>
        RuleReport.AssertNone(
            ProductAssemblies.Dependencies(ProductAssemblies.Drivers).Select(DriverIsolation.Violation).OfType<string>(),
            "Drivers that see other drivers:");

    [Test]
    public void Newtonsoft_is_used_by_Qapi_alone()
    {
        string[] users = [.. ProductAssemblies.All.Where(name => ProductAssemblies.References(name).Contains("Newtonsoft.Json"))];
        Assert.That(users.Except([ProductAssemblies.Qapi]), Is.Empty, "No JToken crosses out of Qapi.");
    }
}
