using System.Diagnostics.CodeAnalysis;
using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Objects;

/// <summary>The user-created objects of one graph, by id, in order of creation. Main context only. <i>QEMU: the /objects container.</i></summary>
public sealed class ObjectRegistry : IDisposable
{
    private readonly OrderedDictionary<string, IUserObject> _objects = new(StringComparer.Ordinal);

    /// <summary>Ids and objects, in order of creation.</summary>
    public IEnumerable<KeyValuePair<string, IUserObject>> All => _objects;

    /// <summary>Adds <paramref name="userObject"/> as <paramref name="id"/>, and has it come into effect; the registry owns it from now on.</summary>
    /// <exception cref="BlockException">The id is taken, or the object cannot come into effect; it is the caller's still.</exception>
    public void Add(string id, IUserObject userObject)
    {
        ArgumentNullException.ThrowIfNull(userObject);

        // Objects are properties of their container, and so is its type.
        if (id == "type" || !_objects.TryAdd(id, userObject))
        {
            throw new BlockException(BlockErrorKind.AlreadyExists, $"attempt to add duplicate property '{id}' to object (type 'container')");
        }

        try
        {
            userObject.Complete();
        }
        catch
        {
            _objects.Remove(id);
            throw;
        }
    }

    /// <summary>The object <paramref name="id"/>, if it is there and a <typeparamref name="T"/>.</summary>
    public bool TryGet<T>(string id, [NotNullWhen(true)] out T? userObject)
        where T : class, IUserObject
    {
        userObject = _objects.TryGetValue(id, out IUserObject? found) ? found as T : null;
        return userObject is not null;
    }

    /// <summary>Removes and disposes the object <paramref name="id"/>.</summary>
    /// <exception cref="BlockException">It is unknown, or in use.</exception>
    public void Remove(string id)
    {
        if (!_objects.TryGetValue(id, out IUserObject? found))
        {
            throw new BlockException(BlockErrorKind.NotFound, $"object '{id}' not found");
        }

        if (found.IsInUse)
        {
            throw new BlockException(BlockErrorKind.Busy, $"object '{id}' is in use, can not be deleted");
        }

        _objects.Remove(id);
        found.Dispose();
    }

    /// <summary>Disposes every object, newest first.</summary>
    public void Dispose()
    {
        for (int i = _objects.Count - 1; i >= 0; i--)
        {
            _objects.GetAt(i).Value.Dispose();
        }

        _objects.Clear();
    }
}
