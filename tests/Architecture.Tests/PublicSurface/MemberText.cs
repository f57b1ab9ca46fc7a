using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace BlockGraph.Architecture.Tests.PublicSurface;

/// <summary>Writes one member of a public type as one line, much as its declaration reads.</summary>
internal static class MemberText
{
    private static readonly NullabilityInfoContext Nullability = new();

    /// <summary>The lines of a type's own visible members, sorted; what an override repeats and what the compiler makes up is left out.</summary>
    public static IEnumerable<string> Lines(Type type)
    {
        const BindingFlags Own = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
        if (type.IsEnum)
        {
            return Enum.GetNames(type).Select(name => $"{name} = {Number(type, name)}").ToList();
        }

        if (typeof(Delegate).IsAssignableFrom(type))
        {
            return [Of(type.GetMethod("Invoke")!)];
        }

        return type.GetFields(Own).Where(IsVisible).Select(Of)
            .Concat(type.GetConstructors(Own).Where(IsVisible).Select(Of))
            .Concat(type.GetProperties(Own).Where(property => property.GetAccessors(true).Any(IsNewAndVisible)).Select(Of))
            .Concat(type.GetEvents(Own).Where(member => IsVisible(member.AddMethod!)).Select(Of))
            .Concat(type.GetMethods(Own).Where(IsOwnMethod).Select(Of))
            .Order(StringComparer.Ordinal)
            .ToList();
    }

    public static bool IsVisible(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

    private static bool IsVisible(FieldInfo field) => field.IsPublic || field.IsFamily || field.IsFamilyOrAssembly;

    private static bool IsNewAndVisible(MethodInfo accessor) => IsVisible(accessor) && accessor.GetBaseDefinition() == accessor;

    private static bool IsOwnMethod(MethodInfo method) =>
        IsNewAndVisible(method)
        && !method.IsDefined(typeof(CompilerGeneratedAttribute))
        && (!method.IsSpecialName || method.Name.StartsWith("op_", StringComparison.Ordinal));

    private static string Number(Type type, string name) =>
        Convert.ToDecimal(type.GetField(name)!.GetRawConstantValue(), CultureInfo.InvariantCulture).ToString(CultureInfo.InvariantCulture);

    private static string Of(FieldInfo field)
    {
        string kind = field.IsLiteral ? "const " : $"{(field.IsStatic ? "static " : string.Empty)}{(field.IsInitOnly ? "readonly " : string.Empty)}";
        string value = field.IsLiteral ? $" = {Constant(field.GetRawConstantValue(), field.FieldType)}" : string.Empty;
        return $"{Access(field.IsPublic)}{kind}{TypeText.Of(field.FieldType, Nullability.Create(field))} {field.Name}{value}";
    }

    private static string Of(ConstructorInfo constructor) =>
        $"{Access(constructor.IsPublic)}{constructor.DeclaringType!.Name.Split('`')[0]}({Parameters(constructor.GetParameters())})";

    private static string Of(PropertyInfo property)
    {
        MethodInfo[] accessors = [.. property.GetAccessors(true).Where(IsVisible)];
        MethodInfo widest = accessors.FirstOrDefault(accessor => accessor.IsPublic) ?? accessors[0];
        string verbs = string.Join(" ", accessors.Select(accessor => $"{(accessor.IsPublic == widest.IsPublic ? string.Empty : "protected ")}{Verb(accessor)};"));
        ParameterInfo[] index = property.GetIndexParameters();
        string name = index.Length == 0 ? property.Name : $"this[{Parameters(index)}]";
        return $"{Modifiers(widest)}{Required(property)}{TypeText.Of(property.PropertyType, Nullability.Create(property))} {name} {{ {verbs} }}";
    }

    private static string Of(EventInfo member) =>
        $"{Modifiers(member.AddMethod!)}event {TypeText.Of(member.EventHandlerType!, Nullability.Create(member))} {member.Name}";

    private static string Of(MethodInfo method)
    {
        string generics = method.IsGenericMethod ? $"<{string.Join(", ", method.GetGenericArguments().Select(type => type.Name))}>" : string.Empty;
        string reference = method.ReturnType.IsByRef ? "ref " : string.Empty;
        string result = TypeText.Of(method.ReturnType, Nullability.Create(method.ReturnParameter));
        string extension = method.IsDefined(typeof(ExtensionAttribute)) ? "this " : string.Empty;
        return $"{Modifiers(method)}{reference}{result} {method.Name}{generics}({extension}{Parameters(method.GetParameters())})";
    }

    private static string Verb(MethodInfo accessor)
    {
        if (accessor.Name.Contains("get_", StringComparison.Ordinal))
        {
            return "get";
        }

        return accessor.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit)) ? "init" : "set";
    }

    private static string Required(PropertyInfo property) => property.IsDefined(typeof(RequiredMemberAttribute)) ? "required " : string.Empty;

    private static string Access(bool isPublic) => isPublic ? string.Empty : "protected ";

    private static string Modifiers(MethodInfo method)
    {
        string kind = method switch
        {
            { IsStatic: true, IsAbstract: true } => "static abstract ",
            { IsStatic: true } => "static ",
            { DeclaringType.IsInterface: true, IsAbstract: true } => string.Empty,
            { IsAbstract: true } => "abstract ",
            { IsVirtual: true, IsFinal: false } => "virtual ",
            _ => string.Empty,
        };
        return Access(method.IsPublic) + kind;
    }

    private static string Parameters(ParameterInfo[] parameters) => string.Join(", ", parameters.Select(Of));

    private static string Of(ParameterInfo parameter)
    {
        string mode = parameter switch
        {
            { ParameterType.IsByRef: true, IsOut: true } => "out ",
            { ParameterType.IsByRef: true, IsIn: true } => "in ",
            { ParameterType.IsByRef: true } => "ref ",
            _ when parameter.IsDefined(typeof(ParamArrayAttribute)) || parameter.IsDefined(typeof(ParamCollectionAttribute)) => "params ",
            _ => string.Empty,
        };
        string value = parameter.HasDefaultValue ? $" = {Constant(parameter.RawDefaultValue, parameter.ParameterType)}" : string.Empty;
        return $"{mode}{TypeText.Of(parameter.ParameterType, Nullability.Create(parameter))} {parameter.Name}{value}";
    }

    private static string Constant(object? value, Type type) => value switch
    {
        null => type.IsValueType ? "default" : "null",
        string text => $"\"{text}\"",
        bool flag => flag ? "true" : "false",
        _ when type.IsEnum => Enum.ToObject(type, value).ToString()!,
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString()!,
    };
}
