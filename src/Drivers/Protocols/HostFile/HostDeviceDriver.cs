using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.Drivers.Protocols.HostFile;

/// <summary>A block device of the host. A plain file name that stands for one means this driver. <i>QEMU: host_device.</i></summary>
public sealed class HostDeviceDriver() : HostStorageDriver("host_device")
{
    /// <inheritdoc/>
    public override string Summary => "a block device of the host";

    /// <inheritdoc/>
    public override bool IsMeantByName(string fileName, HostPlatform platform)
    {
        ArgumentNullException.ThrowIfNull(platform);
        return platform.IsBlockDevice(fileName);
    }

    /// <inheritdoc/>
    private protected override bool WantsDevice => true;
}
