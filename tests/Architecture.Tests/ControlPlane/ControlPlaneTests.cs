using System.Reflection;
using BlockGraph.Architecture.Tests.Dependencies;
using BlockGraph.Architecture.Tests.Repository;

namespace BlockGraph.Architecture.Tests.ControlPlane;

/// <summary>The signatures of the control plane and the data plane, by reflection, on whatever of them exists.</summary>
[TestFixture]
internal sealed class ControlPlaneTests
{
    private static readonly Type[] CoreTypes = ProductAssemblies.Load(ProductAssemblies.Core).GetTypes();

    [Test]
    public void Commit_abort_and_clean_return_void_and_take_no_token() =>
        RuleReport.AssertNone(
            SignatureRules.LastSteps(TypesIn("Transactions", "Permissions", "DriverModel", "Graph")).Select(SignatureRules.LastStepViolation).OfType<string>(),
            "Last steps of a change that could fail, wait or be cancelled:");

    [TestCase("DriverModel.BlockDriverInstance")]
    [TestCase("Backend.BlockBackend")]
    public void Requests_return_ValueTask(string name)
    {
        Type? type = Find(name);
        IEnumerable<string> violations = type is null
            ? []
            : SignatureRules.Requests(type).Select(SignatureRules.RequestViolation).OfType<string>();
        RuleReport.AssertNone(violations, "Requests that do not return ValueTask:");
    }

    [Test]
    public void Changes_of_the_graph_return_Task() =>
        RuleReport.AssertNone(
            SignatureRules.Changes(TypesIn("Graph", "Transactions")).Select(SignatureRules.ChangeViolation).OfType<string>(),
            "Changes that do not return Task:");

    [TestCaseSource(typeof(ProductAssemblies), nameof(ProductAssemblies.All))]
    public void Nothing_is_async_void(string assembly) =>
        RuleReport.AssertNone(SignatureRules.AsyncVoids(ProductAssemblies.Load(assembly)), "Nobody can await these:");

    /// <summary>Guards the rules above against a renaming that would leave them with nothing to check.</summary>
    [TestCase("Graph", "Graph.NodeGraph", "Graph.BlockNode", "Graph.BlockChild")]
    [TestCase("Transactions", "Transactions.Transaction")]
    [TestCase("DriverModel", "DriverModel.BlockDriver", "DriverModel.BlockDriverInstance")]
    [TestCase("Backend", "Backend.BlockBackend")]
    public void A_folder_that_exists_has_the_types_that_the_rules_look_for(string folder, params string[] types) =>
        Assert.That(FolderExists(folder) ? types.Where(type => Find(type) is null) : [], Is.Empty,
            $"src/BlockCore/{folder} exists, and these are not found in it: rename them here too.");

    [Test]
    public void The_last_steps_of_a_transaction_are_found_where_there_are_transactions() =>
        Assert.That(SignatureRules.LastSteps(TypesIn("Transactions")).Count(), FolderExists("Transactions") ? Is.GreaterThanOrEqualTo(2) : Is.Zero,
            "A transaction commits and aborts.");

    [TestCase("DriverModel", "DriverModel.BlockDriverInstance")]
    [TestCase("Backend", "Backend.BlockBackend")]
    public void The_requests_of_each_contract_are_found_where_it_exists(string folder, string name)
    {
        if (!FolderExists(folder))
        {
            Assert.That(Find(name), Is.Null, $"{name} without its folder.");
            return;
        }

        MethodInfo[] requests = [.. SignatureRules.Requests(Find(name)!)];
        foreach (string verb in (string[])["Read", "Write", "Flush", "Discard"])
        {
            Assert.That(requests.Any(method => method.Name.Contains(verb, StringComparison.Ordinal)), Is.True, $"{name} has no awaitable {verb}.");
        }
    }

    private static bool FolderExists(string folder) =>
        RepositoryTree.ProductSources.Any(file => file.Path.StartsWith($"src/BlockCore/{folder}/", StringComparison.Ordinal));

    private static Type? Find(string name) => CoreTypes.FirstOrDefault(type => type.FullName == $"{ProductAssemblies.Core}.{name}");

    private static IEnumerable<Type> TypesIn(params string[] folders) =>
        CoreTypes.Where(type => folders.Any(folder => IsIn($"{ProductAssemblies.Core}.{folder}", type.Namespace)));

    private static bool IsIn(string expected, string? actual) =>
        actual is not null && (actual == expected || actual.StartsWith($"{expected}.", StringComparison.Ordinal));
}
