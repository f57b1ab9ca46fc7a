using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;

namespace BlockGraph.Architecture.Tests.PublicSurface;

/// <summary>Writes all that a library shows to others: one block a type, sorted by full name, one indented line a member.</summary>
internal static class SurfaceText
{
    public static string Of(Assembly assembly)
    {
        StringBuilder text = new();
        text.Append("# The public surface of ").Append(assembly.GetName().Name).Append(".\n");
        foreach (Type type in assembly.GetTypes().Where(IsVisible).OrderBy(type => type.FullName, StringComparer.Ordinal))
        {
            text.Append('\n').Append(Header(type)).Append('\n');
            foreach (string line in MemberText.Lines(type))
            {
                text.Append("    ").Append(line).Append('\n');
            }
        }

        return text.ToString();
    }

    private static bool IsVisible(Type type)
    {
        // The compiler's own types, such as those behind extension members, carry a '<' in their names.
        bool isOwnVisible = !type.Name.Contains('<', StringComparison.Ordinal) && (type.IsPublic || type.IsNestedPublic || type.IsNestedFamily || type.IsNestedFamORAssem);
        return isOwnVisible && !type.IsDefined(typeof(CompilerGeneratedAttribute)) && (type.DeclaringType is null || IsVisible(type.DeclaringType));
    }

    private static string Header(Type type)
    {
        string flags = type.IsDefined(typeof(FlagsAttribute)) ? "[Flags] " : string.Empty;
        string obsolete = type.IsDefined(typeof(ObsoleteAttribute)) ? "[Obsolete] " : string.Empty;
        string name = $"{type.Namespace}.{TypeText.Declared(type)}";
        string[] bases = [.. Bases(type)];
        return $"{flags}{obsolete}{Kind(type)} {name}{(bases.Length == 0 ? string.Empty : $" : {string.Join(", ", bases)}")}";
    }

    private static string Kind(Type type)
    {
        if (type.IsEnum || type.IsInterface)
        {
            return type.IsEnum ? "enum" : "interface";
        }

        if (typeof(Delegate).IsAssignableFrom(type))
        {
            return "delegate";
        }

        if (type.IsValueType)
        {
            string readOnly = type.IsDefined(typeof(IsReadOnlyAttribute)) ? "readonly " : string.Empty;
            return $"{readOnly}{(type.IsByRefLike ? "ref " : string.Empty)}struct";
        }

        return type switch
        {
            { IsAbstract: true, IsSealed: true } => "static class",
            { IsAbstract: true } => "abstract class",
            { IsSealed: true } => "sealed class",
            _ => "class",
        };
    }

    private static IEnumerable<string> Bases(Type type)
    {
        if (type.IsEnum)
        {
            return [TypeText.Of(Enum.GetUnderlyingType(type))];
        }

        if (typeof(Delegate).IsAssignableFrom(type))
        {
            return [];
        }

        bool hasBase = type.BaseType is not null && type.BaseType != typeof(object) && type.BaseType != typeof(ValueType);
        HashSet<Type> inherited = [.. type.BaseType?.GetInterfaces() ?? []];
        Type[] interfaces = type.GetInterfaces();
        inherited.UnionWith(interfaces.SelectMany(contract => contract.GetInterfaces()));
        return (hasBase ? [TypeText.Of(type.BaseType!)] : Enumerable.Empty<string>())
            .Concat(interfaces.Except(inherited).Where(contract => contract.IsVisible).Select(contract => TypeText.Of(contract)).Order(StringComparer.Ordinal));
    }
}
