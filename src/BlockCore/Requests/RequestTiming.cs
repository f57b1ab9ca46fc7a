using BlockGraph.BlockCore.Accounting;

namespace BlockGraph.BlockCore.Requests;

/// <summary>Which requests of one user count in its times, beside those that succeed.</summary>
/// <param name="IncludesFailed">Those that fail.</param>
/// <param name="IncludesInvalid">Those that are refused at the door; they take no time, but end an idle one.</param>
/// <param name="Intervals">Where times are added up for a while; null for nowhere.</param>
internal sealed record RequestTiming(bool IncludesFailed, bool IncludesInvalid, LatencyIntervals? Intervals);
