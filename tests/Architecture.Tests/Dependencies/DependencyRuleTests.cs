namespace BlockGraph.Architecture.Tests.Dependencies;

/// <summary>Shows that the scan and the arrow rules catch what they are there for.</summary>
[TestFixture]
internal sealed class DependencyRuleTests
{
    private const string NodeAndUser = """
        namespace BlockGraph.BlockCore.Graph
        {
            public class Node { public static int Count; public static void Touch() { } public class Part { } }
            public class Failure : System.Exception { }
            public class Mark : System.Attribute { }
            public interface INode { }
        }
        namespace BlockGraph.BlockCore.Io
        {
            using BlockGraph.BlockCore.Graph;
            PLACE
        }
        """;

    [TestCase("public class User : Node { }")]
    [TestCase("public class User : INode { }")]
    [TestCase("public class User<T> where T : Node { }")]
    [TestCase("public class User { private Node? _node; }")]
    [TestCase("public class User { private System.Collections.Generic.List<Node[]>? _nodes; }")]
    [TestCase("public class User { private Node.Part? _part; }")]
    [TestCase("[Mark] public class User { }")]
    [TestCase("public class User { [Mark] public int Size { get; } }")]
    [TestCase("public class User { public void Take(Node? node) { } }")]
    [TestCase("public class User { public unsafe void Take(delegate*<Node, void> call) { } }")]
    [TestCase("public class User { public void Run() { Node.Touch(); } }")]
    [TestCase("public class User { public int Run() => Node.Count; }")]
    [TestCase("public class User { public object Run() => new Node(); }")]
    [TestCase("public class User { public bool Run(object thing) => thing is Node; }")]
    [TestCase("public class User { public System.Type Run() => typeof(Node); }")]
    [TestCase("public class User { public System.Action Run() => () => Node.Touch(); }")]
    [TestCase("public class User { public object Run() => System.Array.Empty<Node>(); }")]
    [TestCase("public class User { public async System.Threading.Tasks.Task Run() { await System.Threading.Tasks.Task.Yield(); Node.Touch(); } }")]
    [TestCase("public class User { public void Run() { try { System.Console.WriteLine(); } catch (Failure) { } } }")]
    [TestCase("public class User { public int Run(int n) { switch (n) { case 0: return 3; case 1: return 4; case 2: return 9; default: return Node.Count; } } }")]
    public void A_leaf_that_mentions_a_node_is_caught(string user)
    {
        IReadOnlySet<TypeDependency> scan = SyntheticAssembly.Scan(ProductAssemblies.Core, NodeAndUser.Replace("PLACE", user, StringComparison.Ordinal));
        Assert.That(scan.Select(BlockCoreLayers.Violation).OfType<string>(), Is.Not.Empty, "The use of a kernel type must be seen.");
    }

    [Test]
    public void A_leaf_that_keeps_to_itself_passes()
    {
        IReadOnlySet<TypeDependency> scan = SyntheticAssembly.Scan(
            ProductAssemblies.Core, NodeAndUser.Replace("PLACE", "public class User { public int Run() => 3; }", StringComparison.Ordinal));
        Assert.That(scan.Select(BlockCoreLayers.Violation).OfType<string>(), Is.Empty, "Nothing above is mentioned.");
    }

    [TestCase("Io", "Errors", true)]
    [TestCase("Scheduling", "Io", true)]
    [TestCase("Throttling", "Scheduling", true)]
    [TestCase("Io", "Scheduling", false)]
    [TestCase("Crypto", "Io", false)]
    [TestCase("Errors", "Io", false)]
    [TestCase("Options", "Graph", false)]
    [TestCase("Graph", "Options", true)]
    [TestCase("Graph", "Transactions", true)]
    [TestCase("Graph", "Backend", false)]
    [TestCase("Backend", "Graph", true)]
    [TestCase("Jobs", "Backend", true)]
    [TestCase("Backend", "Jobs", false)]
    [TestCase("Misc", "Errors", false)]
    public void Layers_allow_exactly_the_arrows_down(string from, string to, bool allowed)
    {
        TypeDependency arrow = new(InCore(from), InCore(to));
        Assert.That(BlockCoreLayers.Violation(arrow) is null, Is.EqualTo(allowed), $"{from} -> {to}");
    }

    [Test]
    public void The_root_namespace_sees_all_and_is_seen_by_none()
    {
        TypeIdentity root = new(ProductAssemblies.Core, ProductAssemblies.Core, "Registration");
        Assert.That(BlockCoreLayers.Violation(new TypeDependency(root, InCore("Graph"))), Is.Null, "The root may use the kernel.");
        Assert.That(BlockCoreLayers.Violation(new TypeDependency(InCore("Graph"), root)), Is.Not.Null, "The kernel must not use the root.");
    }

    [TestCase("Filters.Throttle", "Filters.Throttle", true)]
    [TestCase("Protocols.HostFile.Linux", "Protocols.HostFile", true)]
    [TestCase("Protocols.HostFile", "Protocols", true)]
    [TestCase("Filters.Throttle", "Formats.Raw", false)]
    [TestCase("Protocols.HostFile", "Protocols.Null", false)]
    [TestCase("Protocols", "Protocols.Null", false)]
    [TestCase("Shared.Things", "Shared.Things", false)]
    public void Drivers_see_themselves_only(string from, string to, bool allowed)
    {
        TypeDependency arrow = new(InDrivers(from), InDrivers(to));
        Assert.That(DriverIsolation.Violation(arrow) is null, Is.EqualTo(allowed), $"{from} -> {to}");
    }

    [TestCase(ProductAssemblies.Tools, ProductAssemblies.Exports, true)]
    [TestCase(ProductAssemblies.Exports, ProductAssemblies.Drivers, true)]
    [TestCase(ProductAssemblies.Qapi, "Newtonsoft.Json", true)]
    [TestCase(ProductAssemblies.Core, "System.Collections", true)]
    [TestCase(ProductAssemblies.Drivers, ProductAssemblies.Qapi, false)]
    [TestCase(ProductAssemblies.Qapi, ProductAssemblies.Drivers, false)]
    [TestCase(ProductAssemblies.Core, ProductAssemblies.Drivers, false)]
    [TestCase(ProductAssemblies.Drivers, "Newtonsoft.Json", false)]
    [TestCase(ProductAssemblies.Core, "System.CommandLine", false)]
    [TestCase("BlockGraph.Newcomer", ProductAssemblies.Core, false)]
    public void Assemblies_reference_only_along_the_arrows(string from, string to, bool allowed) =>
        Assert.That(AssemblyArrows.Violation(from, to) is null, Is.EqualTo(allowed), $"{from} -> {to}");

    [TestCase("BlockGraph.Drivers.Protocols.Nbd.Wire", true)]
    [TestCase("BlockGraph.Drivers.Formats.Raw", false)]
    public void Exports_sees_only_the_wire_types_of_Drivers(string driverNamespace, bool allowed)
    {
        TypeIdentity export = new(ProductAssemblies.Exports, "BlockGraph.Exports.Nbd", "NbdServer");
        TypeIdentity driver = new(ProductAssemblies.Drivers, driverNamespace, "Thing");
        Assert.That(AssemblyArrows.Violation(new TypeDependency(export, driver)) is null, Is.EqualTo(allowed), driverNamespace);
    }

    private static TypeIdentity InCore(string folder) => new(ProductAssemblies.Core, $"{ProductAssemblies.Core}.{folder}", "Thing");

    private static TypeIdentity InDrivers(string folder) =>
        new(ProductAssemblies.Drivers, $"{ProductAssemblies.Drivers}.{folder}", $"Thing{folder.Length}");
}
