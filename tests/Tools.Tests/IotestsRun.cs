using System.Diagnostics;

namespace BlockGraph.Tools.Tests;

/// <summary>One run of <c>iotests/check</c>: its exit code and what it printed on both outputs.</summary>
internal sealed record IotestsRun(int ExitCode, string Output)
{
    private static readonly string RepositoryRoot = FindRoot();

    /// <summary>The folder of the scripts that belong to the project.</summary>
    public static string ScriptFolder { get; } = Path.Combine(RepositoryRoot, "iotests", "tests");

    public string[] Lines => Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Whether this machine can run the scripts; <paramref name="reason"/> says what is missing.</summary>
    public static bool IsPossible(out string reason)
    {
        if (!OperatingSystem.IsLinux())
        {
            reason = "the scripts need bash 5.1 and the GNU coreutils, and are run on Linux only";
            return false;
        }

        string[] folders = (Environment.GetEnvironmentVariable("PATH") ?? string.Empty).Split(Path.PathSeparator);
        reason = "missing program: bash";
        return folders.Any(folder => File.Exists(Path.Combine(folder, "bash")));
    }

    public static async Task<IotestsRun> StartAsync(IReadOnlyDictionary<string, string?> environment, params string[] arguments)
    {
        ProcessStartInfo start = new("bash", [Path.Combine(RepositoryRoot, "iotests", "check"), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach ((string name, string? value) in environment)
        {
            start.Environment[name] = value;
        }

        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return new IotestsRun(process.ExitCode, await output + await errors);
    }

    private static string FindRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "iotests", "check")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException($"No iotests/check above {AppContext.BaseDirectory}.");
    }
}
