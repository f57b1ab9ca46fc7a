using System.Diagnostics;

namespace BlockGraph.Simulation.Tests.Storm;

/// <summary>
/// A bug may bring down the process: what is thrown where nobody waits for it ends on a thread that belongs to no storm. Then the seeds that are
/// under way are tried again, each in a process of its own, to tell which one it was.
/// </summary>
internal sealed class StormCrash(Func<IReadOnlyList<int>> seedsUnderWay, TextWriter output)
{
    private int _isCrashed;

    /// <summary>From now on a crash is a finding of the seed that it came from, with exit code 1.</summary>
    public void Watch() => AppDomain.CurrentDomain.UnhandledException += (_, crash) =>
    {
        if (Interlocked.Exchange(ref _isCrashed, 1) == 0)
        {
            Tell((Exception)crash.ExceptionObject, seedsUnderWay());
            Environment.Exit(1);
        }
    };

    private void Tell(Exception crash, IReadOnlyList<int> seeds)
    {
        int? culprit = seeds.Count == 1 ? seeds[0] : seeds.Cast<int?>().FirstOrDefault(seed => HasFinding(seed!.Value));
        output.WriteLine(culprit is { } one
            ? $"seed {one}: crash: {crash.GetType().Name}: {crash.Message}"
            : $"crash: {crash.GetType().Name}: {crash.Message}; none of the seeds {string.Join(", ", seeds)} crashes alone");
        output.WriteLine(crash.StackTrace);
        output.Flush();
    }

    private static bool HasFinding(int seed)
    {
        ProcessStartInfo start = new(Environment.ProcessPath!) { RedirectStandardOutput = true, RedirectStandardError = true };
        if (Path.GetFileNameWithoutExtension(start.FileName) == "dotnet")
        {
            start.ArgumentList.Add(typeof(StormCrash).Assembly.Location);
        }

        start.ArgumentList.Add("--seed");
        start.ArgumentList.Add($"{seed}");
        using Process process = Process.Start(start)!;
        process.StandardError.ReadToEndAsync();
        process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode != 0;
    }
}
