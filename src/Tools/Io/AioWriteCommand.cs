using BlockGraph.BlockCore.Io;

namespace BlockGraph.Tools.Io;

/// <summary>Submits a write and does not wait for it: the command has succeeded when the request is under way.</summary>
internal sealed class AioWriteCommand : IoCommand
{
    /// <inheritdoc/>
    public override string Name => "aio_write";

    /// <inheritdoc/>
    public override string Usage => "[-Cfquz] [-P pattern] off len [len..]";

    /// <inheritdoc/>
    public override string Summary => "submit a write without waiting for it";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Details { get; } =
    [
        "-C          report in one line for a script",
        "-f          durable when it completes",
        "-P PATTERN  write this byte instead of 0xcd",
        "-q          report nothing on success",
        "-u          with -z: the storage may let go of the range",
        "-z          write zeros without a buffer",
    ];

    /// <inheritdoc/>
    public override string Switches => "CfquzP:";

    /// <inheritdoc/>
    public override int ArgumentCountMin => 2;

    /// <inheritdoc/>
    public override int ArgumentCountMax => Unbounded;

    /// <inheritdoc/>
    public override ValueTask<bool> RunAsync(IoSession session, IoSwitches switches)
    {
        string? error = switches.Operands.Count < 2 ? UsageLine : CheckSwitches(switches);
        WriteTransfer transfer = null!;
        error ??= switches.Has('z') ? ReadZeroWrite(switches, out transfer) : ReadWrite(switches, out transfer);
        if (error is not null)
        {
            session.Out.WriteLine(error);
            return new(false);
        }

        if (!session.CheckWritable())
        {
            return new(false);
        }

        session.Submit(async () => await transfer.RunAsync(session, Name));
        return new(true);
    }

    private static string? CheckSwitches(IoSwitches switches)
    {
        bool isZero = switches.Has('z');
        return isZero && switches.Operands.Count != 2 ? "-z supports only a single length parameter"
            : !isZero && switches.Has('u') ? "-u requires -z to be specified"
            : isZero && switches.Has('P') ? "-z and -P cannot be specified at the same time"
            : null;
    }

    private static string? ReadZeroWrite(IoSwitches switches, out WriteTransfer transfer)
    {
        long lengthBytes = 0;
        string? error = IoNumbers.ReadBytes(switches.Operands[0], out long offset) ?? IoNumbers.ReadBytes(switches.Operands[1], out lengthBytes);
        RequestFlags unmap = switches.Has('u') ? RequestFlags.MayUnmap : RequestFlags.None;
        transfer = new WriteTransfer(offset, lengthBytes, null, FlagsOf(switches) | unmap, IoReport.Of(switches));
        return error;
    }

    private static string? ReadWrite(IoSwitches switches, out WriteTransfer transfer)
    {
        byte pattern = IoBuffer.WritePattern;
        long offset = 0;
        IoBuffer? buffer = null;
        string? error = VectorArguments.ReadPattern(switches, ref pattern)
            ?? VectorArguments.Read(switches, pattern, out offset, out buffer);
        transfer = new WriteTransfer(offset, buffer?.Memory.Length ?? 0, buffer, FlagsOf(switches), IoReport.Of(switches));
        return error;
    }

    private static RequestFlags FlagsOf(IoSwitches switches) => switches.Has('f') ? RequestFlags.Fua : RequestFlags.None;
}
