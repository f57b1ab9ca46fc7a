namespace BlockGraph.Tools.Io;

/// <summary>Closes the image.</summary>
internal sealed class CloseCommand : IoCommand
{
    /// <inheritdoc/>
    public override string Name => "close";

    /// <inheritdoc/>
    public override string Alias => "c";

    /// <inheritdoc/>
    public override string Summary => "close the image";

    /// <inheritdoc/>
    public override string QemuTail => " -- close the current open file";

    /// <inheritdoc/>
    public override async ValueTask<bool> RunAsync(IoSession session, IoSwitches switches)
    {
        await session.CloseAsync();
        return true;
    }
}
