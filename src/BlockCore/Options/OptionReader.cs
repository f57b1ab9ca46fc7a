using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Options;

/// <summary>
/// Reads a flat dictionary by a schema and remembers what was read, so that whatever nobody consumed can be refused.
/// Every method throws a <see cref="BlockException"/> that names the option. <i>QEMU: qemu_opts_absorb_qdict() and the opt getters.</i>
/// </summary>
public sealed class OptionReader
{
    private readonly OptionsDictionary _options;
    private readonly OptionSchema _schema;

    /// <summary>Reads from <paramref name="options"/> (flat; consumed keys are removed from it) by <paramref name="schema"/>.</summary>
    public OptionReader(OptionsDictionary options, OptionSchema schema)
    {
        _options = options;
        _schema = schema;
    }

    /// <summary>The text of <paramref name="name"/>, its default, or null.</summary>
    public string? GetString(string name) => Take(name, out OptionDefinition definition, out OptionValue? value) ? OptionText(name, value!) : definition.Default;

    /// <summary>The boolean <paramref name="name"/>, or its default; off where it has none.</summary>
    public bool GetBoolean(string name) => GetBooleanOrNull(name) ?? false;

    /// <summary>The boolean <paramref name="name"/>, its default, or null.</summary>
    public bool? GetBooleanOrNull(string name) => throw new NotImplementedException(name);

    /// <summary>The size <paramref name="name"/> in bytes, or its default; 0 where it has none.</summary>
    public long GetSize(string name) => GetSizeOrNull(name) ?? 0;

    /// <summary>The size <paramref name="name"/> in bytes, its default, or null.</summary>
    public long? GetSizeOrNull(string name) => throw new NotImplementedException(name);

    /// <summary>The integer <paramref name="name"/>, or its default; 0 where it has none.</summary>
    public long GetInteger(string name) => GetIntegerOrNull(name) ?? 0;

    /// <summary>The integer <paramref name="name"/>, its default, or null.</summary>
    public long? GetIntegerOrNull(string name) => throw new NotImplementedException(name);

    /// <summary>The index into the allowed values of the enum <paramref name="name"/>, or of its default. The default must be set.</summary>
    public int GetEnumIndex(string name) => throw new NotImplementedException(name);

    /// <summary>True where <paramref name="name"/> is given and not yet consumed.</summary>
    public bool IsGiven(string name) => _options.ContainsKey(name);

    private static string OptionText(string name, OptionValue value) => value.AsText ?? throw new BlockException($"Invalid parameter type for '{name}', expected: string");

    private bool Take(string name, out OptionDefinition definition, out OptionValue? value)
    {
        if (!_schema.TryGet(name, out OptionDefinition? found))
        {
            Invariant.Fail($"option '{name}' is read but not declared");
        }

        definition = found;
        value = _options.Take(name);
        return value is not null;
    }
}
