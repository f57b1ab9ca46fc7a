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

    private static readonly Lazy<HostPlatform> s_default = new(() => Choose(Environment.GetEnvironmentVariable(EngineVariable), OperatingSystem.IsLinux()));

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
