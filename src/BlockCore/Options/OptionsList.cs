using System.Collections;

namespace BlockGraph.BlockCore.Options;

/// <summary>An ordered list of option values. <i>QEMU: QList.</i></summary>
public sealed class OptionsList : OptionValue, IReadOnlyList<OptionValue>
{
    private readonly List<OptionValue> _items = [];

    /// <inheritdoc/>
    public int Count => _items.Count;

    /// <inheritdoc/>
    public OptionValue this[int index] => _items[index];

    /// <summary>Appends <paramref name="value"/>.</summary>
    public void Add(OptionValue value) => _items.Add(value);

    /// <inheritdoc/>
    public IEnumerator<OptionValue> GetEnumerator() => _items.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
