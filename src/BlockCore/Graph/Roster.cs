using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Graph;

/// <summary>
/// Members in order of their coming, and by name: who comes, goes or is looked for costs the same among ten as among ten thousand.
/// </summary>
/// <remarks>The main context changes it; any thread reads. A list that was handed out never changes.</remarks>
internal sealed class Roster<T>(Func<T, string?> nameOf)
    where T : class
{
    private readonly Lock _lock = new();
    private readonly LinkedList<T> _members = [];
    private readonly Dictionary<T, LinkedListNode<T>> _places = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<string, T> _byName = new(StringComparer.Ordinal);

    // Made when it is asked for, and again after a change.
    private T[]? _list = [];

    /// <summary>Everyone, in order of coming.</summary>
    public T[] List
    {
        get
        {
            T[]? list = Volatile.Read(ref _list);
            if (list is null)
            {
                lock (_lock)
                {
                    list = _list ??= [.. _members];
                }
            }

            return list;
        }
    }

    /// <summary>The one called <paramref name="name"/>, or null.</summary>
    public T? Find(string name)
    {
        lock (_lock)
        {
            return _byName.GetValueOrDefault(name);
        }
    }

    /// <summary>Somebody comes, under a name that nobody here has, or without one.</summary>
    public void Add(T member)
    {
        lock (_lock)
        {
            Invariant.Check(!_places.ContainsKey(member));
            if (nameOf(member) is { } name)
            {
                Invariant.Check(_byName.TryAdd(name, member));
            }

            _places.Add(member, _members.AddLast(member));
            _list = null;
        }
    }

    /// <summary>Somebody goes; nothing happens where he is gone.</summary>
    public void Remove(T member)
    {
        lock (_lock)
        {
            if (_places.Remove(member, out LinkedListNode<T>? place))
            {
                _members.Remove(place);
                if (nameOf(member) is { } name)
                {
                    _byName.Remove(name);
                }

                _list = null;
            }
        }
    }
}
