using System.Diagnostics;

namespace BlockGraph.Drivers.Tests.HostFile;

/// <summary>A <c>qemu-io</c> that has a file open and waits for its next command. Skips the test where the program is missing.</summary>
internal sealed class QemuIo : IDisposable
{
    private readonly Process _process;

    public QemuIo(params string[] arguments)
    {
        _process = Start(arguments);
        _process.StandardInput.WriteLine("read 0 512");
        Assert.That(_process.StandardOutput.ReadLine(), Does.EndWith("read 512/512 bytes at offset 0"), "qemu-io has the file open");
    }

    /// <summary>Runs the program to its end; returns all that it printed.</summary>
    public static string Run(params string[] arguments)
    {
        using Process process = Start(arguments);
        process.StandardInput.Close();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd() + errors.GetAwaiter().GetResult();
        process.WaitForExit();
        return output;
    }

    public void Dispose()
    {
        _process.StandardInput.Close();
        _process.WaitForExit();
        _process.Dispose();
    }

    private static Process Start(string[] arguments)
    {
        try
        {
            return Process.Start(new ProcessStartInfo("qemu-io", arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Ignore("missing program: qemu-io");
            throw;
        }
    }
}
