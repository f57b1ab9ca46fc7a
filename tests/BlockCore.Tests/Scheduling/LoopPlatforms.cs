using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Tests.Scheduling;

/// <summary>The platforms that work on this system.</summary>
internal static class LoopPlatforms
{
    public static IEnumerable<HostPlatform> All => OperatingSystem.IsLinux() ? [HostPlatform.Linux, HostPlatform.Portable] : [HostPlatform.Portable];
}
