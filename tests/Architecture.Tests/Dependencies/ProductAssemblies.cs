using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace BlockGraph.Architecture.Tests.Dependencies;

/// <summary>The assemblies that this project ships, as they lie beside the tests.</summary>
internal static class ProductAssemblies
{
    public const string Core = "BlockGraph.BlockCore";
    public const string Drivers = "BlockGraph.Drivers";
    public const string Qapi = "BlockGraph.Qapi";
    public const string Exports = "BlockGraph.Exports";
    public const string Tools = "blockgraph";

    /// <summary>The libraries: what an embedder references, and what has a public surface to keep.</summary>
    public static IReadOnlyList<string> Libraries { get; } = [Core, Drivers, Qapi, Exports];

    public static IReadOnlyList<string> All { get; } = [Core, Drivers, Qapi, Exports, Tools];

    private static readonly Dictionary<string, IReadOnlySet<TypeDependency>> Scans = [];

    public static string PathOf(string name) => Path.Combine(AppContext.BaseDirectory, $"{name}.dll");

    public static Assembly Load(string name) => Assembly.Load(new AssemblyName(name));

    /// <summary>The dependencies of one assembly, read once a run.</summary>
    public static IReadOnlySet<TypeDependency> Dependencies(string name)
    {
        lock (Scans)
        {
            if (!Scans.TryGetValue(name, out IReadOnlySet<TypeDependency>? scan))
            {
                Scans[name] = scan = AssemblyScan.Read(PathOf(name));
            }

            return scan;
        }
    }

    /// <summary>The names in an assembly's reference table, whether or not a type still uses them.</summary>
    public static IReadOnlyList<string> References(string name)
    {
        using FileStream stream = File.OpenRead(PathOf(name));
        using PEReader image = new(stream);
        MetadataReader reader = image.GetMetadataReader();
        return [.. reader.AssemblyReferences.Select(handle => reader.GetString(reader.GetAssemblyReference(handle).Name))];
    }
}
