namespace BlockGraph.BlockCore.Throttling;

/// <summary>
/// A root group with everything below it: what they have in common, one lock and one alarm a direction. A flat group is a tree
/// of one. <i>QEMU: none; groups are flat.</i>
/// </summary>
internal sealed class ThrottleTree
{
    /// <summary>The lock that protects every group of the tree, its alarms, and its members' queues.</summary>
    public readonly Lock SyncRoot = new();

    private PerDirection<bool> _werePutOff;

    public ThrottleTree(ThrottleGroup root)
    {
        Root = root;
        ReadAlarm = new ThrottleAlarm(SyncRoot, ThrottleDirection.Read);
        WriteAlarm = new ThrottleAlarm(SyncRoot, ThrottleDirection.Write);
    }

    /// <summary>The group that has no parent.</summary>
    public ThrottleGroup Root { get; }

    /// <summary>Whose turn to read comes, and when.</summary>
    public ThrottleAlarm ReadAlarm { get; }

    /// <summary>Whose turn to write comes, and when.</summary>
    public ThrottleAlarm WriteAlarm { get; }

    /// <summary>
    /// What keeps the order from being that of QEMU: child groups, shares that are not the default, groups that are fair by cost.
    /// Protected by the lock.
    /// </summary>
    public int PeculiarityCount { get; set; }

    /// <summary>True where the last alarm of <paramref name="direction"/> rang in vain. Protected by the lock.</summary>
    public bool WasPutOff(ThrottleDirection direction) => _werePutOff[(int)direction];

    /// <summary>Says whether the alarm of <paramref name="direction"/> rang in vain.</summary>
    public void SetPutOff(ThrottleDirection direction, bool wasPutOff) => _werePutOff[(int)direction] = wasPutOff;
}
