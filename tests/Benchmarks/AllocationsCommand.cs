using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Observability;

namespace BlockGraph.Benchmarks;

/// <summary>
/// Bytes allocated for a request in the steady state, by the loop's thread and by the whole process. The limit is none at all;
/// what the runtime's own threads allocate now and then may show in the second figure, less than one byte in a hundred requests.
/// </summary>
internal static class AllocationsCommand
{
    private const double ProcessBytesMax = 0.01;

    public static int Run(string[] args)
    {
        CommandArguments arguments = new(args, "count");
        long count = arguments.Number("count", 100_000);
        string path = Path.Combine(Path.GetTempPath(), $"blockgraph-allocations-{Environment.ProcessId}.img");
        Report report = new("graph", "depth", "kind", "loop bytes/request", "process bytes/request");
        try
        {
            using (FileStream file = File.Create(path))
            {
                file.SetLength(64L << 20);
            }

            foreach ((string name, string options) in Graphs(path))
            {
                foreach (int depth in new[] { 1, 64 })
                {
                    AddRow(report, name, options, depth, RequestKind.Read, count);
                    AddRow(report, name, options, depth, RequestKind.Write, count);
                }
            }

            AddRow(report, "raw over null-co, measured", "driver=raw,file.driver=null-co,file.size=64M", 64, RequestKind.Read, count, isMeasured: true);
            AddRow(report, "raw over file, measured", $"driver=raw,file.driver=file,file.filename={path}", 64, RequestKind.Write, count, isMeasured: true);
        }
        finally
        {
            File.Delete(path);
        }

        report.Note($"{count} requests of 4 KiB a row, after as many to warm up");
        return report.Print(arguments.IsJson);
    }

    private static (string Name, string Options)[] Graphs(string path)
    {
        const string Limits = "limits.iops-total=1000000000000,limits.bps-total=1000000000000000";
        return
        [
            ("null-co", "driver=null-co,size=64M"),
            ("raw over null-co", "driver=raw,file.driver=null-co,file.size=64M"),
            ("throttle out of reach over null-co", $"driver=throttle,{Limits},file.driver=null-co,file.size=64M"),
            ("device with limits out of reach over null-co", $"driver=null-co,size=64M,{Limits.Replace("limits.", "throttling.", StringComparison.Ordinal)}"),
            ("file", $"driver=file,filename={path}"),
            ("raw over file", $"driver=raw,file.driver=file,file.filename={path}"),
            ("throttle out of reach over raw over file", $"driver=throttle,{Limits},file.driver=raw,file.file.driver=file,file.file.filename={path}"),
        ];
    }

    private static void AddRow(Report report, string name, string options, int depth, RequestKind kind, long count, bool isMeasured = false)
    {
        (double loopBytes, double processBytes) = Measure(options, depth, kind, count, isMeasured);
        report.AddChecked(loopBytes == 0 && processBytes < ProcessBytesMax, name, depth, kind.ToString(), loopBytes, processBytes);
    }

    /// <summary>Bytes allocated a request, by the loop's thread and by the whole process.</summary>
    public static (double LoopBytes, double ProcessBytes) Measure(string options, int depth, RequestKind kind, long count, bool isMeasured = false)
    {
        long loopBytes = 0;
        long processBytes = 0;
        BenchmarkWorld.Run(options, async (world, backend) =>
        {
            await using GraphMeasurement? measurement = isMeasured ? await world.Graph.MeasureAsync() : null;
            RequestLoad load = new(backend, kind, depth);
            await load.RunAsync(
                count,
                count,
                () => (processBytes, loopBytes) = (GC.GetTotalAllocatedBytes(precise: true), GC.GetAllocatedBytesForCurrentThread()),
                () => (loopBytes, processBytes) = (GC.GetAllocatedBytesForCurrentThread() - loopBytes, GC.GetTotalAllocatedBytes(precise: true) - processBytes));
        });
        return ((double)loopBytes / count, (double)processBytes / count);
    }
}
