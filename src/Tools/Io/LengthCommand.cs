namespace BlockGraph.Tools.Io;

/// <summary>Shows the image's length.</summary>
internal sealed class LengthCommand : IoCommand
{
    /// <inheritdoc/>
    public override string Name => "length";

    /// <inheritdoc/>
    public override string Alias => "l";

    /// <inheritdoc/>
    public override string Summary => "show the image's length";

    /// <inheritdoc/>
    public override string QemuTail => " -- gets the length of the current file";

    /// <inheritdoc/>
    public override ValueTask<bool> RunAsync(IoSession session, IoSwitches switches)
    {
        session.Out.WriteLine(IoNumbers.Amount(session.Backend.LengthBytes));
        return new(true);
    }
}
