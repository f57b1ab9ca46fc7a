namespace BlockGraph.Drivers.Protocols.HostFile;

/// <summary>A regular file of the host. <i>QEMU: file.</i></summary>
public sealed class HostFileDriver() : HostStorageDriver("file")
{
    /// <inheritdoc/>
    public override string Summary => "a regular file of the host";

    /// <inheritdoc/>
    private protected override bool WantsDevice => false;
}
