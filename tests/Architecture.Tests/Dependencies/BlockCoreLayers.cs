namespace BlockGraph.Architecture.Tests.Dependencies;

/// <summary>
/// The arrows inside BlockCore. They point down only:
/// <code>
///  users    Backend   Jobs   Images   Exports             (Backend is the handle that the other three hold)
///  kernel   Graph  DriverModel  ObjectModel  Permissions  Transactions  Drain  Requests  Observability      (these know one another by nature)
///  leaves   Io  Scheduling  Throttling  Bitmaps  Options  Objects  Events  Crypto  Accounting  Errors
/// </code>
/// A leaf knows Errors, and what its row below names. The root namespace puts the parts together: it sees all, and nobody sees it.
/// </summary>
internal static class BlockCoreLayers
{
    private const string RootNamespace = ProductAssemblies.Core;

    private static readonly HashSet<string> Users = new(StringComparer.Ordinal) { "Backend", "Jobs", "Images", "Exports" };

    private static readonly HashSet<string> Kernel = new(StringComparer.Ordinal)
    {
        "Graph", "DriverModel", "ObjectModel", "Permissions", "Transactions", "Drain", "Requests", "Observability",
    };

    private static readonly Dictionary<string, string[]> Leaves = new(StringComparer.Ordinal)
    {
        ["Errors"] = [],
        ["Io"] = ["Errors"],
        ["Scheduling"] = ["Errors", "Io"],
        ["Throttling"] = ["Accounting", "Errors", "Io", "Options", "Scheduling"],
        ["Bitmaps"] = ["Errors"],
        ["Options"] = ["Errors"],
        ["Objects"] = ["Errors", "Options"],
        ["Events"] = ["Errors"],
        ["Crypto"] = ["Errors", "Scheduling"],
        ["Accounting"] = ["Errors"],
    };

    /// <summary>Tells what is wrong with a use of one BlockCore type by another, or null.</summary>
    public static string? Violation(TypeDependency dependency)
    {
        string? from = FolderOf(dependency.From.Namespace);
        string? to = FolderOf(dependency.To.Namespace);
        if (from is null || to is null || from == to || from.Length == 0)
        {
            return null;
        }

        string? reason = Reason(from, to);
        return reason is null ? null : $"{dependency}: {reason}";
    }

    private static string? Reason(string from, string to)
    {
        if (to.Length == 0)
        {
            return $"{from} must not use the root namespace, which puts the parts together";
        }

        if (!IsKnown(from) || !IsKnown(to))
        {
            return $"{(IsKnown(from) ? to : from)} has no place in the layers";
        }

        if (Leaves.TryGetValue(from, out string[]? allowed))
        {
            return allowed.Contains(to, StringComparer.Ordinal) ? null : $"the leaf {from} must not use {to}";
        }

        if (Kernel.Contains(from))
        {
            return Users.Contains(to) ? $"the kernel's {from} must not use {to}, which is above it" : null;
        }

        return Users.Contains(to) && to != "Backend" ? $"{from} must not use its neighbour {to}" : null;
    }

    private static bool IsKnown(string folder) => Users.Contains(folder) || Kernel.Contains(folder) || Leaves.ContainsKey(folder);

    /// <summary>The first folder of a BlockCore namespace; empty for the root itself, null for anything outside.</summary>
    private static string? FolderOf(string typeNamespace)
    {
        if (typeNamespace == RootNamespace)
        {
            return string.Empty;
        }

        return typeNamespace.StartsWith($"{RootNamespace}.", StringComparison.Ordinal)
            ? typeNamespace[(RootNamespace.Length + 1)..].Split('.')[0]
            : null;
    }
}
