using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Throttling;

/// <content>What operations plan to do once they have succeeded.</content>
public sealed partial class ThrottleGroupRegistry
{
    /// <summary>
    /// Plans what a node's options ask for, and holds a reference on the group they lead to. The group comes to be, and its limits
    /// change, at <see cref="ThrottleReservation.Commit"/> only.
    /// </summary>
    /// <param name="name">The group to join; null for one of the node's own.</param>
    /// <param name="limits">The limits given, possibly none: merged over the group's, or those of a group that is created for them.</param>
    /// <param name="keyPrefix">What stands before a key in the caller's spelling, such as <c>limits.</c>, for errors that name one.</param>
    /// <param name="operation">What the plan is a part of: plans of one operation build upon each other, for they are all committed or none; null for nothing else's.</param>
    /// <param name="parentName">The group below which a group is created; null for none. One that exists must be there already.</param>
    /// <exception cref="BlockException">There is no such group and no limits to create it with (<see cref="BlockErrorKind.NotFound"/>), or the merged limits are not valid.</exception>
    public ThrottleReservation Reserve(string? name, ThrottleLimitsUpdate limits, string keyPrefix = "limits.", object? operation = null, string? parentName = null)
    {
        ArgumentNullException.ThrowIfNull(limits);
        lock (_lock)
        {
            if (name is not null && _entries.TryGetValue(name, out Entry? entry))
            {
                CheckParent(entry.Group, parentName);
                return IsThere(entry, operation) || !limits.IsEmpty || parentName is not null ? ReserveUnsynchronized(entry, limits, keyPrefix, operation) : throw NoSuchGroup(name);
            }

            if (name is { Length: 0 } || (name is not null && limits.IsEmpty && parentName is null))
            {
                throw NoSuchGroup(name);
            }

            // Invalid limits leave no group behind.
            Merged(ThrottleConfig.Unlimited, limits, keyPrefix);
            Entry? parent = parentName is null ? null : FindParentUnsynchronized(parentName, operation);
            entry = name is null ? AddAnonymousUnsynchronized(ThrottleConfig.Unlimited, parent) : AddUnsynchronized(name, ThrottleConfig.Unlimited, parent);
            return ReserveUnsynchronized(entry, limits, keyPrefix, operation);
        }
    }

    /// <summary>Plans a change of limits in <paramref name="group"/>, which the caller holds: a reopen that stays where it is.</summary>
    /// <inheritdoc cref="Reserve(string?, ThrottleLimitsUpdate, string, object?, string?)"/>
    public ThrottleReservation ReserveChange(ThrottleGroup group, ThrottleLimitsUpdate limits, string keyPrefix = "limits.", object? operation = null)
    {
        ArgumentNullException.ThrowIfNull(group);
        ArgumentNullException.ThrowIfNull(limits);
        lock (_lock)
        {
            return ReserveUnsynchronized(FindEntryUnsynchronized(group), limits, keyPrefix, operation);
        }
    }

    /// <summary>
    /// The plan takes effect: the group is there for everybody. What earlier plans of the same operation say of the same limits counts no more, in
    /// whatever order they are committed: the last one asked for wins.
    /// </summary>
    internal void Commit(ThrottleReservation reservation)
    {
        lock (_lock)
        {
            Entry entry = FindEntryUnsynchronized(reservation.Group);
            MakeUnsynchronized(entry);
            int index = entry.Reservations.IndexOf(reservation);
            Invariant.Check(index >= 0);
            entry.Reservations.RemoveAt(index);
            foreach (ThrottleReservation earlier in entry.Reservations.Take(index).Where(r => r.IsPartOf(reservation.Operation)))
            {
                earlier.YieldTo(reservation);
            }
        }
    }

    /// <summary>The plan is given up: its reference goes, and with the last one the group.</summary>
    internal void Discard(ThrottleReservation reservation)
    {
        lock (_lock)
        {
            Entry entry = FindEntryUnsynchronized(reservation.Group);
            bool isFound = entry.Reservations.Remove(reservation);
            Invariant.Check(isFound);
            ReleaseUnsynchronized(entry);
        }
    }

    private static bool IsThere(Entry entry, object? operation) => entry.IsMade || entry.Reservations.Exists(r => r.IsPartOf(operation));

    private static void CheckParent(ThrottleGroup group, string? parentName)
    {
        if (parentName is not null && group.Parent?.Name != parentName)
        {
            throw new BlockException($"Throttle group '{group.Name}' has {(group.Parent is null ? "no parent" : $"parent '{group.Parent.Name}'")}, not '{parentName}'");
        }
    }

    private Entry FindParentUnsynchronized(string name, object? operation) =>
        _entries.TryGetValue(name, out Entry? entry) && IsThere(entry, operation) ? entry : throw NoSuchGroup(name);

    // What the same operation has planned before is as good as there.
    private ThrottleReservation ReserveUnsynchronized(Entry entry, ThrottleLimitsUpdate limits, string keyPrefix, object? operation)
    {
        ThrottleConfig basis = entry.Group.Config;
        foreach (ThrottleReservation earlier in entry.Reservations.Where(r => r.IsPartOf(operation)))
        {
            basis = earlier.MergeOver(basis);
        }

        ThrottleReservation reservation = new(this, entry.Group, limits, basis, Merged(basis, limits, keyPrefix)) { Operation = operation };
        entry.ReferenceCount++;
        entry.Reservations.Add(reservation);
        return reservation;
    }
}
