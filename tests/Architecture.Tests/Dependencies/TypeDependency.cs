namespace BlockGraph.Architecture.Tests.Dependencies;

/// <summary>One type's metadata or code mentions another type.</summary>
internal readonly record struct TypeDependency(TypeIdentity From, TypeIdentity To)
{
    public override string ToString() => $"{From} -> {To}";
}
