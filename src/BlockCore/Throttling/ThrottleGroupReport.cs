using System.Collections.Immutable;

namespace BlockGraph.BlockCore.Throttling;

/// <summary>How a group stands, and what it has counted. A value: it does not change with the group.</summary>
/// <param name="Name">The group's name.</param>
/// <param name="ParentName">The name of the group whose limits count too; null for none.</param>
/// <param name="Config">The limits in force.</param>
/// <param name="Share">What it may have of what its parent admits.</param>
/// <param name="Meters">The buckets that have a rate, in the order of <see cref="ThrottleMeter"/>.</param>
/// <param name="Reads">What its members, not those of groups below, have read.</param>
/// <param name="Writes">What they have written, and whatever counts as that.</param>
/// <param name="Members">Its members, the youngest first.</param>
public sealed record ThrottleGroupReport(
    string Name,
    string? ParentName,
    ThrottleConfig Config,
    ThrottleShare Share,
    ImmutableArray<ThrottleMeterReport> Meters,
    ThrottleDirectionReport Reads,
    ThrottleDirectionReport Writes,
    ImmutableArray<ThrottleMemberReport> Members);

/// <summary>How one bucket of a group stands.</summary>
/// <param name="Meter">What it counts.</param>
/// <param name="Level">What it holds, in units.</param>
/// <param name="Capacity">What it may hold before requests wait, in units.</param>
/// <param name="BurstLevel">What its burst bucket holds, in units; 0 where there is none.</param>
/// <param name="BurstCapacity">What that may hold, in units; 0 where there is none.</param>
/// <param name="Debt">What it holds above its capacity, in units.</param>
/// <param name="BindingCount">How many requests had to wait for it: it was the last to open.</param>
public sealed record ThrottleMeterReport(ThrottleMeter Meter, double Level, double Capacity, double BurstLevel, double BurstCapacity, double Debt, long BindingCount);

/// <summary>What a group has counted of one direction, and who waits.</summary>
/// <param name="SubmittedCount">Requests that asked, while anything was limited.</param>
/// <param name="ThrottledCount">Those that had to wait.</param>
/// <param name="CancelledCount">Those that were cancelled while they waited.</param>
/// <param name="TimedOutCount">Those that waited for longer than they may.</param>
/// <param name="QueueDepth">Those that wait now, here and below.</param>
/// <param name="QueueDepthMax">The most that waited at a time.</param>
/// <param name="WaitedNs">How long those waited that started, in nanoseconds, together.</param>
/// <param name="WaitP50Ns">How long half of them waited at most, in nanoseconds, to within a quarter.</param>
/// <param name="WaitP99Ns">How long all but one in a hundred waited at most.</param>
/// <param name="WaitMaxNs">The longest wait, exactly.</param>
/// <param name="BindingMeter">The bucket that is waited for now; null where nobody waits for a bucket of this group.</param>
/// <param name="NextWakeNs">How long until the next of the tree is woken, in nanoseconds; null where nobody waits.</param>
public sealed record ThrottleDirectionReport(
    long SubmittedCount,
    long ThrottledCount,
    long CancelledCount,
    long TimedOutCount,
    int QueueDepth,
    int QueueDepthMax,
    long WaitedNs,
    long WaitP50Ns,
    long WaitP99Ns,
    long WaitMaxNs,
    ThrottleMeter? BindingMeter,
    long? NextWakeNs);
