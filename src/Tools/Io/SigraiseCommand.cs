using BlockGraph.Tools.Dispatch.Linux;

namespace BlockGraph.Tools.Io;

/// <summary>Raises a signal in the program itself.</summary>
internal sealed class SigraiseCommand : IoCommand
{
    /// <inheritdoc/>
    public override string Name => "sigraise";

    /// <inheritdoc/>
    public override string Usage => "signal";

    /// <inheritdoc/>
    public override string Summary => "raise a signal by its number";

    /// <inheritdoc/>
    public override string QemuTail => " signal -- raises a signal";

    /// <inheritdoc/>
    public override string Example => "'sigraise 15': end as if by kill, with SIGTERM";

    /// <inheritdoc/>
    public override bool NeedsImage => false;

    /// <inheritdoc/>
    public override int ArgumentCountMin => 1;

    /// <inheritdoc/>
    public override int ArgumentCountMax => 1;

    /// <inheritdoc/>
    public override ValueTask<bool> RunAsync(IoSession session, IoSwitches switches)
    {
        string text = switches.Operands[0];
        string? error = IoNumbers.ReadBytes(text, out long signal)
            ?? (signal > ProcessSignal.Max ? $"signal argument '{text}' is too large to be a valid signal" : null);
        if (!IsFine(session, error))
        {
            return new(false);
        }

        session.Raise((int)signal);
        return new(true);
    }
}
