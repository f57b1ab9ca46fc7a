using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Scheduling.Linux;
using BlockGraph.BlockCore.Scheduling.Portable;

namespace BlockGraph.BlockCore.Scheduling;

/// <summary>
/// The one seam to the operating system: how a loop sleeps, and how a file is opened, locked, read and written. One
/// implementation uses Linux's own calls, one only what .NET has everywhere.
/// </summary>
public abstract class HostPlatform
{
    /// <summary>The environment variable that chooses the engine of a process: <c>portable</c> forces the one that works everywhere.</summary>
    public const string EngineVariable = "BLOCKGRAPH_ENGINE";

    private static readonly Lazy<HostPlatform> s_default = new(() => Choose(Environment.GetEnvironmentVariable(EngineVariable), IsLinuxPossible));

    private protected HostPlatform()
    {
    }

    /// <summary>The platform that this process uses unless told otherwise.</summary>
    public static HostPlatform Default => s_default.Value;

    /// <summary>The engine on <c>RandomAccess</c>, which works on every system that .NET does.</summary>
    public static HostPlatform Portable { get; } = new PortablePlatform();

    /// <summary>The engine on Linux's own calls.</summary>
    public static HostPlatform Linux { get; } = new LinuxPlatform();

    /// <summary>What the engine is called: <c>linux</c> or <c>portable</c>.</summary>
    public abstract string Name { get; }

    // The engine's structures are those of 64-bit systems.
    private static bool IsLinuxPossible => OperatingSystem.IsLinux() && Environment.Is64BitProcess;

    /// <summary>Opens a regular file or a block device. It never waits for another process. Control plane.</summary>
    /// <exception cref="BlockException">
    /// <c>Could not open 'PATH': …</c> with the system's words; <c>'file' driver requires 'PATH' to be a regular file</c> for
    /// a FIFO, a character device or a directory opened for reading; <see cref="BlockErrorKind.NotSupported"/> for direct
    /// access with an engine that has none. Nothing stays open.
    /// </exception>
    public abstract HostFile OpenFile(in HostFileOptions options);

    /// <summary>
    /// Makes a regular file of <paramref name="lengthBytes"/> zeros that take no space, or empties and resizes one that
    /// is there, unless its user's locks forbid. Control plane.
    /// </summary>
    /// <param name="path">The file's name as the operating system takes it.</param>
    /// <param name="lengthBytes">The length in bytes; not negative.</param>
    /// <exception cref="BlockException">
    /// <c>Could not create 'PATH': …</c>, <c>Could not resize file: …</c> or <c>Failed to get "…" lock</c>. A file that was
    /// not there before is removed again; one that was keeps its contents.
    /// </exception>
    public abstract void CreateFile(string path, long lengthBytes);

    /// <summary>The platform for the value <paramref name="engine"/> of <see cref="EngineVariable"/>.</summary>
    /// <exception cref="BlockException">The value names no engine, or one that this system lacks.</exception>
    internal static HostPlatform Choose(string? engine, bool isLinux) => engine switch
    {
        null or "" or "auto" => isLinux ? Linux : Portable,
        "portable" => Portable,
        "linux" when isLinux => Linux,
        _ => throw new BlockException($"{EngineVariable} does not accept value '{engine}' (use auto, {(isLinux ? "linux, " : "")}portable)"),
    };

    internal abstract LoopWaiter CreateLoopWaiter();
}
