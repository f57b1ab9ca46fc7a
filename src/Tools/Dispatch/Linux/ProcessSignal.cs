using System.Runtime.InteropServices;
using BlockGraph.BlockCore.Errors;

namespace BlockGraph.Tools.Dispatch.Linux;

/// <summary>Signals that a process raises in itself, by Linux's numbers.</summary>
internal static class ProcessSignal
{
    /// <summary>SIGABRT.</summary>
    public const int Abort = 6;

    /// <summary>The largest number that may be raised.</summary>
    public const int Max = 65;

    private const nint DefaultAction = 0;

    // SIGBUS, SIGUSR1, SIGPIPE, SIGALRM and SIGIO: the well-known programs keep them for themselves, and live through them.
    private static readonly int[] s_kept = [7, 10, 13, 14, 29];

    // SIGCHLD, SIGCONT, SIGURG and SIGWINCH end nothing, and SIGSTOP to SIGTTOU only stop: whoever handles them does so as before.
    private static readonly int[] s_harmless = [17, 18, 19, 20, 21, 22, 23, 28];

    /// <summary>Raises <paramref name="signal"/>: what ends a process by default ends this one at once, whoever listens to it. What is no signal does nothing.</summary>
    /// <exception cref="BlockException">This system has no signals.</exception>
    public static void Raise(int signal)
    {
        if (!OperatingSystem.IsLinux())
        {
            throw new BlockException(BlockErrorKind.NotSupported, "signals are raised on Linux only");
        }

        if (s_kept.Contains(signal))
        {
            return;
        }

        if (!s_harmless.Contains(signal))
        {
            _ = SetAction(signal, DefaultAction);
        }

        _ = RaiseHere(signal);
    }

    [DllImport("libc", EntryPoint = "signal")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint SetAction(int signal, nint action);

    [DllImport("libc", EntryPoint = "raise")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int RaiseHere(int signal);
}
