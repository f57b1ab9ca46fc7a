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
    public override IReadOnlyList<string> Details { get; } =
    [
        "-C          report in one line for a script",
        "-q          report nothing on success",
    ];

    /// <inheritdoc/>
    public override string Switches => "Cq";

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
        if (error is not null)
        {
            session.Out.WriteLine(error);
            return false;
        }

        if (!session.CheckWritable())
        {
            return false;
        }

        long startNs = session.NowNs;
        await session.Backend.DiscardAsync(offset, lengthBytes);
        IoReport.Of(switches).Print(session.Out, Name, offset, lengthBytes, session.NowNs - startNs);
        return true;
    }
}
