using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Options;

/// <summary>
/// Holds options against a schema before anything is made of them: group by group in the schema's order, in each the types first and
/// then the names that nobody knows. <i>QEMU: a QAPI visitor's walk over a struct.</i>
/// </summary>
/// <remarks>The options of objects are plain values: a schema with lists or children cannot be held against.</remarks>
public static class OptionCheck
{
    /// <summary>The flat form of <paramref name="options"/>, which <paramref name="schema"/> allows: reading it in <see cref="OptionDialect.Qapi"/> cannot fail.</summary>
    /// <param name="schema">What may be given.</param>
    /// <param name="options">The options, nested, dotted or both.</param>
    /// <param name="suggestsNearest">Whether a name that nobody knows is answered with the nearest known one.</param>
    /// <exception cref="BlockException">A value is not of its type, or a name is unknown; the message names it.</exception>
    public static OptionsDictionary Flatten(OptionSchema schema, OptionsDictionary options, bool suggestsNearest = false)
    {
        ArgumentNullException.ThrowIfNull(schema);
        ArgumentNullException.ThrowIfNull(options);
        OptionsDictionary flat = options.Flatten();
        OptionsDictionary rest = flat.Clone();
        OptionReader reader = new(rest, schema, dialect: OptionDialect.Qapi);
        foreach (IGrouping<string, OptionDefinition> group in schema.Definitions.GroupBy(definition => GroupOf(definition.Name)))
        {
            if (group.Key.Length > 0)
            {
                TakeEmpty(options, flat, rest, group.Key);
            }

            foreach (OptionDefinition definition in group)
            {
                Invariant.Check(definition.Type is not (OptionType.List or OptionType.Child or OptionType.ChildList));
                RefuseBelow(rest, definition);
                reader.Check(definition);
            }

            if (group.Key.Length > 0)
            {
                RefuseUnknown(schema, rest, group.Key + ".", suggestsNearest);
            }
        }

        RefuseUnknown(schema, rest, string.Empty, suggestsNearest);
        return flat;
    }

    private static string GroupOf(string name) => name.LastIndexOf('.') is >= 0 and var dot ? name[..dot] : string.Empty;

    // An empty group says nothing. Anything else in its place is of the wrong type.
    private static void TakeEmpty(OptionsDictionary options, OptionsDictionary flat, OptionsDictionary rest, string group)
    {
        bool isList = options.TryGetValue(group, out OptionValue? given) && given is OptionsList;
        if (isList || (rest.Take(group) is { } value && value is not OptionsDictionary))
        {
            throw new BlockException($"Invalid parameter type for '{group}', expected: object");
        }

        flat.Remove(group);
    }

    // Names below a plain value: text that spells them is told so, a nested object is of the wrong type.
    private static void RefuseBelow(OptionsDictionary rest, OptionDefinition definition)
    {
        foreach ((string key, OptionValue value) in rest)
        {
            if (key.Length > definition.Name.Length && key[definition.Name.Length] == '.' && key.StartsWith(definition.Name, StringComparison.Ordinal))
            {
                bool isText = value is OptionText { IsTyped: false };
                throw new BlockException(isText
                    ? $"Parameters '{definition.Name}.*' are unexpected"
                    : $"Invalid parameter type for '{definition.Name}', expected: {TypeWord(definition.Type)}");
            }
        }
    }

    private static string TypeWord(OptionType type) => type switch
    {
        OptionType.Boolean => "boolean",
        OptionType.Integer or OptionType.Size => "integer",
        _ => "string",
    };

    private static void RefuseUnknown(OptionSchema schema, OptionsDictionary rest, string prefix, bool suggestsNearest)
    {
        if (rest.Keys.FirstOrDefault(key => key.StartsWith(prefix, StringComparison.Ordinal)) is { } unknown)
        {
            string? nearest = suggestsNearest ? schema.NearestName(unknown) : null;
            throw new BlockException($"Parameter '{unknown}' is unexpected" + (nearest is null ? "" : $" (did you mean '{nearest}'?)"));
        }
    }
}
