namespace BlockGraph.BlockCore.Throttling;

/// <summary>Requests of one member that start now: the first is charged already. Made under the tree's lock, run without it.</summary>
/// <param name="First">The one that has waited longest; null where nobody starts.</param>
/// <param name="BudgetCount">How many may start in this turn, so that one member does not hold its loop for ever.</param>
internal readonly record struct ThrottleStart(ThrottleWaiter? First, int BudgetCount);
