using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.Qapi.Options;

/// <summary>One parsed set of flat options: every repetition is kept, and a look-up finds the last. <i>QEMU: QemuOpts.</i></summary>
public sealed class QemuOptions
{
    private readonly List<KeyValuePair<string, string>> _entries = [];

    /// <summary>What the first <c>id</c> says; null where there is none.</summary>
    public string? Id { get; internal set; }

    /// <summary>True where an item is a bare <c>help</c> or <c>?</c>; it is an entry too, because not every caller has help to give.</summary>
    public bool IsHelpWanted { get; internal set; }

    /// <summary>All names and values but <c>id</c>, in the order given, repetitions included.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Entries => _entries;

    /// <summary>The last value of <paramref name="name"/>, or null.</summary>
    public string? Find(string name)
    {
        for (int i = _entries.Count - 1; i >= 0; i--)
        {
            if (_entries[i].Key == name)
            {
                return _entries[i].Value;
            }
        }

        return null;
    }

    /// <summary>Every value of <paramref name="name"/>, in the order given.</summary>
    public IReadOnlyList<string> FindAll(string name)
    {
        List<string> values = [];
        foreach ((string key, string value) in _entries)
        {
            if (key == name)
            {
                values.Add(value);
            }
        }

        return values;
    }

    /// <summary>The options as a flat dictionary of text, <c>id</c> among them if given; of repetitions the last wins.</summary>
    public OptionsDictionary ToDictionary()
    {
        OptionsDictionary dictionary = [];
        if (Id is not null)
        {
            dictionary["id"] = Id;
        }

        foreach ((string name, string value) in _entries)
        {
            dictionary[name] = value;
        }

        return dictionary;
    }

    /// <summary>Checks every entry, also those that a later one overrides, against <paramref name="schema"/>.</summary>
    /// <param name="schema">What may be given.</param>
    /// <param name="suggestsNearest">Whether the failure about an unknown name says which one may have been meant.</param>
    /// <exception cref="BlockException">A name is not declared, or a number, size or boolean is malformed. What an enum allows is left to its reader.</exception>
    public void Validate(OptionSchema schema, bool suggestsNearest = false)
    {
        ArgumentNullException.ThrowIfNull(schema);
        foreach ((string name, string value) in _entries)
        {
            if (!schema.TryGet(name, out OptionDefinition? definition))
            {
                string? nearest = suggestsNearest ? schema.NearestName(name) : null;
                throw new BlockException($"Invalid parameter '{name}'") { Hint = nearest is null ? null : $"did you mean '{nearest}'?" };
            }

            switch (definition.Type)
            {
                case OptionType.Boolean:
                    BooleanText.Parse(name, value);
                    break;
                case OptionType.Integer:
                    NumberText.Parse(name, value);
                    break;
                case OptionType.Size:
                    SizeText.Parse(name, value);
                    break;
            }
        }
    }

    internal void Add(string name, string value) => _entries.Add(new KeyValuePair<string, string>(name, value));
}
