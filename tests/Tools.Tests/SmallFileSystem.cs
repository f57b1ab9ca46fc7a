using System.Diagnostics;

namespace BlockGraph.Tools.Tests;

/// <summary>A file system in memory of a given size, mounted for one test; a test that needs it is ignored where it may not be mounted.</summary>
internal sealed class SmallFileSystem : IDisposable
{
    private readonly string _folder;

    public SmallFileSystem(string folder, string size)
    {
        _folder = folder;
        if (!OperatingSystem.IsLinux() || Environment.UserName != "root")
        {
            Assert.Ignore("only root on Linux may mount a small file system");
        }

        if (Run("mount", "-t", "tmpfs", "-o", $"size={size}", "tmpfs", folder) != 0)
        {
            Assert.Ignore("a file system cannot be mounted here");
        }
    }

    public void Dispose() => Run("umount", _folder);

    private static int Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode;
    }
}
