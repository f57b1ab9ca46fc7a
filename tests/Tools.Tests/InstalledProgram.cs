using System.Diagnostics;

namespace BlockGraph.Tools.Tests;

/// <summary>A program of QEMU that is installed here, beside which ours is held.</summary>
internal static class InstalledProgram
{
    private const int TimeoutMs = 60_000;

    // To choose how often to iterate a key QEMU's programs measure their own CPU time, and give up where a busy machine gives them none.
    private const int AttemptCountMax = 20;
    private const string NoTime = "Unable to get accurate CPU usage";

    /// <summary>Runs <c>/usr/bin/NAME</c>; a test that needs it is ignored where it is missing.</summary>
    public static ToolRun Run(string name, string input, params IReadOnlyList<string> arguments) => RunIn(folder: "", name, input, arguments);

    /// <summary>The same from a folder, so that its arguments can be names of files there.</summary>
    public static ToolRun RunIn(string folder, string name, string input, params IReadOnlyList<string> arguments) => WithTime(() => RunOnce(folder, name, input, arguments));

    /// <summary>Runs one of QEMU's programs, and again where it was given no time to measure itself.</summary>
    public static ToolRun WithTime(Func<ToolRun> runOnce)
    {
        ToolRun run = runOnce();
        for (int attempt = 1; attempt < AttemptCountMax && run.ExitCode != 0 && run.Error.Contains(NoTime, StringComparison.Ordinal); attempt++)
        {
            run = runOnce();
        }

        return run;
    }

    private static ToolRun RunOnce(string folder, string name, string input, IReadOnlyList<string> arguments)
    {
        string path = $"/usr/bin/{name}";
        if (!File.Exists(path))
        {
            Assert.Ignore($"missing program: {name}");
        }

        ProcessStartInfo start = new(path, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = folder };
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        try
        {
            process.StandardInput.Write(input);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It has ended without reading all of it.
        }

        if (!process.WaitForExit(TimeoutMs))
        {
            process.Kill();
            Assert.Fail($"{name} {string.Join(' ', arguments)} does not end");
        }

        return new ToolRun(process.ExitCode, output.Result, errors.Result);
    }
}
