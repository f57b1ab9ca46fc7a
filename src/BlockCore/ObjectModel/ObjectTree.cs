using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Objects;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.BlockCore.ObjectModel;

/// <summary>One entry of a container of the object tree.</summary>
/// <param name="Name">What it is called there.</param>
/// <param name="TypeName">What it is: <c>child&lt;TYPE&gt;</c> for an object, or the type of a property.</param>
public sealed record ObjectTreeEntry(string Name, string TypeName);

/// <summary>
/// The objects of one graph as users see them: created by type and id, found by path, looked at and set by property. Any thread; everything
/// runs on the main context. <i>QEMU: object-add, object-del, qom-list, qom-get, qom-set.</i>
/// </summary>
/// <remarks>
/// <c>/objects/ID</c>, or <c>ID</c> alone, is what a user has created. <c>/throttle-groups/NAME</c> is every group, those of nodes and devices
/// too, which are no objects and cannot be deleted.
/// </remarks>
public sealed class ObjectTree
{
    private const string ObjectsPath = "objects";
    private const string GroupsPath = "throttle-groups";
    private const string TypeKey = "qom-type";
    private const string IdKey = "id";
    private const string OldOptionsKey = "props";

    private static readonly OptionSchema s_identity = new(
        new OptionDefinition(TypeKey, OptionType.String, "the object's type") { IsRequired = true },
        new OptionDefinition(IdKey, OptionType.String, "what it is called") { IsRequired = true });

    private readonly NodeGraph _graph;

    internal ObjectTree(NodeGraph graph, IEnumerable<UserObjectType> types)
    {
        _graph = graph;
        Types = new UserObjectTypes(types);
    }

    /// <summary>What can be created.</summary>
    public UserObjectTypes Types { get; }

    /// <summary>Creates an object of the type and with the id that <paramref name="options"/> hold as <c>qom-type</c> and <c>id</c>. <i>QEMU: object-add.</i></summary>
    /// <param name="options">The options, nested, dotted or both. As in old versions of QEMU, those of the type may lie in <c>props</c>.</param>
    /// <exception cref="BlockException">They are malformed or do not go together, or the id is taken; nothing has changed.</exception>
    public Task<IUserObject> AddAsync(OptionsDictionary options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return _graph.MainContext.RunAsync(() => Task.FromResult(Add(options)));
    }

    /// <summary>Creates an object <paramref name="id"/> of the type <paramref name="typeName"/>; see <see cref="AddAsync(OptionsDictionary)"/>.</summary>
    /// <exception cref="BlockException">The options are malformed or do not go together, or the id is taken; nothing has changed.</exception>
    public Task<IUserObject> AddAsync(string typeName, string id, OptionsDictionary options)
    {
        ArgumentNullException.ThrowIfNull(typeName);
        ArgumentNullException.ThrowIfNull(id);
        ArgumentNullException.ThrowIfNull(options);
        OptionsDictionary all = options.Clone();
        all[TypeKey] = typeName;
        all[IdKey] = id;
        return AddAsync(all);
    }

    /// <summary>Deletes the object <paramref name="id"/>. <i>QEMU: object-del.</i></summary>
    /// <exception cref="BlockException">It is unknown, or in use.</exception>
    public Task DeleteAsync(string id)
    {
        ArgumentNullException.ThrowIfNull(id);
        return _graph.MainContext.RunAsync(() =>
        {
            _graph.Objects.Remove(id);
            return Task.CompletedTask;
        });
    }

    /// <summary>What the object at <paramref name="path"/> has as <paramref name="property"/>. <i>QEMU: qom-get.</i></summary>
    /// <exception cref="BlockException">There is no such object or property, or it cannot be read.</exception>
    public Task<OptionValue> GetPropertyAsync(string path, string property) => _graph.MainContext.RunAsync(() =>
    {
        (string typeName, IReadOnlyList<ObjectProperty> properties) = Find(path);
        return Task.FromResult(ObjectProperty.Get(typeName, properties, property));
    });

