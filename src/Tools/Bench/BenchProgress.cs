using System.Globalization;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.Tools.Bench;

/// <summary>Shows a person how a load is doing, on one line that is written over and gone at the end.</summary>
internal static class BenchProgress
{
    private const long IntervalNs = 500_000_000;

    /// <summary>Writes the line again and again until <paramref name="stop"/> is cancelled.</summary>
    public static async Task ShowAsync(TextWriter output, AioContext context, BenchRun run, CancellationToken stop)
    {
        try
        {
            for (long lastCount = 0; ; lastCount = run.DoneCount)
            {
                await context.DelayAsync(IntervalNs, stop);
                double rate = (run.DoneCount - lastCount) / (IntervalNs / 1e9);
                output.Write(string.Create(CultureInfo.InvariantCulture, $"\r{run.ElapsedNs / 1e9:F1} s  {run.DoneCount} requests  {rate:F0} IOPS   "));
            }
        }
        catch (OperationCanceledException)
        {
            output.Write("\r\x1b[K");
        }
    }
}
