using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Throttling;

/// <summary>
/// The groups of one graph, by name, and how many references hold each: one for a member, a reservation, or the user-created
/// object. A group lives as long as it has one. Any thread. <i>QEMU: throttle_groups.</i>
/// </summary>
/// <remarks>
/// One name space: groups that nodes create in passing, groups that are objects, and nameless ones, called <c>#throttle0</c> and so on. A group that an
/// operation is about to create is nobody else's until the operation has succeeded: it is not listed, not found, and cannot be joined.
/// </remarks>
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
                return [.. _entries.Values.Where(entry => entry.IsMade).Select(entry => entry.Group)];
            }
        }
    }

    /// <summary>The group called <paramref name="name"/>, without a reference to it, or null.</summary>
    public ThrottleGroup? Find(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        lock (_lock)
        {
            return _entries.TryGetValue(name, out Entry? entry) && entry.IsMade ? entry.Group : null;
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

    /// <summary>True where <paramref name="group"/> was created without a name, for one node.</summary>
    public bool IsAnonymous(ThrottleGroup group)
    {
        ArgumentNullException.ThrowIfNull(group);
        lock (_lock)
        {
            Entry entry = FindEntryUnsynchronized(group);
            return entry.AnonymousNumber is not null && !entry.IsObject;
        }
    }

    /// <summary>The group called <paramref name="name"/>, with a reference for the caller.</summary>
    /// <exception cref="BlockException">There is none (<see cref="BlockErrorKind.NotFound"/>).</exception>
    public ThrottleGroup Join(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        lock (_lock)
        {
            if (!_entries.TryGetValue(name, out Entry? entry) || !entry.IsMade)
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
            Entry entry = _entries.TryGetValue(name, out Entry? existing) ? existing : AddUnsynchronized(name, ThrottleConfig.Unlimited, null);
            entry.ReferenceCount++;
            MakeUnsynchronized(entry);
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
            Entry entry = AddAnonymousUnsynchronized(config, null);
            entry.ReferenceCount++;
            MakeUnsynchronized(entry);
            return entry.Group;
        }
    }

    /// <summary>Creates the group <paramref name="name"/> as an object, which holds a reference until <see cref="DeleteObject"/>.</summary>
    /// <param name="name">The object's id.</param>
    /// <param name="limits">Its limits; the others are at their defaults, or in an adopted group as they were.</param>
    /// <param name="isAdopting">Whether a group of this name that nodes have created becomes the object's; otherwise its existence is an error.</param>
    /// <param name="keyPrefix">What stands before a key in the caller's spelling, for errors that name one.</param>
    /// <param name="policy">What becomes of the levels of an adopted group.</param>
    /// <param name="parentName">The group below which it is created; null for none. An adopted group must be there already.</param>
    /// <exception cref="BlockException">The name is taken (<see cref="BlockErrorKind.AlreadyExists"/>), or the limits are not valid.</exception>
    public ThrottleGroup CreateObject(
        string name, ThrottleLimitsUpdate limits, bool isAdopting = false, string keyPrefix = "", ThrottleChangePolicy policy = ThrottleChangePolicy.Scale,
        string? parentName = null)
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
                ThrottleConfig config = Merged(ThrottleConfig.Unlimited, limits, keyPrefix);
                entry = AddUnsynchronized(name, config, parentName is null ? null : FindParentUnsynchronized(parentName, null));
                entry.IsObject = true;
                entry.ReferenceCount++;
                MakeUnsynchronized(entry);
                return entry.Group;
            }

            if (entry.IsObject || !isAdopting)
            {
                throw new BlockException(BlockErrorKind.AlreadyExists, "A group with this name already exists");
            }

            adopted = entry.Group;
            CheckParent(adopted, parentName);
            basis = adopted.Config;
            merged = Merged(basis, limits, keyPrefix);
            entry.IsObject = true;
            entry.ReferenceCount++;
            MakeUnsynchronized(entry);
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

            RemoveUnsynchronized(entry);
        }
    }

    /// <summary>Gives a reference back; the group goes with the last.</summary>
    public void Release(ThrottleGroup group)
    {
        ArgumentNullException.ThrowIfNull(group);
        lock (_lock)
        {
            ReleaseUnsynchronized(FindEntryUnsynchronized(group));
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

    private void ReleaseUnsynchronized(Entry entry)
    {
        Invariant.Check(entry.ReferenceCount > (entry.IsObject ? 1 : 0));
        entry.ReferenceCount--;
        if (entry.ReferenceCount == 0)
        {
            RemoveUnsynchronized(entry);
        }
    }

    // It gives back the reference that it holds on its parent, which may go with it.
    private void RemoveUnsynchronized(Entry entry)
    {
        _entries.Remove(entry.Group.Name);
        entry.Group.LeaveParent();
        if (entry.Group.Parent is { } parent)
        {
            ReleaseUnsynchronized(FindEntryUnsynchronized(parent));
        }
    }

    // Numbers are used up by groups that come to be, not by those that were only planned.
    private Entry AddAnonymousUnsynchronized(ThrottleConfig config, Entry? parent)
    {
        long number = _nextAnonymousNumber;
        while (_entries.ContainsKey(AnonymousName(number)))
        {
            number++;
        }

        Entry entry = AddUnsynchronized(AnonymousName(number), config, parent);
        entry.AnonymousNumber = number;
        return entry;
    }

    private static string AnonymousName(long number) => $"#throttle{number}";

    private void MakeUnsynchronized(Entry entry)
    {
        entry.IsMade = true;
        if (entry.AnonymousNumber is { } number)
        {
            _nextAnonymousNumber = Math.Max(_nextAnonymousNumber, number + 1);
        }
    }

    // A group holds a reference on its parent.
    private Entry AddUnsynchronized(string name, ThrottleConfig config, Entry? parent)
    {
        if (parent is not null)
        {
            parent.ReferenceCount++;
        }

        Entry entry = new(new ThrottleGroup(name, config, parent?.Group) { Registry = this });
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

        /// <summary>False while it is only planned, and nobody else may know of it: every reference is a reservation's.</summary>
        public bool IsMade { get; set; }

        /// <summary>The number in its name where it was created without one.</summary>
        public long? AnonymousNumber { get; set; }

        /// <summary>What is planned for it, in the order of planning.</summary>
        public List<ThrottleReservation> Reservations { get; } = [];

        public ThrottleGroupKind Kind => IsObject ? ThrottleGroupKind.Object : AnonymousNumber is not null ? ThrottleGroupKind.Anonymous : ThrottleGroupKind.Implicit;
    }
}
