using BlockGraph.BlockCore.Throttling;

namespace BlockGraph.Drivers.Filters.Throttle;

/// <summary>What opening or reopening a node has prepared.</summary>
/// <param name="Reservation">The group it leads to, and that group's limits.</param>
/// <param name="Settings">What the node will have for itself.</param>
internal sealed record ThrottlePlan(ThrottleReservation Reservation, ThrottleNodeSettings Settings);
