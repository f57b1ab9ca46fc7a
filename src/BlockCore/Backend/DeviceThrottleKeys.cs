using BlockGraph.BlockCore.Throttling;

namespace BlockGraph.BlockCore.Backend;

/// <summary>The nineteen limits as commands and queries about a device spell them: <c>bps</c>, <c>iops_rd_max</c>. <i>QEMU: BlockIOThrottle and BlockDeviceInfo.</i></summary>
internal static class DeviceThrottleKeys
{
    /// <summary>The key of the group's name.</summary>
    public const string Group = "group";

    /// <summary>All of them, in the order of <see cref="ThrottleKeys.All"/>.</summary>
    public static IReadOnlyList<(ThrottleKey Key, string Name)> All { get; } = [.. ThrottleKeys.All.Select(key => (key, NameOf(key)))];

    /// <summary>How <paramref name="key"/> is spelt for a device.</summary>
    public static string NameOf(ThrottleKey key) => key.Name
        .Replace("-total", "", StringComparison.Ordinal)
        .Replace("-read", "_rd", StringComparison.Ordinal)
        .Replace("-write", "_wr", StringComparison.Ordinal)
        .Replace('-', '_');
}
