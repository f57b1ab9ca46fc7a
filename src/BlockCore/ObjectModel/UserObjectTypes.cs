using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.BlockCore.ObjectModel;

/// <summary>The types of objects that can be created in one graph, by name: those of this library, and those that were registered. <i>QEMU: the types behind object-add.</i></summary>
public sealed class UserObjectTypes
{
    private readonly OrderedDictionary<string, UserObjectType> _byName = new(StringComparer.Ordinal);

    /// <summary>Registers <paramref name="types"/> after those of this library; of two with one name the later counts.</summary>
    public UserObjectTypes(IEnumerable<UserObjectType> types)
    {
        ArgumentNullException.ThrowIfNull(types);
        foreach (UserObjectType type in types.Prepend(new ThrottleGroupType()).Prepend(new SecretType()))
        {
            _byName[type.Name] = type;
        }
    }

    /// <summary>The types, in order of registration.</summary>
    public IReadOnlyList<UserObjectType> All => _byName.Values;

    /// <summary>The type <paramref name="name"/>.</summary>
    /// <exception cref="BlockException">There is none.</exception>
    public UserObjectType Get(string name, bool suggestsNearest = false)
    {
        if (_byName.TryGetValue(name, out UserObjectType? type))
        {
            return type;
        }

        string? nearest = suggestsNearest ? NearestText.Find(name, _byName.Keys) : null;
        throw new BlockException($"Parameter 'qom-type' does not accept value '{name}'" + (nearest is null ? "" : $" (did you mean '{nearest}'?)"));
    }
}
