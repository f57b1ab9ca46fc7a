using BlockGraph.BlockCore.Accounting;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.BlockCore.Observability;

/// <summary>What the requests of one kind have added up to since measuring began. <i>QEMU: none.</i></summary>
/// <param name="Kind">Which.</param>
/// <param name="Counters">How many, how many bytes, how many failed, how long together.</param>
/// <param name="Latencies">How long each took. The caller's own copy.</param>
public sealed record OperationMeasures(RequestKind Kind, RequestCounters Counters, LatencyHistogram Latencies);
