using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Graph;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.Drivers.Protocols.HostFile;

namespace BlockGraph.Tools.Io;

/// <summary>Shows the image's format and its sizes.</summary>
internal sealed class InfoCommand : IoCommand
{
    /// <inheritdoc/>
    public override string Name => "info";

    /// <inheritdoc/>
    public override string Alias => "i";

    /// <inheritdoc/>
    public override string Summary => "show the image's format and its sizes";

    /// <inheritdoc/>
    public override string QemuTail => " -- prints information about the current file";

    /// <inheritdoc/>
    public override ValueTask<bool> RunAsync(IoSession session, IoSwitches switches)
    {
        BlockDriver driver = session.Backend.Root!.Driver;
        session.Out.WriteLine($"format name: {driver.Name}");
        if (session.Settings.FollowsTexts && driver.ProtocolName is { } protocolName)
        {
            session.Out.WriteLine($"format name: {protocolName}");
        }

        if (!HasInformation(session.Backend.Root))
        {
            if (!session.Settings.FollowsTexts)
            {
                session.Out.WriteLine("cluster size and vm state offset: not known to the driver");
            }

            return new(false);
        }

        // No format here has clusters or room for a machine's state.
        session.Out.WriteLine("cluster size: 0 bytes");
        session.Out.WriteLine("vm state offset: 0 bytes");
        return new(true);
    }

    // A raw image and a filter know what the node below knows; of what is no storage of the host nothing is known.
    private static bool HasInformation(BlockNode node)
    {
        while (node.Driver is not HostStorageDriver && (node.Driver is RawDriver || node.Driver.Category == DriverCategory.Filter)
            && node.PrimaryChild is { } child)
        {
            node = child.Node;
        }

        return node.Driver is HostStorageDriver;
    }
}
