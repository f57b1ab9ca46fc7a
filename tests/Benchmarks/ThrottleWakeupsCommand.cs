using System.Diagnostics;
using System.Runtime.InteropServices;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Throttling;

namespace BlockGraph.Benchmarks;

/// <summary>
/// How late a throttled request continues after the instant that its group has worked out, beside a thread that does nothing but
/// sleep for as long in the same run.
/// </summary>
internal static partial class ThrottleWakeupsCommand
{
    private const double RatioMax = 1.5;
    private const int WaitMinMs = 1;
    private const int WaitMaxMs = 5;
    private const long NsPerMs = 1_000_000;

    public static int Run(string[] args)
    {
        CommandArguments arguments = new(args, "count");
        int count = (int)arguments.Number("count", 3000);
        if (!OperatingSystem.IsLinux())
        {
            Console.WriteLine("skipped: sleeping for less than a scheduler's tick is measured on Linux only");
            return 0;
        }

        using IoThread thread = new("throttled");
        Task<double[]> throttled = thread.Context.RunAsync(() => WaitAsync(thread.Context, count));
        double[] sleeping = Sleep(count);
        double[] waking = throttled.GetAwaiter().GetResult();
        double ratio = At(waking, 0.99) / At(sleeping, 0.99);
        Report report = new("lateness, us", "p50", "p90", "p99", "max", "ratio at p99", "at most");
        report.AddChecked(ratio <= RatioMax, "throttled request", At(waking, 0.5), At(waking, 0.9), At(waking, 0.99), waking[^1], ratio, RatioMax);
        report.Add("sleeping thread", At(sleeping, 0.5), At(sleeping, 0.9), At(sleeping, 0.99), sleeping[^1], 1.0, null);
        report.Note($"{count} waits each of {WaitMinMs} to {WaitMaxMs} ms, at the same time");
        return report.Print(arguments.IsJson);
    }

    private static double At(double[] sorted, double fraction) => sorted[(int)Math.Min(sorted.Length - 1, Math.Ceiling(fraction * sorted.Length) - 1)];

    private static async Task<double[]> WaitAsync(AioContext context, int count)
    {
        // Bytes are nanoseconds: a request of n bytes makes the next one wait for n nanoseconds.
        ThrottleConfig limits = new() { BpsTotal = new ThrottleLimits(1000 * NsPerMs), IsPaced = true };
        ThrottleGroup group = new("g", limits);
        ThrottleGroupMember member = group.AddMember(context);
        Random random = new(1);
        List<double> lateness = [];
        member.TryAdmit(ThrottleDirection.Read, NsPerMs);
        while (lateness.Count < count)
        {
            ValueTask wait = member.WaitAsync(ThrottleDirection.Read, NextNs(random));
            if (wait.IsCompleted)
            {
                await wait;
                continue;
            }

            long stamp = Stopwatch.GetTimestamp();
            long dueNs = group.Query(context.NowNs).Reads.NextWakeNs ?? 0;
            long nowNs = context.NowNs;
            await wait;

            // The turn's instant may be a little older than the stamp: measured from there it would be late for nothing.
            double sinceTurnNs = Stopwatch.GetElapsedTime(stamp).TotalNanoseconds + StampNs(stamp) - nowNs;
            lateness.Add((sinceTurnNs - dueNs) / 1000);
        }

        return [.. lateness.Order()];
    }

    private static double[] Sleep(int count)
    {
        Random random = new(1);
        List<double> lateness = [];
        for (int index = 0; index < count; index++)
        {
            long sleepNs = NextNs(random);
            TimeSpec wanted = new() { Seconds = 0, Nanoseconds = sleepNs };
            long stamp = Stopwatch.GetTimestamp();
            if (Nanosleep(in wanted, IntPtr.Zero) == 0)
            {
                lateness.Add((Stopwatch.GetElapsedTime(stamp).TotalNanoseconds - sleepNs) / 1000);
            }
        }

        return [.. lateness.Order()];
    }

    private static long NextNs(Random random) => random.NextInt64(WaitMinMs * NsPerMs, WaitMaxMs * NsPerMs);

    private static double StampNs(long stamp) => stamp * (1e9 / Stopwatch.Frequency);

    [LibraryImport("libc", EntryPoint = "nanosleep")]
    private static partial int Nanosleep(in TimeSpec wanted, IntPtr remaining);

    /// <summary>The C library's <c>struct timespec</c>.</summary>
    private struct TimeSpec
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
