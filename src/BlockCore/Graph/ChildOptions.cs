using BlockGraph.BlockCore.Options;

namespace BlockGraph.BlockCore.Graph;

/// <summary>What the options of a node say about its children: by child name, a reference, a dictionary, or an opened node.</summary>
internal sealed class ChildOptions
{
    private readonly Dictionary<string, OptionsDictionary> _dictionaries = [];
    private readonly Dictionary<string, OptionValue> _references = [];
    private readonly Dictionary<string, OpenedChild> _opened = [];
    private readonly Dictionary<string, int> _listLengths = [];

    /// <summary>Takes what concerns the child <paramref name="definition"/>, or a list of children, out of the flat <paramref name="options"/> and out of <paramref name="explicitOptions"/>.</summary>
    public void TakeFrom(OptionsDictionary options, OptionsDictionary explicitOptions, OptionDefinition definition)
    {
        if (definition.Type == OptionType.ChildList)
        {
            TakeListFrom(options, explicitOptions, definition.Name);
        }
        else
        {
            TakeFrom(options, explicitOptions, definition.Name);
        }
    }

    /// <summary>Takes the options of child <paramref name="name"/> out of the flat <paramref name="options"/> and out of <paramref name="explicitOptions"/>.</summary>
    public void TakeFrom(OptionsDictionary options, OptionsDictionary explicitOptions, string name)
    {
        OptionsDictionary dictionary = options.ExtractSubdictionary(name + ".");
        if (dictionary.Count > 0)
        {
            _dictionaries[name] = dictionary;
        }

        if (options.Take(name) is { } reference)
        {
            _references[name] = reference;
        }

        explicitOptions.ExtractSubdictionary(name + ".");
        explicitOptions.Remove(name);
    }

    /// <summary>How many children the list <paramref name="name"/> names: those of the indices 0, 1, … without a gap.</summary>
    public int ListLength(string name) => _listLengths.GetValueOrDefault(name);

    /// <summary>True where anything is said about child <paramref name="name"/>.</summary>
    public bool Names(string name) => _references.ContainsKey(name) || _dictionaries.ContainsKey(name) || _opened.ContainsKey(name);

    /// <summary>The reference given for the child, or null.</summary>
    public OptionValue? Reference(string name) => _references.GetValueOrDefault(name);

    /// <summary>The inline options given for the child, or null.</summary>
    public OptionsDictionary? Dictionary(string name) => _dictionaries.GetValueOrDefault(name);

    /// <summary>The child has been opened already, for probing; whoever takes it takes its reference.</summary>
    public void SetOpened(string name, OpenedChild child) => _opened[name] = child;

    /// <summary>Takes the node that was opened already, with its reference; false where there is none.</summary>
    public bool TryTakeOpened(string name, out OpenedChild opened) => _opened.Remove(name, out opened);

    /// <summary>Every node that was opened already and not taken.</summary>
    public IEnumerable<BlockNode> OpenedAndUnused => _opened.Values.Select(o => o.Node);

    private void TakeListFrom(OptionsDictionary options, OptionsDictionary explicitOptions, string name)
    {
        int length = 0;
        while (options.Keys.Any(key => IsOf(key, $"{name}.{length}")))
        {
            TakeFrom(options, explicitOptions, $"{name}.{length}");
            length++;
        }

        _listLengths[name] = length;

        // An empty list stays a value of its own when options are made flat.
        if (options.TryGetValue(name, out OptionValue? empty) && empty is OptionsList { Count: 0 })
        {
            options.Remove(name);
            explicitOptions.Remove(name);
        }
    }

    private static bool IsOf(string key, string child) => key == child || key.StartsWith(child + ".", StringComparison.Ordinal);
}
