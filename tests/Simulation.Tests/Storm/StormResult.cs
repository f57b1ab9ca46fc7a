namespace BlockGraph.Simulation.Tests.Storm;

/// <summary>What is left of a storm.</summary>
/// <param name="EventHash">The hash of everything that happened, in order.</param>
/// <param name="Tally">What was done.</param>
/// <param name="Findings">What is wrong; empty where nothing is.</param>
/// <param name="FaultCount">How many faults took effect.</param>
/// <param name="Details">What ended the run before its time, with where it came from; null where nothing did.</param>
internal sealed record StormResult(ulong EventHash, StormTally Tally, IReadOnlyList<string> Findings, int FaultCount, string? Details);
