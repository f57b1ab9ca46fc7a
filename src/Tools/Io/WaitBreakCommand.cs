using BlockGraph.Drivers.Filters.Blkdebug;

namespace BlockGraph.Tools.Io;

/// <summary>Waits until a request is suspended.</summary>
internal sealed class WaitBreakCommand : IoCommand
{
    /// <inheritdoc/>
    public override string Name => "wait_break";

    /// <inheritdoc/>
    public override string Usage => "tag";

    /// <inheritdoc/>
    public override string Summary => "wait until a request is suspended under a tag";

    /// <inheritdoc/>
    public override string QemuTail => " tag -- waits for the suspension of a request";

    /// <inheritdoc/>
    public override int ArgumentCountMin => 1;

    /// <inheritdoc/>
    public override int ArgumentCountMax => 1;

    /// <inheritdoc/>
    public override async ValueTask<bool> RunAsync(IoSession session, IoSwitches switches)
    {
        string tag = switches.Operands[0];
        BlkdebugInstance? debug = session.FindBlkdebug();
        bool isSuspended = debug is not null && await session.WaitForSuspensionAsync(debug, tag);

        // Where nothing is under way any more there is nothing to wait for.
        return IsFine(session, isSuspended ? null : $"No request comes to be suspended under '{tag}'{(debug is null ? $": {IoSession.NoBlkdebug}" : "")}");
    }
}
