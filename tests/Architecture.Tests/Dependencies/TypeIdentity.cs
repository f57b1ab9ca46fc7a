namespace BlockGraph.Architecture.Tests.Dependencies;

/// <summary>A type by assembly, namespace and (outermost) name.</summary>
internal readonly record struct TypeIdentity(string Assembly, string Namespace, string Name)
{
    public override string ToString() => Namespace.Length == 0 ? $"[{Assembly}] {Name}" : $"{Namespace}.{Name}";
}
