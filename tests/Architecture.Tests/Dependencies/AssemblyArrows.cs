namespace BlockGraph.Architecture.Tests.Dependencies;

/// <summary>
/// Which assembly may use which: <c>Tools -> Exports, Qapi, Drivers -> BlockCore</c>, <c>Exports -> Drivers</c> for the NBD wire types
/// alone, and every package only where it is named. Drivers and Qapi do not see each other.
/// </summary>
internal static class AssemblyArrows
{
    private static readonly Dictionary<string, string[]> OwnAssemblies = new(StringComparer.Ordinal)
    {
        [ProductAssemblies.Core] = [],
        [ProductAssemblies.Drivers] = [ProductAssemblies.Core],
        [ProductAssemblies.Qapi] = [ProductAssemblies.Core],
        [ProductAssemblies.Exports] = [ProductAssemblies.Core, ProductAssemblies.Drivers],
        [ProductAssemblies.Tools] = [ProductAssemblies.Core, ProductAssemblies.Drivers, ProductAssemblies.Qapi, ProductAssemblies.Exports],
    };

    private static readonly string[] LibraryPackages =
    [
        "Microsoft.Extensions.DependencyInjection.Abstractions", "Microsoft.Extensions.Logging.Abstractions",
    ];

    private static readonly Dictionary<string, string[]> OwnPackages = new(StringComparer.Ordinal)
    {
        [ProductAssemblies.Core] = [],
        [ProductAssemblies.Drivers] = ["ZstdSharp"],
        [ProductAssemblies.Qapi] = ["Newtonsoft.Json"],
        [ProductAssemblies.Exports] = [],
        [ProductAssemblies.Tools] =
        [
            "Microsoft.Extensions.DependencyInjection", "Microsoft.Extensions.Hosting", "Microsoft.Extensions.Hosting.Abstractions",
            "Microsoft.Extensions.Logging", "Microsoft.Extensions.Logging.Console", "OpenTelemetry", "System.CommandLine", "Spectre.Console",
        ],
    };

    private static readonly string FrameworkFolder = Path.GetDirectoryName(typeof(object).Assembly.Location)!;

    /// <summary>Tells what is wrong with an assembly's reference to another, or null.</summary>
    public static string? Violation(string from, string to)
    {
        if (from == to || IsFramework(to))
        {
            return null;
        }

        if (!OwnAssemblies.TryGetValue(from, out string[]? own))
        {
            return $"{from} has no row in {nameof(AssemblyArrows)}";
        }

        bool allowed = own.Contains(to, StringComparer.Ordinal)
            || LibraryPackages.Contains(to, StringComparer.Ordinal)
            || OwnPackages[from].Contains(to, StringComparer.Ordinal);
        return allowed ? null : $"{from} must not reference {to}";
    }

    /// <summary>Tells what is wrong with a use of a type in another assembly, or null.</summary>
    public static string? Violation(TypeDependency dependency)
    {
        (TypeIdentity from, TypeIdentity to) = dependency;
        if (Violation(from.Assembly, to.Assembly) is string reason)
        {
            return $"{dependency}: {reason}";
        }

        bool isDriverSeenByExport = from.Assembly == ProductAssemblies.Exports && to.Assembly == ProductAssemblies.Drivers;
        bool isWireType = to.Namespace.Split('.').Contains("Nbd", StringComparer.Ordinal);
        return isDriverSeenByExport && !isWireType ? $"{dependency}: Exports uses the NBD wire types of Drivers and nothing else there" : null;
    }

    private static bool IsFramework(string assembly) => File.Exists(Path.Combine(FrameworkFolder, $"{assembly}.dll"));
}
