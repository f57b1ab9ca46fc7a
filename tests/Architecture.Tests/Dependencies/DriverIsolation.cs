namespace BlockGraph.Architecture.Tests.Dependencies;

/// <summary>
/// No driver sees another driver. A driver is the namespace <c>BlockGraph.Drivers.Kind.Driver</c> with all below it; the assembly's root
/// namespace registers them all and is seen by none; a namespace of a kind alone holds what drivers of that kind share.
/// </summary>
internal static class DriverIsolation
{
    private const string RootNamespace = ProductAssemblies.Drivers;

    private static readonly HashSet<string> Kinds = new(StringComparer.Ordinal) { "Protocols", "Formats", "Filters", "Composites" };

    /// <summary>Tells what is wrong with a use of one type of Drivers by another, or null.</summary>
    public static string? Violation(TypeDependency dependency)
    {
        string[]? from = PathOf(dependency.From.Namespace);
        string[]? to = PathOf(dependency.To.Namespace);
        if (from is null || from.Length == 0)
        {
            return null;
        }

        if (!Kinds.Contains(from[0]))
        {
            return $"{dependency.From}: '{from[0]}' is no kind of driver (kinds: {string.Join(", ", Kinds)})";
        }

        if (to is null)
        {
            return null;
        }

        if (to.Length == 0)
        {
            return $"{dependency}: a driver must not use the root namespace, which registers the drivers";
        }

        bool isShared = to.Length == 1 && to[0] == from[0];
        bool isOwn = from.Length > 1 && to.Length > 1 && to[0] == from[0] && to[1] == from[1];
        return isShared || isOwn ? null : $"{dependency}: a driver must not see another driver";
    }

    /// <summary>The parts of a namespace below the root of Drivers; null for anything outside.</summary>
    private static string[]? PathOf(string typeNamespace)
    {
        if (typeNamespace == RootNamespace)
        {
            return [];
        }

        return typeNamespace.StartsWith($"{RootNamespace}.", StringComparison.Ordinal)
            ? typeNamespace[(RootNamespace.Length + 1)..].Split('.')
            : null;
    }
}
