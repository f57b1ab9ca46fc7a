namespace BlockGraph.Tools.Io;

/// <summary>Ends the program; what was submitted finishes first.</summary>
internal sealed class QuitCommand : IoCommand
{
    /// <inheritdoc/>
    public override string Name => "quit";

    /// <inheritdoc/>
    public override string Alias => "q";

    /// <inheritdoc/>
    public override string Summary => "end the program";

    /// <inheritdoc/>
    public override string QemuTail => " -- exit the program";

    /// <inheritdoc/>
    public override bool NeedsImage => false;

    /// <inheritdoc/>
    public override int ArgumentCountMax => Unbounded;

    /// <inheritdoc/>
    public override ValueTask<bool> RunAsync(IoSession session, IoSwitches switches)
    {
        session.IsQuitting = true;
        return new(true);
    }
}
