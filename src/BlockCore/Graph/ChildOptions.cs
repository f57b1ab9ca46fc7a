using System.Globalization;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.BlockCore.Graph;

/// <summary>What the options of a node say about its children: by child name, a reference, options of its own, or an opened node.</summary>
internal sealed class ChildOptions
{
    private readonly Dictionary<string, OptionsTree> _given = [];
    private readonly Dictionary<string, OpenedChild> _opened = [];
    private readonly Dictionary<string, int> _listLengths = [];

    /// <summary>Takes what concerns the child <paramref name="definition"/>, or a list of children, out of <paramref name="options"/>.</summary>
    public void TakeFrom(OptionsTree options, OptionDefinition definition)
    {
        if (options.Take(definition.Name) is not { } part)
        {
            return;
        }

        if (definition.Type != OptionType.ChildList)
        {
            _given[definition.Name] = part;
            return;
        }

        int length = 0;
        while (part.Take(length.ToString(CultureInfo.InvariantCulture)) is { } child)
        {
            _given[$"{definition.Name}.{length}"] = child;
            length++;
        }

        _listLengths[definition.Name] = length;

        // What is left is no child: a gap in the indices, or a name. It is refused like every other option that nobody knows.
        if (part.HasNames)
        {
            foreach ((string key, OptionValue value) in part.Flatten())
            {
                options.Set(value, [definition.Name, .. key.Split('.')]);
            }
        }
    }

    /// <summary>How many children the list <paramref name="name"/> names: those of the indices 0, 1, … without a gap.</summary>
    public int ListLength(string name) => _listLengths.GetValueOrDefault(name);

    /// <summary>True where anything is said about child <paramref name="name"/>.</summary>
    public bool Names(string name) => _given.ContainsKey(name) || _opened.ContainsKey(name);

    /// <summary>The reference given for the child, or null.</summary>
    public OptionValue? Reference(string name) => _given.GetValueOrDefault(name)?.Value;

    /// <summary>The options given for the child itself, or null.</summary>
    public OptionsTree? Inline(string name) => _given.GetValueOrDefault(name) is { HasNames: true } part ? part : null;

    /// <summary>The child has been opened already, for probing; whoever takes it takes its reference.</summary>
    public void SetOpened(string name, OpenedChild child) => _opened[name] = child;

    /// <summary>Takes the node that was opened already, with its reference; false where there is none.</summary>
    public bool TryTakeOpened(string name, out OpenedChild opened) => _opened.Remove(name, out opened);

    /// <summary>Every node that was opened already and not taken.</summary>
    public IEnumerable<BlockNode> OpenedAndUnused => _opened.Values.Select(o => o.Node);
}
