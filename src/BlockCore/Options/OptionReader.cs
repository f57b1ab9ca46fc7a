using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Options;

/// <summary>
/// Reads a flat dictionary by a schema and remembers what was read, so that whatever nobody consumed can be refused.
/// Text is converted by the grammar of its type; a value that came typed must have the right type already. Every method
/// throws a <see cref="BlockException"/> that names the option. <i>QEMU: qemu_opts_absorb_qdict() and the opt getters.</i>
/// </summary>
public sealed class OptionReader
{
    private readonly OptionsDictionary _options;
    private readonly OptionSchema _schema;
    private readonly string _prefix;
    private readonly OptionDialect _dialect;

    /// <summary>Reads from <paramref name="options"/> (flat; consumed keys are removed from it) by <paramref name="schema"/>.</summary>
    /// <param name="options">The options; what stays in it was not consumed.</param>
    /// <param name="schema">What may be read.</param>
    /// <param name="prefix">Stands before the option's name in error texts, such as <c>file.</c>; it is not part of the keys.</param>
    /// <param name="dialect">How values are converted, and mistakes told.</param>
    public OptionReader(OptionsDictionary options, OptionSchema schema, string prefix = "", OptionDialect dialect = OptionDialect.Opts)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(schema);
        ArgumentNullException.ThrowIfNull(prefix);
        _options = options;
        _schema = schema;
        _prefix = prefix;
        _dialect = dialect;
    }

    /// <summary>The text of <paramref name="name"/>, its default, or null.</summary>
    public string? GetString(string name) => Take(name, null, out OptionDefinition definition) is { } value ? TextOf(name, value) : definition.Default;

    /// <summary>The boolean <paramref name="name"/>, or its default; off where it has none.</summary>
    public bool GetBoolean(string name) => GetBooleanOrNull(name) ?? false;

    /// <summary>The boolean <paramref name="name"/>, its default, or null.</summary>
    public bool? GetBooleanOrNull(string name) => TakeOrDefault(name, OptionType.Boolean) switch
    {
        null => null,
        OptionText text when IsConverted(text) => BooleanText.Parse(_prefix + name, text.Text),
        OptionBoolean boolean => boolean.Value,
        _ => throw WrongType(name, "boolean"),
    };

    /// <summary>The size <paramref name="name"/> in bytes, or its default; 0 where it has none.</summary>
    public long GetSize(string name) => GetSizeOrNull(name) ?? 0;

    /// <summary>The size <paramref name="name"/> in bytes, its default, or null. From 0 to 2^63 - 1.</summary>
    public long? GetSizeOrNull(string name) => TakeOrDefault(name, OptionType.Size) switch
    {
        null => null,
        OptionText text when IsConverted(text) => SizeText.Parse(_prefix + name, text.Text),
        OptionInteger { Value: var value } when value < 0 => throw SizeText.MalformedFailure(_prefix + name),
        OptionInteger { Value: var value } integer when value > long.MaxValue => throw SizeText.OutOfRangeFailure(_prefix + name, integer.AsText),
        OptionInteger integer => (long)integer.Value,
        _ => throw WrongType(name, "integer"),
    };

    /// <summary>The integer <paramref name="name"/>, or its default; 0 where it has none.</summary>
    public long GetInteger(string name) => GetIntegerOrNull(name) ?? 0;

    /// <summary>The integer <paramref name="name"/>, its default, or null. It may be negative; the caller knows its range.</summary>
    public long? GetIntegerOrNull(string name) => TakeOrDefault(name, OptionType.Integer) switch
    {
        null => null,
        OptionText text when IsConverted(text) => ParseInteger(name, text.Text),
        OptionInteger integer when integer.Value >= long.MinValue && integer.Value <= long.MaxValue => (long)integer.Value,
        _ => throw WrongType(name, "integer"), // Integers beyond 64 bits with sign too: their type is another one.
    };

    /// <summary>The index into the allowed values of the enum <paramref name="name"/>, or of its default. The default must be set.</summary>
    public int GetEnumIndex(string name)
    {
        int? index = GetEnumIndexOrNull(name);
        Invariant.Check(index is not null);
        return index.Value;
    }

    /// <summary>The index into the allowed values of the enum <paramref name="name"/>, or of its default; null where it has none.</summary>
    public int? GetEnumIndexOrNull(string name)
    {
        OptionValue? value = Take(name, OptionType.Enum, out OptionDefinition definition);
        if (value is null)
        {
            return definition.Default is null ? null : DefaultIndex(definition);
        }

        string text = TextOf(name, value);
        int index = IndexOf(definition.AllowedValues, text);
        return index >= 0 ? index : throw NotAllowed(name, text, definition);
    }

    /// <summary>One reader for each element of the list <paramref name="name"/>, in order. A list that is not given has none.</summary>
    public IReadOnlyList<OptionReader> GetList(string name)
    {
        OptionSchema element = Declared(name, OptionType.List).Element!;
        if (_options.Take(name) is { } value and not OptionsList { Count: 0 })
        {
            throw WrongType(name, "array");
        }

        List<OptionReader> readers = [];
        while (TakeElement($"{name}.{readers.Count}") is { Count: > 0 } options)
        {
            bool isValue = element.TryGet(string.Empty, out _);
            readers.Add(new OptionReader(options, element, $"{_prefix}{name}.{readers.Count}{(isValue ? "" : ".")}", _dialect));
        }

        return _options.Keys.Any(key => key.StartsWith(name + ".", StringComparison.Ordinal))
            ? throw new BlockException($"Parameter '{_prefix}{name}.{readers.Count}' missing")
            : readers;
    }

    /// <summary>True where <paramref name="name"/> is given and not yet consumed.</summary>
    public bool IsGiven(string name) => _options.ContainsKey(name);

    /// <summary>True where two values of the option <paramref name="definition"/> mean the same, however they are spelt.</summary>
    public static bool AreEqual(OptionDefinition definition, OptionValue first, OptionValue second)
    {
        ArgumentNullException.ThrowIfNull(definition);
        try
        {
            return Meaning(definition, first).Equals(Meaning(definition, second));
        }
        catch (BlockException)
        {
            // A malformed value means nothing, and so is no other's equal.
            return false;
        }
    }

    /// <summary>Consumes the option <paramref name="definition"/>, if it is given, to see whether its value is one.</summary>
    internal void Check(OptionDefinition definition)
    {
        switch (definition.Type)
        {
            case OptionType.Boolean:
                GetBooleanOrNull(definition.Name);
                break;
            case OptionType.Size:
                GetSizeOrNull(definition.Name);
                break;
            case OptionType.Integer:
                GetIntegerOrNull(definition.Name);
                break;
            case OptionType.Enum:
                GetEnumIndexOrNull(definition.Name);
                break;
            default:
                GetString(definition.Name);
                break;
        }
    }

    private static object Meaning(OptionDefinition definition, OptionValue value)
    {
        OptionReader reader = new(new OptionsDictionary { { definition.Name, value } }, new OptionSchema(definition));
        return definition.Type switch
        {
            OptionType.Boolean => reader.GetBoolean(definition.Name),
            OptionType.Size => reader.GetSize(definition.Name),
            OptionType.Integer => reader.GetInteger(definition.Name),
            OptionType.Enum => reader.GetEnumIndex(definition.Name),
            _ => value.AsText ?? string.Empty,
        };
    }

    private static int DefaultIndex(OptionDefinition definition)
    {
        int index = IndexOf(definition.AllowedValues, definition.Default!);
        Invariant.Check(index >= 0);
        return index;
    }

    private static int IndexOf(IReadOnlyList<string> values, string text)
    {
        for (int i = 0; i < values.Count; i++)
        {
            if (values[i] == text)
            {
                return i;
            }
        }

        return -1;
    }

    // What came as a string among typed values is no number.
    private bool IsConverted(OptionText text) => _dialect == OptionDialect.Opts || !text.IsTyped;

    private long ParseInteger(string name, string text)
    {
        if (_dialect == OptionDialect.Opts)
        {
            return NumberText.Parse(_prefix + name, text);
        }

        return NumberText.TryParse(text, out long value) == NumberTextStatus.Ok ? value : throw new BlockException($"Parameter '{_prefix}{name}' expects integer");
    }

    private string TextOf(string name, OptionValue value) => value is OptionText text ? text.Text : throw WrongType(name, "string");

    private OptionValue? TakeOrDefault(string name, OptionType type)
    {
        OptionValue? value = Take(name, type, out OptionDefinition definition);
        return value is null && definition.Default is { } text ? new OptionText(text) : value;
    }

    // The options of one element; a plain value has the empty name.
    private OptionsDictionary TakeElement(string key)
    {
        OptionsDictionary options = _options.ExtractSubdictionary(key + ".");
        if (_options.Take(key) is { } value)
        {
            options[string.Empty] = value;
        }

        return options;
    }

    private OptionDefinition Declared(string name, OptionType? type)
    {
        if (!_schema.TryGet(name, out OptionDefinition? found))
        {
            Invariant.Fail($"option '{name}' is read but not declared");
        }

        Invariant.Check(type is null || found.Type == type);
        return found;
    }

    private OptionValue? Take(string name, OptionType? type, out OptionDefinition definition)
    {
        definition = Declared(name, type);
        OptionValue? value = _options.Take(name);
        return value is not null || !definition.IsRequired
            ? value
            : throw new BlockException($"Parameter '{_prefix}{name}' is missing");
    }

    private BlockException WrongType(string name, string expected) => new($"Invalid parameter type for '{_prefix}{name}', expected: {expected}");

    private BlockException NotAllowed(string name, string text, OptionDefinition definition) =>
        new($"Parameter '{_prefix}{name}' does not accept value '{text}'")
        {
            Hint = NearestText.Find(text, definition.AllowedValues) is { } nearest ? $"Did you mean '{nearest}'?" : null,
        };
}
