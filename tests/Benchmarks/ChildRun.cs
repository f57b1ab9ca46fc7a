using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace BlockGraph.Benchmarks;

/// <summary>One run of another program, to its end.</summary>
/// <param name="ExitCode">How it ended.</param>
/// <param name="WallNs">From starting it to its end, in nanoseconds.</param>
/// <param name="CpuNs">User and system time of all its threads, in nanoseconds; 0 where the system does not tell.</param>
/// <param name="Output">Standard output, then standard error.</param>
internal sealed partial record ChildRun(int ExitCode, double WallNs, double CpuNs, string Output)
{
    private const double NsPerSecond = 1e9;
    private const double NsPerMicrosecond = 1e3;
    private const int ChildrenThatHaveEnded = -1;

    /// <summary>Whether <see cref="CpuNs"/> is known here, to a microsecond.</summary>
    public static bool HasCpuTimes => OperatingSystem.IsLinux();

    /// <summary>Runs <paramref name="program"/> with <paramref name="arguments"/>. No other child may run meanwhile: the system adds their times up.</summary>
    /// <exception cref="FileNotFoundException">There is no such program.</exception>
    public static ChildRun Of(string program, params string[] arguments) => With(null, program, arguments);

    /// <summary>The same, with <paramref name="input"/> for its standard input.</summary>
    /// <exception cref="FileNotFoundException">There is no such program.</exception>
    public static ChildRun With(string? input, string program, params string[] arguments)
    {
        ProcessStartInfo start = new(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = input is not null };
        double cpuNs = ReadChildrenCpuNs();
        long stamp = Stopwatch.GetTimestamp();
        try
        {
            using Process child = Process.Start(start)!;
            Task<string> errors = child.StandardError.ReadToEndAsync();
            Task<string> output = child.StandardOutput.ReadToEndAsync();
            if (input is not null)
            {
                Feed(child, input);
            }

            child.WaitForExit();
            double wallNs = Stopwatch.GetElapsedTime(stamp).TotalNanoseconds;
            return new ChildRun(child.ExitCode, wallNs, ReadChildrenCpuNs() - cpuNs, output.GetAwaiter().GetResult() + errors.GetAwaiter().GetResult());
        }
        catch (Win32Exception error)
        {
            throw new FileNotFoundException($"missing program: {program}", program, error);
        }
    }

    private static void Feed(Process child, string input)
    {
        try
        {
            child.StandardInput.Write(input);
            child.StandardInput.Close();
        }
        catch (IOException)
        {
            // It has ended without reading everything; how, its exit code says.
        }
    }

    private static double ReadChildrenCpuNs() => HasCpuTimes && GetUsage(ChildrenThatHaveEnded, out ResourceUsage usage) == 0
        ? ((usage.UserSeconds + usage.SystemSeconds) * NsPerSecond) + ((usage.UserMicroseconds + usage.SystemMicroseconds) * NsPerMicrosecond)
        : 0;

    [LibraryImport("libc", EntryPoint = "getrusage")]
    private static partial int GetUsage(int who, out ResourceUsage usage);

    /// <summary>The C library's <c>struct rusage</c> on 64-bit Linux, whose other members nobody asks for.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 144)]
    private struct ResourceUsage
    {
        public long UserSeconds;
        public long UserMicroseconds;
        public long SystemSeconds;
        public long SystemMicroseconds;
    }
}
