using BlockGraph.BlockCore.Options;

namespace BlockGraph.BlockCore.Graph;

/// <summary>What the options of a node say about its children: by child name, a reference, a dictionary, or an opened node.</summary>
internal sealed class ChildOptions
{
    private readonly Dictionary<string, OptionsDictionary> _dictionaries = [];
    private readonly Dictionary<string, OptionValue> _references = [];
    private readonly Dictionary<string, BlockNode> _opened = [];

    /// <summary>Takes the options of child <paramref name="name"/> out of the flat <paramref name="options"/>.</summary>
    public void TakeFrom(OptionsDictionary options, string name)
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
    }

    /// <summary>True where anything is said about child <paramref name="name"/>.</summary>
    public bool Names(string name) => _references.ContainsKey(name) || _dictionaries.ContainsKey(name) || _opened.ContainsKey(name);

    /// <summary>The reference given for the child, or null.</summary>
    public OptionValue? Reference(string name) => _references.GetValueOrDefault(name);

    /// <summary>The inline options given for the child, or null.</summary>
    public OptionsDictionary? Dictionary(string name) => _dictionaries.GetValueOrDefault(name);

    /// <summary>Adds inline options for a child that has none.</summary>
    public void SetDictionary(string name, OptionsDictionary dictionary) => _dictionaries[name] = dictionary;

    /// <summary>The child has been opened already, for probing; whoever takes it takes its reference.</summary>
    public void SetOpened(string name, BlockNode node) => _opened[name] = node;

    /// <summary>Takes the node that was opened already, with its reference, or null.</summary>
    public BlockNode? TakeOpened(string name) => _opened.Remove(name, out BlockNode? node) ? node : null;

    /// <summary>Every node that was opened already and not taken.</summary>
    public IEnumerable<BlockNode> OpenedAndUnused => _opened.Values;
}
