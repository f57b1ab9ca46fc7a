using System.Diagnostics.CodeAnalysis;

namespace BlockGraph.BlockCore.Options;

/// <summary>The type of one declared option.</summary>
public enum OptionType
{
    /// <summary>Any text.</summary>
    String,

    /// <summary>A signed 64-bit integer without a suffix.</summary>
    Integer,

    /// <summary>A size in bytes, with an optional suffix of base 1024.</summary>
    Size,

    /// <summary>On or off.</summary>
    Boolean,

    /// <summary>One of <see cref="OptionDefinition.AllowedValues"/>.</summary>
    Enum,

    /// <summary>A child: a node name, or the child's own options below this key.</summary>
    Child,

    /// <summary>Any number of children, under the indices 0, 1, … below this key.</summary>
    ChildList,

    /// <summary>Any number of elements, under the indices 0, 1, … below this key; <see cref="OptionDefinition.Element"/> says what each holds.</summary>
    List,
}

/// <summary>One declared option of a driver or object: the single source of its default, its help line and its error texts. <i>QEMU: QemuOptDesc.</i></summary>
/// <param name="Name">The dotted name below the driver, such as <c>limits.iops-total</c>.</param>
/// <param name="Type">What its value is.</param>
/// <param name="Help">One line for <c>blockgraph drivers</c> and the docs, with its unit.</param>
public sealed record OptionDefinition(string Name, OptionType Type, string Help)
{
    /// <summary>The value where the option is absent, as an option string would spell it; null for none.</summary>
    public string? Default { get; init; }

    /// <summary>True where opening fails without the option.</summary>
    public bool IsRequired { get; init; }

    /// <summary>True where reopen may change it.</summary>
    public bool IsMutable { get; init; }

    /// <summary>A child that QEMU 7.2 does not have: in its profile the option is an unknown one.</summary>
    public bool IsOwnOnly { get; init; }

    /// <summary>True where it changes what a guest sees, so that generated file names must carry it.</summary>
    public bool IsStrong { get; init; }

    /// <summary>The values an <see cref="OptionType.Enum"/> accepts, in the order shown to a person.</summary>
    public IReadOnlyList<string> AllowedValues { get; init; } = [];

    /// <summary>What each element of a <see cref="OptionType.List"/> holds: options of its own, or one without a name where the element is a plain value.</summary>
    public OptionSchema? Element { get; init; }
}

/// <summary>The options that a driver or an object type declares. <i>QEMU: QemuOptsList.</i></summary>
public sealed class OptionSchema
{
    private readonly OrderedDictionary<string, OptionDefinition> _definitions = new(StringComparer.Ordinal);

    /// <summary>Declares <paramref name="definitions"/>, in the order shown to a person.</summary>
    public OptionSchema(params ReadOnlySpan<OptionDefinition> definitions)
    {
        foreach (OptionDefinition definition in definitions)
        {
            _definitions.Add(definition.Name, definition);
        }
    }

    /// <summary>The declared options, in the order shown to a person.</summary>
    public IReadOnlyList<OptionDefinition> Definitions => _definitions.Values;

    /// <summary>The declared options that name children.</summary>
    public IEnumerable<OptionDefinition> Children => Definitions.Where(d => d.Type is OptionType.Child or OptionType.ChildList);

    /// <summary>The declared options as a person spells them: those of a list's elements stand after the list, as <c>LIST.N.OPTION</c>.</summary>
    public IEnumerable<OptionDefinition> Spelled => Definitions.SelectMany(d => d.Element is { } element
        ? [d, .. element.Definitions.Select(e => e with { Name = ElementKey(d, "N", e.Name) })]
        : new[] { d });

    /// <summary>The definition of <paramref name="name"/>, if declared.</summary>
    public bool TryGet(string name, [NotNullWhen(true)] out OptionDefinition? definition) => _definitions.TryGetValue(name, out definition);

    /// <summary>True where declared options lie below <paramref name="name"/>: <c>limits</c>, where <c>limits.iops-total</c> is one.</summary>
    public bool IsGroup(string name) => _definitions.Keys.Any(key => key.Length > name.Length && key[name.Length] == '.' && key.StartsWith(name, StringComparison.Ordinal));

    /// <summary>The definition behind the flat key <paramref name="key"/>, which may lie in an element of a list: <c>LIST.0.OPTION</c>.</summary>
    public bool TryResolve(string key, [NotNullWhen(true)] out OptionDefinition? definition)
    {
        ArgumentNullException.ThrowIfNull(key);
        if (TryGet(key, out definition))
        {
            return true;
        }

        return FindList(key, out _, out string name) is { } list && list.Element!.TryGet(name, out definition);
    }

    /// <summary>This schema with the options of <paramref name="other"/> after its own.</summary>
    public OptionSchema With(OptionSchema other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return new OptionSchema([.. Definitions, .. other.Definitions]);
    }

    /// <summary>The declared name nearest to <paramref name="misspelt"/>, or null where none is near (Damerau-Levenshtein distance at most a third of the length, at least 1).</summary>
    public string? NearestName(string misspelt)
    {
        ArgumentNullException.ThrowIfNull(misspelt);
        return FindList(misspelt, out string index, out string name) is { } list
            ? list.Element!.NearestName(name) is { } near ? ElementKey(list, index, near) : null
            : NearestText.Find(misspelt, _definitions.Keys);
    }

    private static string ElementKey(OptionDefinition list, string index, string name) => name.Length == 0 ? $"{list.Name}.{index}" : $"{list.Name}.{index}.{name}";

    // The list in one of whose elements the key lies; the name is empty where the key is the element itself.
    private OptionDefinition? FindList(string key, out string index, out string name)
    {
        foreach (OptionDefinition list in Definitions)
        {
            if (list.Element is null || !key.StartsWith(list.Name + ".", StringComparison.Ordinal))
            {
                continue;
            }

            string rest = key[(list.Name.Length + 1)..];
            int dot = rest.IndexOf('.', StringComparison.Ordinal);
            index = dot < 0 ? rest : rest[..dot];
            name = dot < 0 ? string.Empty : rest[(dot + 1)..];
            return IsIndex(index) ? list : null;
        }

        index = string.Empty;
        name = string.Empty;
        return null;
    }

    // Canonical ones only: 01 would be another spelling of 1.
    private static bool IsIndex(string text) => text.Length is > 0 and < 10 && text.All(char.IsAsciiDigit) && (text.Length == 1 || text[0] != '0');
}
