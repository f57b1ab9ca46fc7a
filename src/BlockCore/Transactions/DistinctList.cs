using System.Collections;

namespace BlockGraph.BlockCore.Transactions;

/// <summary>A list in order of adding that holds everything once; asking whether something is there costs the same at any length.</summary>
internal sealed class DistinctList<T> : IReadOnlyList<T>
    where T : class
{
    private readonly List<T> _list = [];
    private readonly HashSet<T> _set = new(ReferenceEqualityComparer.Instance);

    /// <inheritdoc/>
    public int Count => _list.Count;

    /// <inheritdoc/>
    public T this[int index] => _list[index];

    /// <summary>Adds <paramref name="item"/>, unless it is there.</summary>
    public void Add(T item)
    {
        if (_set.Add(item))
        {
            _list.Add(item);
        }
    }

    /// <summary>True where <paramref name="item"/> was added.</summary>
    public bool Contains(T item) => _set.Contains(item);

    /// <inheritdoc/>
    public IEnumerator<T> GetEnumerator() => _list.GetEnumerator();

    /// <inheritdoc/>
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
