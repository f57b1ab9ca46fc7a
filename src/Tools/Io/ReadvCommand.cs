namespace BlockGraph.Tools.Io;

/// <summary>Reads a range into several pieces of memory and waits for it.</summary>
internal class ReadvCommand : IoCommand
{
    /// <inheritdoc/>
    public override string Name => "readv";

    /// <inheritdoc/>
    public override string Usage => "[-Cqv] [-P pattern] off len [len..]";

    /// <inheritdoc/>
    public override string Summary => "read a range into several buffers";

    /// <inheritdoc/>
    public override string QemuTail => " [-Cqv] [-P pattern] off len [len..] -- reads a number of bytes at a specified offset";

    /// <inheritdoc/>
    public override string? Example => "'readv -v 512 1k 1k': show the 2048 bytes at offset 512, read into two buffers";

    /// <inheritdoc/>
    public override IReadOnlyList<IoSwitch> Switches { get; } =
    [
        new('C', "report in one line for a script"),
        new('P', "verify that every byte read has this value", "PATTERN"),
        new('q', "report nothing on success"),
        new('v', "show the bytes"),
    ];

    /// <inheritdoc/>
    public override int ArgumentCountMin => 2;

    /// <inheritdoc/>
    public override int ArgumentCountMax => Unbounded;

    /// <inheritdoc/>
    public override bool? Meet(IoSession session, IoSwitches before, char letter, string? value) =>
        letter == 'P' ? MeetValue(session, IoNumbers.ReadPattern(value!, out _)) : null;

    /// <inheritdoc/>
    public override ValueTask<bool> RunAsync(IoSession session, IoSwitches switches)
    {
        if (switches.Operands.Count < 2)
        {
            session.Out.WriteLine(UsageLine(session.Settings));
            return new(false);
        }

        if (!IsFine(session, VectorArguments.Read(session, switches, IoBuffer.UnreadPattern, out long offset, out IoBuffer buffer)))
        {
            return new(false);
        }

        PatternCheck check = VectorArguments.CheckOf(switches, buffer);
        return StartAsync(session, new ReadTransfer(offset, buffer, check, IoReport.Of(switches), switches.Has('v')));
    }

    /// <summary>Carries the read out.</summary>
    protected virtual ValueTask<bool> StartAsync(IoSession session, ReadTransfer transfer) => transfer.RunAsync(session, Name);
}
