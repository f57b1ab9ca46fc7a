namespace BlockGraph.Tools.Io;

/// <summary>Waits for every submitted request.</summary>
internal sealed class AioFlushCommand : IoCommand
{
    /// <inheritdoc/>
    public override string Name => "aio_flush";

    /// <inheritdoc/>
    public override string Summary => "wait for every submitted request";

    /// <inheritdoc/>
    public override string QemuTail => " -- completes all outstanding aio requests";

    /// <inheritdoc/>
    public override async ValueTask<bool> RunAsync(IoSession session, IoSwitches switches)
    {
        await session.FinishAsync();
        return true;
    }
}
