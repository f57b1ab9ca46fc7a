using BlockGraph.BlockCore.Io;

namespace BlockGraph.Tools.Io;

/// <summary>Writes a range from several pieces of memory and waits for it.</summary>
internal sealed class WritevCommand : IoCommand
{
    /// <inheritdoc/>
    public override string Name => "writev";

    /// <inheritdoc/>
    public override string Usage => "[-Cfq] [-P pattern] off len [len..]";

    /// <inheritdoc/>
    public override string Summary => "write a range from several buffers";

    /// <inheritdoc/>
    public override string QemuTail => " [-Cfq] [-P pattern] off len [len..] -- writes a number of bytes at a specified offset";

    /// <inheritdoc/>
    public override string Example => "'writev 512 1k 1k': write 2048 bytes at offset 512 from two buffers";

    /// <inheritdoc/>
    public override IReadOnlyList<IoSwitch> Switches { get; } =
    [
        new('C', "report in one line for a script"),
        new('f', "durable when it completes"),
        new('P', "write this byte instead of 0xcd", "PATTERN"),
        new('q', "report nothing on success"),
    ];

    /// <inheritdoc/>
    public override bool NeedsWrite => true;

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

        byte pattern = VectorArguments.PatternOf(switches, IoBuffer.WritePattern);
        if (!IsFine(session, VectorArguments.Read(session, switches, pattern, out long offset, out IoBuffer buffer)))
        {
            return new(false);
        }

        RequestFlags flags = switches.Has('f') ? RequestFlags.Fua : RequestFlags.None;
        return new WriteTransfer(offset, buffer.Memory.Length, buffer, flags, IoReport.Of(switches)).RunAsync(session, Name);
    }
}
