namespace BlockGraph.Tools.Io;

/// <summary>Makes completed writes durable.</summary>
internal sealed class FlushCommand : IoCommand
{
    /// <inheritdoc/>
    public override string Name => "flush";

    /// <inheritdoc/>
    public override string Alias => "f";

    /// <inheritdoc/>
    public override string Summary => "make completed writes durable";

    /// <inheritdoc/>
    public override string QemuTail => " -- flush all in-core file state to disk";

    /// <inheritdoc/>
    public override async ValueTask<bool> RunAsync(IoSession session, IoSwitches switches)
    {
        await session.Backend.FlushAsync();
        return true;
    }
}
