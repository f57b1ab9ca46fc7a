namespace BlockGraph.Tools.Io;

/// <summary>Reads a range into several pieces of memory and waits for it.</summary>
internal class ReadvCommand : IoCommand
{
    /// <inheritdoc/>
    public override string Name => "readv";

    /// <inheritdoc/>
    public override string? Alias => "rv";

    /// <inheritdoc/>
    public override string Usage => "[-Cqv] [-P pattern] off len [len..]";

    /// <inheritdoc/>
    public override string Summary => "read a range into several buffers";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Details { get; } =
    [
        "-C          report in one line for a script",
        "-P PATTERN  verify that every byte read has this value",
        "-q          report nothing on success",
        "-v          show the bytes",
    ];

    /// <inheritdoc/>
    public override string Switches => "CqvP:";

    /// <inheritdoc/>
    public override int ArgumentCountMin => 2;

    /// <inheritdoc/>
    public override int ArgumentCountMax => Unbounded;

    /// <inheritdoc/>
    public override ValueTask<bool> RunAsync(IoSession session, IoSwitches switches)
    {
        if (switches.Operands.Count < 2)
        {
            session.Out.WriteLine(UsageLine);
            return new(false);
        }

        byte pattern = 0;
        long offset = 0;
        IoBuffer buffer = null!;
        string? error = VectorArguments.ReadPattern(switches, ref pattern)
            ?? VectorArguments.Read(switches, IoBuffer.UnreadPattern, out offset, out buffer);
        if (error is not null)
        {
            session.Out.WriteLine(error);
            return new(false);
        }

        PatternCheck check = VectorArguments.CheckOf(switches, pattern, buffer);
        return StartAsync(session, new ReadTransfer(offset, buffer, check, IoReport.Of(switches), switches.Has('v')));
    }

    /// <summary>Carries the read out.</summary>
    protected virtual ValueTask<bool> StartAsync(IoSession session, ReadTransfer transfer) => transfer.RunAsync(session, Name);
}
