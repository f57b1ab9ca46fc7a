using System.Globalization;

namespace BlockGraph.BlockCore.Options;

/// <summary>
/// Options by the fragments of their names, however they were spelt: <c>file.driver</c> and <c>{"file": {"driver": …}}</c> are one. A name may
/// have a value and names below it at once; whoever uses it says what that means. Taking a part out costs nothing, however large it is.
/// </summary>
internal sealed class OptionsTree
{
    private readonly OrderedDictionary<string, OptionsTree> _below = new(StringComparer.Ordinal);

    /// <summary>The value of the name itself, or null.</summary>
    public OptionValue? Value { get; set; }

    /// <summary>True where there is neither a value nor a name below.</summary>
    public bool IsEmpty => Value is null && _below.Count == 0;

    /// <summary>True where there are names below.</summary>
    public bool HasNames => _below.Count > 0;

    /// <summary>The options of <paramref name="options"/>, nested, dotted or both; a later spelling of the same name wins.</summary>
    public static OptionsTree Of(OptionsDictionary options)
    {
        OptionsTree tree = new();
        tree.Add(options);
        return tree;
    }

    /// <summary>The part under <paramref name="name"/>, a single fragment; null where there is none.</summary>
    public OptionsTree? Find(string name) => _below.GetValueOrDefault(name);

    /// <summary>The text under <paramref name="name"/>, or null.</summary>
    public string? GetText(string name) => Find(name)?.Value?.AsText;

    /// <summary>Takes the part under <paramref name="name"/> out, or null.</summary>
    public OptionsTree? Take(string name) => _below.Remove(name, out OptionsTree? part) ? part : null;

    /// <summary>Takes the value under <paramref name="name"/> away; what is below it stays.</summary>
    public void RemoveValue(string name)
    {
        if (Find(name) is { } part)
        {
            part.Value = null;
            if (part.IsEmpty)
            {
                _below.Remove(name);
            }
        }
    }

    /// <summary>Sets the value under a path of fragments.</summary>
    public void Set(OptionValue value, params ReadOnlySpan<string> path)
    {
        OptionsTree part = this;
        foreach (string name in path)
        {
            part = part.GetOrAdd(name);
        }

        part.Value = value;
    }

    /// <summary>Puts <paramref name="given"/> over this: where both have a value, that of the given one holds.</summary>
    public void Override(OptionsTree given)
    {
        Value = given.Value ?? Value;
        foreach ((string name, OptionsTree part) in given._below)
        {
            GetOrAdd(name).Override(part);
        }
    }

    /// <summary>A tree of its own with the same values.</summary>
    public OptionsTree Clone()
    {
        OptionsTree copy = new();
        copy.Override(this);
        return copy;
    }

    /// <summary>The values under their dotted names.</summary>
    public OptionsDictionary Flatten()
    {
        OptionsDictionary flat = [];
        FlattenInto(flat, string.Empty);
        return flat;
    }

    private void FlattenInto(OptionsDictionary flat, string prefix)
    {
        foreach ((string name, OptionsTree part) in _below)
        {
            if (part.Value is { } value)
            {
                flat[prefix + name] = value;
            }

            part.FlattenInto(flat, $"{prefix}{name}.");
        }
    }

    // A name begins where it parts from the one before: neighbours share most of their way, and a deep chain is long.
    private void Add(OptionsDictionary options)
    {
        Stack<(int Start, OptionsTree Part)> way = new([(0, this)]);
        string previous = string.Empty;
        foreach ((string key, OptionValue value) in options)
        {
            int shared = key.AsSpan().CommonPrefixLength(previous);
            while (way.Peek().Start > shared)
            {
                way.Pop();
            }

            (int start, OptionsTree part) = way.Peek();
            for (int dot; (dot = key.IndexOf('.', start)) >= 0; start = dot + 1)
            {
                part = part.GetOrAdd(key[start..dot]);
                way.Push((dot + 1, part));
            }

            part.GetOrAdd(key[start..]).AddValue(value);
            previous = key;
        }
    }

    private void AddValue(OptionValue value)
    {
        switch (value)
        {
            case OptionsDictionary { Count: > 0 } dictionary:
                Add(dictionary);
                break;
            case OptionsList { Count: > 0 } list:
                for (int i = 0; i < list.Count; i++)
                {
                    GetOrAdd(i.ToString(CultureInfo.InvariantCulture)).AddValue(list[i]);
                }

                break;
            default:
                Value = value;
                break;
        }
    }

    private OptionsTree GetOrAdd(string name)
    {
        if (!_below.TryGetValue(name, out OptionsTree? part))
        {
            part = new OptionsTree();
            _below.Add(name, part);
        }

        return part;
    }
}
