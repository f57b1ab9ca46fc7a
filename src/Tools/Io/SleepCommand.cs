namespace BlockGraph.Tools.Io;

/// <summary>Lets time pass; submitted requests go on meanwhile.</summary>
internal sealed class SleepCommand : IoCommand
{
    private const long NsPerMillisecond = 1_000_000;

    /// <inheritdoc/>
    public override string Name => "sleep";

    /// <inheritdoc/>
    public override string Summary => "let so many milliseconds pass";

    /// <inheritdoc/>
    public override string QemuTail => " -- waits for the given value in milliseconds";

    /// <inheritdoc/>
    public override bool NeedsImage => false;

    /// <inheritdoc/>
    public override string Usage => "ms";

    /// <inheritdoc/>
    public override int ArgumentCountMin => 1;

    /// <inheritdoc/>
    public override int ArgumentCountMax => 1;

    /// <inheritdoc/>
    public override async ValueTask<bool> RunAsync(IoSession session, IoSwitches switches)
    {
        if (!IsFine(session, IoNumbers.ReadMilliseconds(switches.Operands[0], out long milliseconds)))
        {
            return false;
        }

        await session.DelayAsync(milliseconds * NsPerMillisecond);
        return true;
    }
}
