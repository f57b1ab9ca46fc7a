namespace BlockGraph.BlockCore.Throttling;

/// <summary>What a member of a group has counted.</summary>
/// <param name="ContextName">The context it lives in; null while it is between two.</param>
/// <param name="Share">What it may have of what the group admits.</param>
/// <param name="IsDraining">True while the limits do not count for it.</param>
/// <param name="Reads">Its reads.</param>
/// <param name="Writes">Its writes, and whatever counts as such.</param>
public sealed record ThrottleMemberReport(string? ContextName, ThrottleShare Share, bool IsDraining, ThrottleMemberCounters Reads, ThrottleMemberCounters Writes);

/// <summary>What a member of a group has counted of one direction.</summary>
/// <param name="SubmittedCount">Requests that asked, while anything was limited.</param>
/// <param name="ThrottledCount">Those that had to wait.</param>
/// <param name="QueueDepth">Those that wait now.</param>
public sealed record ThrottleMemberCounters(long SubmittedCount, long ThrottledCount, int QueueDepth);
