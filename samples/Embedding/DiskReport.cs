using BlockGraph.BlockCore.Accounting;
using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.Samples.Embedding;

/// <summary>What a backend has counted, as a table.</summary>
public static class DiskReport
{
    private static readonly long[] s_boundariesNs = [1_000_000, 10_000_000, 100_000_000];

    /// <summary>From now on the backend sorts its requests by how long they take.</summary>
    public static void Begin(BlockBackend backend)
    {
        foreach (RequestKind kind in Enum.GetValues<RequestKind>())
        {
            backend.SetLatencyBoundaries(kind, s_boundariesNs);
        }
    }

    /// <summary>A row for each kind of request.</summary>
    public static void Print(BlockBackend backend)
    {
        Console.WriteLine();
        Console.WriteLine($"   {backend.Name,-14}{"done",6}{"failed",8}{"KiB",8}{"mean us",9}  |{"< 1 ms",8}{"< 10 ms",9}{"< 100 ms",10}{"more",6}");
        foreach (RequestKind kind in Enum.GetValues<RequestKind>())
        {
            RequestCounters counters = backend.GetCounters(kind);
            IReadOnlyList<long> bins = backend.GetLatencyBins(kind)!.Counts;
            long all = counters.OperationCount + counters.FailedCount;
            Console.WriteLine($"   {kind,-14}{counters.OperationCount,6}{counters.FailedCount,8}{counters.ByteCount >> 10,8}{(all == 0 ? 0 : counters.TotalNs / all / 1000),9}"
                + $"  |{bins[0],8}{bins[1],9}{bins[2],10}{bins[3],6}");
        }

        Console.WriteLine();
    }
}
