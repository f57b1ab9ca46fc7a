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

    /// <summary>True where it changes what a guest sees, so that generated file names must carry it.</summary>
    public bool IsStrong { get; init; }

    /// <summary>The values an <see cref="OptionType.Enum"/> accepts, in the order shown to a person.</summary>
    public IReadOnlyList<string> AllowedValues { get; init; } = [];
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

    /// <summary>The definition of <paramref name="name"/>, if declared.</summary>
    public bool TryGet(string name, [NotNullWhen(true)] out OptionDefinition? definition) => _definitions.TryGetValue(name, out definition);

    /// <summary>This schema with the options of <paramref name="other"/> after its own.</summary>
    public OptionSchema With(OptionSchema other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return new OptionSchema([.. Definitions, .. other.Definitions]);
    }

    /// <summary>The declared name nearest to <paramref name="misspelt"/>, or null where none is near (Damerau-Levenshtein distance at most a third of the length, at least 1).</summary>
    public string? NearestName(string misspelt) => NearestText.Find(misspelt, _definitions.Keys);
}
