using BlockGraph.Tools.Dispatch.Linux;

namespace BlockGraph.Tools.Io;

/// <summary>Ends the program as a crash would: nothing is finished, nothing is closed.</summary>
internal sealed class AbortCommand : IoCommand
{
    /// <inheritdoc/>
    public override string Name => "abort";

    /// <inheritdoc/>
    public override string Summary => "crash at once, with SIGABRT";

    /// <inheritdoc/>
    public override string QemuTail => " -- simulate a program crash using abort(3)";

    /// <inheritdoc/>
    public override bool NeedsImage => false;

    /// <inheritdoc/>
    public override ValueTask<bool> RunAsync(IoSession session, IoSwitches switches)
    {
        session.Raise(ProcessSignal.Abort);
        return new(true);
    }
}