    /// <summary>Sets <paramref name="property"/> of the object at <paramref name="path"/>. <i>QEMU: qom-set.</i></summary>
    /// <exception cref="BlockException">There is no such object or property, it cannot be set, or not to this; nothing has changed.</exception>
    public Task SetPropertyAsync(string path, string property, OptionValue value)
    {
        ArgumentNullException.ThrowIfNull(value);
        return _graph.MainContext.RunAsync(() =>
        {
            (string typeName, IReadOnlyList<ObjectProperty> properties) = Find(path);
            ObjectProperty.Set(typeName, properties, property, value);
            return Task.CompletedTask;
        });
    }

    /// <summary>What lies in the container at <paramref name="path"/>, or the properties of the object there. <i>QEMU: qom-list.</i></summary>
    /// <exception cref="BlockException">There is nothing.</exception>
    public Task<IReadOnlyList<ObjectTreeEntry>> ListAsync(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return _graph.MainContext.RunAsync(() => Task.FromResult<IReadOnlyList<ObjectTreeEntry>>(
        [
            .. path switch
            {
                "/" => [new(ObjectsPath, "child<container>"), new(GroupsPath, "child<container>")],
                "/" + ObjectsPath or ObjectsPath => _graph.Objects.All.Select(entry => new ObjectTreeEntry(entry.Key, $"child<{entry.Value.TypeName}>")),
                "/" + GroupsPath or GroupsPath => _graph.ThrottleGroups.Groups.Select(group => new ObjectTreeEntry(group.Name, $"child<{ThrottleGroupType.TypeName}>")),
                _ => Find(path).Properties.Select(property => new ObjectTreeEntry(property.Name, property.TypeName)),
            },
        ]));
    }

    private IUserObject Add(OptionsDictionary given)
    {
        OptionsDictionary options = WithoutNesting(given);
        OptionReader identity = new(options, s_identity, dialect: OptionDialect.Qapi);
        UserObjectType type = Types.Get(identity.GetString(TypeKey)!, _graph.Profile.SuggestsNearestOption);
        string id = identity.GetString(IdKey)!;
        OptionsDictionary flat = OptionCheck.Flatten(type.Options, options, _graph.Profile.SuggestsNearestOption);
        ObjectId.Check(id);
        IUserObject created = type.Create(new UserObjectContext(_graph, id, new OptionReader(flat, type.Options, dialect: OptionDialect.Qapi)));
        try
        {
            _graph.Objects.Add(id, created);
        }
        catch
        {
            created.Dispose();
            throw;
        }

        return created;
    }

    private static OptionsDictionary WithoutNesting(OptionsDictionary given)
    {
        OptionsDictionary options = given.Clone();
        if (options.Take(OldOptionsKey) is not { } nested)
        {
            return options;
        }

        if (nested is not OptionsDictionary properties)
        {
            throw new BlockException($"Invalid parameter type for '{OldOptionsKey}', expected: object");
        }

        foreach ((string key, OptionValue value) in properties)
        {
            if (options.ContainsKey(key))
            {
                throw new BlockException($"'{key}' and '{OldOptionsKey}.{key}' can't be used at the same time");
            }

            options[key] = value;
        }

        return options;
    }

    private (string TypeName, IReadOnlyList<ObjectProperty> Properties) Find(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        string relative = path.StartsWith('/') ? path[1..] : path;
        if (relative.StartsWith(GroupsPath + "/", StringComparison.Ordinal))
        {
            string name = relative[(GroupsPath.Length + 1)..];
            return _graph.ThrottleGroups.Find(name) is { } group ? (ThrottleGroupType.TypeName, new ThrottleGroupProperties(_graph, group).All) : throw NotFound(path);
        }

        string id = relative.StartsWith(ObjectsPath + "/", StringComparison.Ordinal) ? relative[(ObjectsPath.Length + 1)..] : path;
        return _graph.Objects.TryGet(id, out IUserObject? found) ? (found.TypeName, found.Properties) : throw NotFound(path);
    }

    private static BlockException NotFound(string path) => new(BlockErrorKind.NotFound, $"Device '{path}' not found");
}
