using System.Reflection;

namespace BlockGraph.Architecture.Tests.PublicSurface;

/// <summary>Writes types as C# spells them, with nullability where it is known.</summary>
internal static class TypeText
{
    private static readonly Dictionary<Type, string> Keywords = new()
    {
        [typeof(void)] = "void", [typeof(object)] = "object", [typeof(string)] = "string", [typeof(bool)] = "bool", [typeof(char)] = "char",
        [typeof(byte)] = "byte", [typeof(sbyte)] = "sbyte", [typeof(short)] = "short", [typeof(ushort)] = "ushort", [typeof(int)] = "int",
        [typeof(uint)] = "uint", [typeof(long)] = "long", [typeof(ulong)] = "ulong", [typeof(nint)] = "nint", [typeof(nuint)] = "nuint",
        [typeof(float)] = "float", [typeof(double)] = "double", [typeof(decimal)] = "decimal",
    };

    public static string Of(Type type, NullabilityInfo? nullability = null)
    {
        if (type.IsByRef)
        {
            return Of(type.GetElementType()!, nullability);
        }

        if (Nullable.GetUnderlyingType(type) is Type value)
        {
            return $"{Of(value, Argument(nullability, 0))}?";
        }

        string text = type switch
        {
            { IsPointer: true } => $"{Of(type.GetElementType()!)}*",
            { IsArray: true } => $"{Of(type.GetElementType()!, nullability?.ElementType)}[{new string(',', type.GetArrayRank() - 1)}]",
            { IsGenericParameter: true } => type.Name,
            _ when Keywords.TryGetValue(type, out string? keyword) => keyword,
            _ => Named(type, nullability),
        };
        bool mayBeNullable = !type.IsValueType && !type.IsPointer && !type.IsGenericParameter; // Of a bare T reflection says nothing certain.
        bool isNullable = mayBeNullable && nullability?.ReadState == NullabilityState.Nullable;
        return isNullable ? $"{text}?" : text;
    }

    /// <summary>A type's name with its enclosing types and type parameters, without its namespace.</summary>
    public static string Declared(Type type) => Named(type, null);

    private static string Named(Type type, NullabilityInfo? nullability)
    {
        Type[] arguments = type.GetGenericArguments();
        List<Type> chain = [];
        for (Type? step = type; step is not null; step = step.DeclaringType)
        {
            chain.Insert(0, step);
        }

        int taken = 0;
        List<string> names = [];
        foreach (Type step in chain)
        {
            string[] nameAndArity = step.Name.Split('`');
            int arity = nameAndArity.Length > 1 ? int.Parse(nameAndArity[1], System.Globalization.CultureInfo.InvariantCulture) : 0;
            names.Add(nameAndArity[0] + Arguments(arguments, taken, arity, nullability));
            taken += arity;
        }

        return string.Join('.', names);
    }

    private static string Arguments(Type[] arguments, int first, int count, NullabilityInfo? nullability) =>
        count == 0
            ? string.Empty
            : $"<{string.Join(", ", Enumerable.Range(first, count).Select(index => Of(arguments[index], Argument(nullability, index))))}>";

    private static NullabilityInfo? Argument(NullabilityInfo? nullability, int index) =>
        nullability is not null && index < nullability.GenericTypeArguments.Length ? nullability.GenericTypeArguments[index] : null;
}
