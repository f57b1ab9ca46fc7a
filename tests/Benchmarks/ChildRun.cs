using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace BlockGraph.Benchmarks;

/// <summary>One run of another program, to its end.</summary>
/// <param name="ExitCode">How it ended.</param>
/// <param name="WallNs">From starting it to its end, in nanoseconds.</param>
/// <param name="CpuNs">User and system time of all its threads, in nanoseconds; 0 where the system does not tell.</param>
/// <param name="Output">Standard output, then standard error.</param>
internal sealed record ChildRun(int ExitCode, double WallNs, double CpuNs, string Output)
{
    // What /proc counts time in, on every Linux that .NET runs on.
    private const double TickNs = 10_000_000;

    /// <summary>Whether <see cref="CpuNs"/> is known here, to a hundredth of a second.</summary>
    public static bool HasCpuTimes => OperatingSystem.IsLinux();

    /// <summary>Runs <paramref name="program"/> with <paramref name="arguments"/>. No other child may run meanwhile: the system adds their times up.</summary>
    /// <exception cref="FileNotFoundException">There is no such program.</exception>
    public static ChildRun Of(string program, params string[] arguments)
    {
        ProcessStartInfo start = new(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        double cpuNs = ReadChildrenCpuNs();
        long stamp = Stopwatch.GetTimestamp();
        try
        {
            using Process child = Process.Start(start)!;
            Task<string> errors = child.StandardError.ReadToEndAsync();
            string output = child.StandardOutput.ReadToEnd();
            child.WaitForExit();
            double wallNs = Stopwatch.GetElapsedTime(stamp).TotalNanoseconds;
            return new ChildRun(child.ExitCode, wallNs, ReadChildrenCpuNs() - cpuNs, output + errors.GetAwaiter().GetResult());
        }
        catch (Win32Exception error)
        {
            throw new FileNotFoundException($"missing program: {program}", program, error);
        }
    }

    /// <summary>User and system time of the children that have ended and were waited for: fields 16 and 17 of the line.</summary>
    private static double ReadChildrenCpuNs()
    {
        if (!HasCpuTimes)
        {
            return 0;
        }

        string line = File.ReadAllText("/proc/self/stat");

        // The second field is a name in parentheses, which may hold blanks: count from behind it.
        string[] fields = line[(line.LastIndexOf(')') + 2)..].Split(' ');
        long ticks = long.Parse(fields[13], CultureInfo.InvariantCulture) + long.Parse(fields[14], CultureInfo.InvariantCulture);
        return ticks * TickNs;
    }
}
