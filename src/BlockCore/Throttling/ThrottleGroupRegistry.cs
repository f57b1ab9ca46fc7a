using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Throttling;

/// <summary>
/// The groups of one graph, by name, and how many references hold each: one for a member, a reservation, or the user-created
/// object. A group lives as long as it has one. Any thread. <i>QEMU: throttle_groups.</i>
/// </summary>
/// <remarks>One name space: groups that nodes create in passing, groups that are objects, and nameless ones, called <c>#throttle0</c> and so on.</remarks>
public sealed partial class ThrottleGroupRegistry
{
    private readonly Lock _lock = new();

    // Protected by _lock.
    private readonly OrderedDictionary<string, Entry> _entries = new(StringComparer.Ordinal);
    private long _nextAnonymousNumber;

    /// <summary>Raised at the member's home for each request of any group that had to wait, with the nanoseconds it waited.</summary>
    internal event Action<ThrottleGroup, ThrottleDirection, long>? RequestWaited;

    /// <summary>Every group, oldest first.</summary>
    public IReadOnlyList<ThrottleGroup> Groups
    {
        get
        {
            lock (_lock)
            {
                return [.. _entries.Values.Select(entry => entry.Group)];
            }
        }
    }

    /// <summary>The group called <paramref name="name"/>, without a reference to it, or null.</summary>
    public ThrottleGroup? Find(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        lock (_lock)
        {
            return _entries.TryGetValue(name, out Entry? entry) ? entry.Group : null;
        }
    }

    /// <summary>True where <paramref name="group"/> was created as an object, or adopted by one.</summary>
    public bool IsObject(ThrottleGroup group)
    {
        ArgumentNullException.ThrowIfNull(group);
        lock (_lock)
        {
            return FindEntryUnsynchronized(group).IsObject;
        }
    }

    /// <summary>The group called <paramref name="name"/>, with a reference for the caller.</summary>
    /// <exception cref="BlockException">There is none (<see cref="BlockErrorKind.NotFound"/>).</exception>
    public ThrottleGroup Join(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        lock (_lock)
        {
            if (!_entries.TryGetValue(name, out Entry? entry))
            {
                throw NoSuchGroup(name);
            }

            entry.ReferenceCount++;
            return entry.Group;
        }
    }

    /// <summary>
    /// The group called <paramref name="name"/>, created without limits where there is none, with a reference for the caller. A
    /// group created here goes with its last reference.
    /// </summary>
    public ThrottleGroup JoinOrCreate(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        lock (_lock)
        {
            Entry entry = _entries.TryGetValue(name, out Entry? existing) ? existing : AddUnsynchronized(name, ThrottleConfig.Unlimited);
            entry.ReferenceCount++;
            return entry.Group;
        }
    }

    /// <summary>A new group for one node, with a reference for the caller.</summary>
    /// <exception cref="BlockException"><paramref name="config"/> is not valid (<see cref="BlockErrorKind.InvalidArgument"/>).</exception>
    public ThrottleGroup CreateAnonymous(ThrottleConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        lock (_lock)
        {
            return CreateAnonymousUnsynchronized(config);
        }
    }

    /// <summary>Creates the group <paramref name="name"/> as an object, which holds a reference until <see cref="DeleteObject"/>.</summary>
    /// <param name="name">The object's id.</param>
    /// <param name="limits">Its limits; the others are at their defaults, or in an adopted group as they were.</param>
    /// <param name="isAdopting">Whether a group of this name that nodes have created becomes the object's; otherwise its existence is an error.</param>
    /// <param name="keyPrefix">What stands before a key in the caller's spelling, for errors that name one.</param>
    /// <param name="policy">What becomes of the levels of an adopted group.</param>
    /// <exception cref="BlockException">The name is taken (<see cref="BlockErrorKind.AlreadyExists"/>), or the limits are not valid.</exception>
    public ThrottleGroup CreateObject(
        string name, ThrottleLimitsUpdate limits, bool isAdopting = false, string keyPrefix = "", ThrottleChangePolicy policy = ThrottleChangePolicy.Scale)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(limits);
        ThrottleGroup adopted;
        ThrottleConfig basis;
        ThrottleConfig merged;
        lock (_lock)
        {
            if (!_entries.TryGetValue(name, out Entry? entry))
            {
                entry = AddUnsynchronized(name, Merged(ThrottleConfig.Unlimited, limits, keyPrefix));
                entry.IsObject = true;
                entry.ReferenceCount++;
                return entry.Group;
            }

            if (entry.IsObject || !isAdopting)
            {
                throw new BlockException(BlockErrorKind.AlreadyExists, "A group with this name already exists");
            }

            adopted = entry.Group;
            basis = adopted.Config;
            merged = Merged(basis, limits, keyPrefix);
            entry.IsObject = true;
            entry.ReferenceCount++;
        }

        if (!limits.IsEmpty)
        {
            adopted.CommitConfig(limits, basis, merged, policy);
        }

