using BlockGraph.BlockCore.Graph;
using BlockGraph.Tools.Img;

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
    public override async ValueTask<bool> RunAsync(IoSession session, IoSwitches switches)
    {
        BlockNode root = session.Backend.Root!;
        session.Out.WriteLine($"format name: {root.Driver.Name}");
        if (session.Settings.FollowsTexts && root.Driver.ProtocolName is { } protocolName)
        {
            session.Out.WriteLine($"format name: {protocolName}");
        }

        if (await root.GetInformationAsync() is not { } information)
        {
            if (!session.Settings.FollowsTexts)
            {
                session.Out.WriteLine("its driver knows no more");
            }

            return false;
        }

        session.Out.WriteLine($"cluster size: {IoNumbers.Amount(information.ClusterBytes ?? 0)}");
        session.Out.WriteLine($"vm state offset: {IoNumbers.Amount(information.VmStateOffset)}");
        SpecificInformation.Print(session.Out, information);
        return true;
    }
}
