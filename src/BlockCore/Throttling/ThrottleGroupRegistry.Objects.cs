using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Throttling;

/// <content>Groups as users see them: what kind they are, who shares them, and limits that are set from outside.</content>
public sealed partial class ThrottleGroupRegistry
{
    /// <summary>Every group and where it comes from, oldest first.</summary>
    public IReadOnlyList<ThrottleGroupEntry> Entries
    {
        get
        {
            lock (_lock)
            {
                return [.. _entries.Values.Where(entry => entry.IsMade).Select(entry => new ThrottleGroupEntry(entry.Group, entry.Kind))];
            }
        }
    }

    /// <summary>Where <paramref name="group"/> comes from.</summary>
    public ThrottleGroupKind KindOf(ThrottleGroup group)
    {
        ArgumentNullException.ThrowIfNull(group);
        lock (_lock)
        {
            return FindEntryUnsynchronized(group).Kind;
        }
    }

    /// <summary>True where somebody beside the object holds <paramref name="group"/>.</summary>
    public bool IsShared(ThrottleGroup group)
    {
        ArgumentNullException.ThrowIfNull(group);
        lock (_lock)
        {
            Entry entry = FindEntryUnsynchronized(group);
            return entry.ReferenceCount > (entry.IsObject ? 1 : 0);
        }
    }

    /// <summary>Merges <paramref name="limits"/> over those of <paramref name="group"/>, all of them or none, and asks at once again for everybody who waits.</summary>
    /// <param name="group">The group, which somebody holds.</param>
    /// <param name="limits">The limits to change.</param>
    /// <param name="keyPrefix">What stands before a key in the caller's spelling, for errors that name one.</param>
    /// <param name="policy">What becomes of the levels.</param>
    /// <exception cref="BlockException">The merged limits are not valid; nothing has changed (<see cref="BlockErrorKind.InvalidArgument"/>).</exception>
    public void ChangeLimits(ThrottleGroup group, ThrottleLimitsUpdate limits, string keyPrefix = "", ThrottleChangePolicy policy = ThrottleChangePolicy.Scale)
    {
        ArgumentNullException.ThrowIfNull(group);
        ArgumentNullException.ThrowIfNull(limits);
        lock (_lock)
        {
            FindEntryUnsynchronized(group);
        }

        group.MergeConfig(limits, policy, keyPrefix);
    }

    /// <summary>The object gives its reference to <paramref name="group"/> back. The group goes with it, or stays for those who hold it.</summary>
    internal void ReleaseObject(ThrottleGroup group)
    {
        lock (_lock)
        {
            Entry entry = FindEntryUnsynchronized(group);
            Invariant.Check(entry.IsObject);
            entry.IsObject = false;
        }

        Release(group);
    }
}