        return adopted;
    }

    /// <summary>Deletes the object <paramref name="name"/>, and its group with it.</summary>
    /// <exception cref="BlockException">There is no such object (<see cref="BlockErrorKind.NotFound"/>), or somebody else holds the group (<see cref="BlockErrorKind.Busy"/>).</exception>
    public void DeleteObject(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        lock (_lock)
        {
            if (!_entries.TryGetValue(name, out Entry? entry) || !entry.IsObject)
            {
                throw new BlockException(BlockErrorKind.NotFound, $"object '{name}' not found");
            }

            if (entry.ReferenceCount > 1)
            {
                throw new BlockException(BlockErrorKind.Busy, $"object '{name}' is in use, can not be deleted");
            }

            _entries.Remove(name);
        }
    }

    /// <summary>Gives a reference back; the group goes with the last.</summary>
    public void Release(ThrottleGroup group)
    {
        ArgumentNullException.ThrowIfNull(group);
        lock (_lock)
        {
            Entry entry = FindEntryUnsynchronized(group);
            Invariant.Check(entry.ReferenceCount > (entry.IsObject ? 1 : 0));
            entry.ReferenceCount--;
            if (entry.ReferenceCount == 0)
            {
                _entries.Remove(group.Name);
            }
        }
    }

    /// <summary>
    /// Plans what a node's options ask for, and holds a reference on the group they lead to. The limits of a group that exists
    /// change at <see cref="ThrottleReservation.Commit"/> only.
    /// </summary>
    /// <param name="name">The group to join; null for one of the node's own.</param>
    /// <param name="limits">The limits given, possibly none: merged over the group's, or those of a group that is created for them.</param>
    /// <param name="keyPrefix">What stands before a key in the caller's spelling, such as <c>limits.</c>, for errors that name one.</param>
    /// <exception cref="BlockException">There is no such group and no limits to create it with (<see cref="BlockErrorKind.NotFound"/>), or the merged limits are not valid.</exception>
    public ThrottleReservation Reserve(string? name, ThrottleLimitsUpdate limits, string keyPrefix = "limits.")
    {
        ArgumentNullException.ThrowIfNull(limits);
        lock (_lock)
        {
            if (name is null)
            {
                ThrottleGroup anonymous = CreateAnonymousUnsynchronized(Merged(ThrottleConfig.Unlimited, limits, keyPrefix));
                return new ThrottleReservation(this, anonymous, new ThrottleLimitsUpdate(), anonymous.Config, anonymous.Config);
            }

            if (_entries.TryGetValue(name, out Entry? entry))
            {
                return ReserveUnsynchronized(entry, limits, keyPrefix);
            }

            if (limits.IsEmpty || name.Length == 0)
            {
                throw NoSuchGroup(name);
            }

            entry = AddUnsynchronized(name, Merged(ThrottleConfig.Unlimited, limits, keyPrefix));
            return ReserveUnsynchronized(entry, new ThrottleLimitsUpdate(), keyPrefix);
        }
    }

    /// <summary>Plans a change of limits in <paramref name="group"/>, which the caller holds: a reopen that stays where it is.</summary>
    /// <inheritdoc cref="Reserve(string?, ThrottleLimitsUpdate, string)"/>
    public ThrottleReservation ReserveChange(ThrottleGroup group, ThrottleLimitsUpdate limits, string keyPrefix = "limits.")
    {
        ArgumentNullException.ThrowIfNull(group);
        ArgumentNullException.ThrowIfNull(limits);
        lock (_lock)
        {
            return ReserveUnsynchronized(FindEntryUnsynchronized(group), limits, keyPrefix);
        }
    }

    /// <summary>Tells those who listen that a request of <paramref name="group"/> has waited. At the member's home.</summary>
    internal void OnRequestWaited(ThrottleGroup group, ThrottleDirection direction, long waitedNs) => RequestWaited?.Invoke(group, direction, waitedNs);

    private static BlockException NoSuchGroup(string name) => new(BlockErrorKind.NotFound, $"Throttle group '{name}' does not exist");

    private static ThrottleConfig Merged(ThrottleConfig basis, ThrottleLimitsUpdate limits, string keyPrefix)
    {
        ThrottleConfig merged = basis.Merge(limits);
        merged.Validate(keyPrefix);
        return merged;
    }

    private ThrottleReservation ReserveUnsynchronized(Entry entry, ThrottleLimitsUpdate limits, string keyPrefix)
    {
        ThrottleConfig basis = entry.Group.Config;
        ThrottleConfig merged = Merged(basis, limits, keyPrefix);
        entry.ReferenceCount++;
        return new ThrottleReservation(this, entry.Group, limits, basis, merged);
    }

    private ThrottleGroup CreateAnonymousUnsynchronized(ThrottleConfig config)
    {
        string name;
        do
        {
            name = $"#throttle{_nextAnonymousNumber++}";
        }
        while (_entries.ContainsKey(name));

        Entry entry = AddUnsynchronized(name, config);
        entry.IsAnonymous = true;
        entry.ReferenceCount++;
        return entry.Group;
    }

    private Entry AddUnsynchronized(string name, ThrottleConfig config)
    {
        Entry entry = new(new ThrottleGroup(name, config) { Registry = this });
        _entries.Add(name, entry);
        return entry;
    }

    private Entry FindEntryUnsynchronized(ThrottleGroup group)
    {
        bool isFound = _entries.TryGetValue(group.Name, out Entry? entry);
        Invariant.Check(isFound);
        Invariant.Check(ReferenceEquals(entry!.Group, group));
        return entry;
    }

    /// <summary>A group and who holds it. Protected by the registry's lock.</summary>
    private sealed class Entry(ThrottleGroup group)
    {
        public ThrottleGroup Group { get; } = group;

        public int ReferenceCount { get; set; }

        public bool IsObject { get; set; }

        public bool IsAnonymous { get; set; }

        public ThrottleGroupKind Kind => IsObject ? ThrottleGroupKind.Object : IsAnonymous ? ThrottleGroupKind.Anonymous : ThrottleGroupKind.Implicit;
    }
}
