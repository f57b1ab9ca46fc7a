namespace BlockGraph.BlockCore.Throttling;

/// <summary>
/// A root group with everything below it: what they have in common, one lock and one alarm a direction. A flat group is a tree
/// of one. <i>QEMU: none; groups are flat.</i>
/// </summary>
internal sealed class ThrottleTree
{
    /// <summary>The lock that protects every group of the tree, its alarms, and its members' queues.</summary>
    public readonly Lock SyncRoot = new();

    private readonly bool[] _werePutOff = new bool[2];
    private int _peculiarityCount;

    public ThrottleTree(ThrottleGroup root)
    {
        Root = root;
        Alarms = [new ThrottleAlarm(SyncRoot, ThrottleDirection.Read), new ThrottleAlarm(SyncRoot, ThrottleDirection.Write)];
    }

    /// <summary>The group that has no parent.</summary>
    public ThrottleGroup Root { get; }

    /// <summary>The alarms by direction.</summary>
    public ThrottleAlarm[] Alarms { get; }

    /// <summary>
    /// True for a single group whose members all have the default share and take turns by requests: then the order is that of
    /// QEMU. Protected by the lock.
    /// </summary>
    public bool IsPlain => _peculiarityCount == 0;

    /// <summary>Counts what makes the tree not plain: child groups, shares, groups that are fair by cost.</summary>
    public void AddPeculiarities(int count) => _peculiarityCount += count;

    /// <summary>True where the last alarm of <paramref name="direction"/> rang in vain. Protected by the lock.</summary>
    public bool WasPutOff(ThrottleDirection direction) => _werePutOff[(int)direction];

    /// <summary>Says whether the alarm of <paramref name="direction"/> rang in vain.</summary>
    public void SetPutOff(ThrottleDirection direction, bool wasPutOff) => _werePutOff[(int)direction] = wasPutOff;
}
