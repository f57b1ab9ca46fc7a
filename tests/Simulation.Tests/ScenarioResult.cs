namespace BlockGraph.Simulation.Tests;

/// <summary>What is left of a whole-graph run.</summary>
/// <param name="EventHash">The hash of everything that happened, in order.</param>
/// <param name="Bytes">The image's bytes at the end.</param>
/// <param name="Counters">The backend's operations, bytes and failures, a line for each kind.</param>
/// <param name="StorageRequests">How many requests of each kind reached the storage.</param>
internal sealed record ScenarioResult(ulong EventHash, byte[] Bytes, string[] Counters, string[] StorageRequests);
