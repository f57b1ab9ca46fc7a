using BlockGraph.BlockCore.Io;

namespace BlockGraph.Tools.Io;

/// <summary>Writes a range from several pieces of memory and waits for it.</summary>
internal sealed class WritevCommand : IoCommand
{
    /// <inheritdoc/>
    public override string Name => "writev";

    /// <inheritdoc/>
    public override string Alias => "wv";

    /// <inheritdoc/>
    public override string Usage => "[-Cfq] [-P pattern] off len [len..]";

    /// <inheritdoc/>
    public override string Summary => "write a range from several buffers";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Details { get; } =
    [
        "-C          report in one line for a script",
        "-f          durable when it completes",
        "-P PATTERN  write this byte instead of 0xcd",
        "-q          report nothing on success",
    ];

    /// <inheritdoc/>
    public override string Switches => "CfqP:";

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

        byte pattern = IoBuffer.WritePattern;
        long offset = 0;
        IoBuffer buffer = null!;
        string? error = VectorArguments.ReadPattern(switches, ref pattern)
            ?? VectorArguments.Read(switches, pattern, out offset, out buffer);
        if (error is not null)
        {
            session.Out.WriteLine(error);
            return new(false);
        }

        if (!session.CheckWritable())
        {
            return new(false);
        }

        RequestFlags flags = switches.Has('f') ? RequestFlags.Fua : RequestFlags.None;
        return new WriteTransfer(offset, buffer.Memory.Length, buffer, flags, IoReport.Of(switches)).RunAsync(session, Name);
    }
}
