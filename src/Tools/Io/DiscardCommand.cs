namespace BlockGraph.Tools.Io;

/// <summary>Lets go of a range and waits for it.</summary>
internal sealed class DiscardCommand : IoCommand
{
    /// <inheritdoc/>
    public override string Name => "discard";

    /// <inheritdoc/>
    public override string Alias => "d";

    /// <inheritdoc/>
    public override string Usage => "[-Cq] off len";

    /// <inheritdoc/>
    public override string Summary => "let go of a range";

    /// <inheritdoc/>
    public override string QemuTail => " [-Cq] off len -- discards a number of bytes at a specified offset";

    /// <inheritdoc/>
    public override string Example => "'discard 512 1k': let go of the 1024 bytes at offset 512";

    /// <inheritdoc/>
    public override IReadOnlyList<IoSwitch> Switches { get; } =
    [
        new('C', "report in one line for a script"),
        new('q', "report nothing on success"),
    ];

    /// <inheritdoc/>
    public override bool NeedsWrite => true;

    /// <inheritdoc/>
    public override int ArgumentCountMin => 2;

    /// <inheritdoc/>
    public override int ArgumentCountMax => Unbounded;

    /// <inheritdoc/>
    public override int? OperandCount => 2;

    /// <inheritdoc/>
    public override async ValueTask<bool> RunAsync(IoSession session, IoSwitches switches)
    {
        long lengthBytes = 0;
        string? error = IoNumbers.ReadBytes(switches.Operands[0], out long offset)
            ?? IoNumbers.ReadLength(switches.Operands[1], out lengthBytes);
        if (!IsFine(session, error))
        {
            return false;
        }

        long startNs = session.NowNs;
        await session.Backend.DiscardAsync(offset, lengthBytes);
        IoReport.Of(switches).Print(session.Out, Name, offset, lengthBytes, session.NowNs - startNs);
        return true;
    }
}
