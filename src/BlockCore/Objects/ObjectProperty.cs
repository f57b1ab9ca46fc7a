using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.BlockCore.Objects;

/// <summary>One property of an object, by name. <i>QEMU: ObjectProperty.</i></summary>
/// <param name="Name">What it is called.</param>
/// <param name="TypeName">What its value is, such as <c>int</c>; shown in lists.</param>
public sealed record ObjectProperty(string Name, string TypeName)
{
    /// <summary>Returns the value; null where it cannot be read.</summary>
    public Func<OptionValue>? Read { get; init; }

    /// <summary>Sets the value, or throws a <see cref="BlockException"/> and changes nothing; null where it cannot be set.</summary>
    public Action<OptionValue>? Write { get; init; }

    /// <summary>The property that every object has first: the name of its type.</summary>
    public static ObjectProperty TypeOf(string typeName) => new("type", "string") { Read = () => typeName };

    /// <summary>The value of <paramref name="name"/> among <paramref name="properties"/> of an object of type <paramref name="typeName"/>.</summary>
    /// <exception cref="BlockException">There is no such property, or it cannot be read.</exception>
    public static OptionValue Get(string typeName, IEnumerable<ObjectProperty> properties, string name) =>
        (Find(typeName, properties, name).Read ?? throw Refused(typeName, name, "is not readable"))();

    /// <summary>Sets <paramref name="name"/> among <paramref name="properties"/> of an object of type <paramref name="typeName"/>.</summary>
    /// <exception cref="BlockException">There is no such property, it cannot be set, or not to this; nothing has changed.</exception>
    public static void Set(string typeName, IEnumerable<ObjectProperty> properties, string name, OptionValue value) =>
        (Find(typeName, properties, name).Write ?? throw Refused(typeName, name, "is not writable"))(value);

    private static ObjectProperty Find(string typeName, IEnumerable<ObjectProperty> properties, string name) =>
        properties.FirstOrDefault(property => property.Name == name)
        ?? throw new BlockException(BlockErrorKind.NotFound, $"Property '{typeName}.{name}' not found");

    private static BlockException Refused(string typeName, string name, string why) =>
        new(BlockErrorKind.NotPermitted, $"Property '{typeName}.{name}' {why}");
}
