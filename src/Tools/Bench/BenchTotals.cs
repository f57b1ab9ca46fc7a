namespace BlockGraph.Tools.Bench;

/// <summary>What a load has added up to so far.</summary>
/// <param name="ElapsedNs">How long it has run, in nanoseconds.</param>
/// <param name="DoneCount">How many requests have completed.</param>
/// <param name="WaitNs">How long requests waited for a limit, together.</param>
/// <param name="DeviceNs">How long they were in the storage, together.</param>
/// <param name="InFlightCount">How many are under way.</param>
internal readonly record struct BenchTotals(long ElapsedNs, long DoneCount, long WaitNs, long DeviceNs, long InFlightCount);
