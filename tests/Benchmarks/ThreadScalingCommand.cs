using System.Diagnostics;
using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.Benchmarks;

/// <summary>
/// One image used from several I/O threads at once: what a request costs, and how many are done in a second, against one thread. Each thread has its own half of the
/// processors' time at best, so throughput is to be read with the number of processors in mind; CPU a request is what sharing costs.
/// </summary>
internal static class ThreadScalingCommand
{
    private const double CostRatioMax = 2;

    public static int Run(string[] args)
    {
        CommandArguments arguments = new(args, "count", "rounds");
        long count = arguments.Number("count", 2_000_000);
        long rounds = arguments.Number("rounds", 5);
        string image = Path.Combine(Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath(), $"blockgraph-threads-{Environment.ProcessId}.img");
        try
        {
            using (FileStream file = File.Create(image))
            {
                file.SetLength(64 << 20);
            }

            (string Name, string Options, long Count)[] graphs =
            [
                ("null-co", "driver=null-co,size=1G", count),
                ("ten raw layers over null-co", "driver=raw" + string.Concat(Enumerable.Range(1, 9).Select(i => $",{string.Concat(Enumerable.Repeat("file.", i))}driver=raw"))
                    + $",{string.Concat(Enumerable.Repeat("file.", 10))}driver=null-co,{string.Concat(Enumerable.Repeat("file.", 10))}size=1G", count),
                ("a file in memory", $"driver=raw,file.filename={image}", count / 4),
            ];
            Report report = new("graph", "threads", "cpu ns/request", "requests/s", "cpu ratio to one", "rate to one", "at most");
            foreach ((string name, string options, long requestCount) in graphs)
            {
                Compare(report, name, options, requestCount, rounds);
            }

            report.Note($"medians of {rounds} rounds in turns; depth 64 a thread; {Environment.ProcessorCount} processors");
            return report.Print(arguments.IsJson);
        }
        finally
        {
            File.Delete(image);
        }
    }

    private static void Compare(Report report, string name, string options, long count, long rounds)
    {
        int[] threadCounts = [.. new[] { 1, 2, 4 }.Where(n => n <= Math.Max(2, Environment.ProcessorCount))];
        List<(double CpuNs, double Rate)>[] results = [.. threadCounts.Select(_ => new List<(double, double)>())];
        for (long round = 0; round < rounds; round++)
        {
            for (int i = 0; i < threadCounts.Length; i++)
            {
                results[i].Add(Measure(options, threadCounts[i], count));
            }
        }

        double oneCpuNs = Sample.Median(results[0].Select(r => r.CpuNs));
        double oneRate = Sample.Median(results[0].Select(r => r.Rate));
        for (int i = 0; i < threadCounts.Length; i++)
        {
            double cpuNs = Sample.Median(results[i].Select(r => r.CpuNs));
            double rate = Sample.Median(results[i].Select(r => r.Rate));
            if (i == 0)
            {
                report.Add(name, threadCounts[i], cpuNs, rate, null, null, null);
            }
            else
            {
                report.AddChecked(cpuNs / oneCpuNs <= CostRatioMax, name, threadCounts[i], cpuNs, rate, cpuNs / oneCpuNs, rate / oneRate, CostRatioMax);
            }
        }
    }

    private static (double CpuNs, double Rate) Measure(string options, int threadCount, long count)
    {
        (double CpuNs, double Rate) result = default;
        BenchmarkWorld.Run(options, async (_, backend) => result = await MeasureAsync(backend, threadCount, count));
        return result;
    }

    // The backend's own context only waits: the threads submit to the image directly.
    private static async Task<(double CpuNs, double Rate)> MeasureAsync(BlockBackend backend, int threadCount, long count)
    {
        IoThread[] threads = [.. Enumerable.Range(0, threadCount).Select(i => new IoThread($"io{i}"))];
        foreach (IoThread thread in threads)
        {
            await backend.AddSubmitterAsync(thread.Context);
        }

        await Task.WhenAll(threads.Select(thread => LoadAsync(backend, thread, count / 10)));
        long startStamp = Stopwatch.GetTimestamp();
        TimeSpan startCpu = Environment.CpuUsage.TotalTime;
        await Task.WhenAll(threads.Select(thread => LoadAsync(backend, thread, count)));
        double wallNs = Stopwatch.GetElapsedTime(startStamp).TotalNanoseconds;
        double cpuNs = (Environment.CpuUsage.TotalTime - startCpu).TotalNanoseconds;
        foreach (IoThread thread in threads)
        {
            await backend.RemoveSubmitterAsync(thread.Context);
            thread.Dispose();
        }

        double requestCount = (double)count * threadCount;
        return (cpuNs / requestCount, requestCount * 1e9 / wallNs);
    }

    private static Task LoadAsync(BlockBackend backend, IoThread thread, long count) =>
        thread.Context.RunAsync(() => new RequestLoad(backend, BlockCore.Io.RequestKind.Read, 64).RunAsync(0, count, null, null));
}
