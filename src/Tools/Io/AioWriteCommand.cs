using BlockGraph.BlockCore.Io;

namespace BlockGraph.Tools.Io;

/// <summary>Submits a write and does not wait for it: the command has succeeded when the request is under way.</summary>
internal sealed class AioWriteCommand : IoCommand
{
    /// <inheritdoc/>
    public override string Name => "aio_write";

    /// <inheritdoc/>
    public override string Usage => "[-Cfiquz] [-P pattern] off len [len..]";

    /// <inheritdoc/>
    public override string Summary => "submit a write without waiting for it";

    /// <inheritdoc/>
    public override string QemuTail => " [-Cfiquz] [-P pattern] off len [len..] -- asynchronously writes a number of bytes";

    /// <inheritdoc/>
    public override string Example => "'aio_write -P 7 512 1k 1k': submit a write of 2048 bytes of 7 at offset 512; 'aio_flush' waits for it";

    /// <inheritdoc/>
    public override IReadOnlyList<IoSwitch> Switches { get; } =
    [
        new('C', "report in one line for a script"),
        new('f', "durable when it completes"),
        new('i', "write nothing: count a request that its device has refused"),
        new('P', "write this byte instead of 0xcd", "PATTERN"),
        new('q', "report nothing on success"),
        new('u', "with -z: the storage may let go of the range"),
        new('z', "write zeros without a buffer"),
    ];

    /// <inheritdoc/>
    public override bool NeedsWrite => true;

    /// <inheritdoc/>
    public override int ArgumentCountMin => 2;

    /// <inheritdoc/>
    public override int ArgumentCountMax => Unbounded;

    /// <inheritdoc/>
    public override bool? Meet(IoSession session, IoSwitches before, char letter, string? value)
    {
        if (letter != 'i')
        {
            return letter == 'P' ? MeetValue(session, IoNumbers.ReadPattern(value!, out _)) : null;
        }

        session.Out.WriteLine("injecting invalid write request");
        session.Backend.CountInvalid(RequestKind.Write);
        return true;
    }

    /// <inheritdoc/>
    public override ValueTask<bool> RunAsync(IoSession session, IoSwitches switches)
    {
        string? error = switches.Operands.Count < 2 ? UsageLine(session.Settings) : CheckSwitches(session.Settings, switches);
        WriteTransfer transfer = null!;
        error ??= switches.Has('z') ? ReadZeroWrite(switches, out transfer) : ReadWrite(session, switches, out transfer);
        if (!IsFine(session, error))
        {
            return new(false);
        }

        session.Submit(async () => await transfer.RunAsync(session, Name));
        return new(true);
    }

    private static string? CheckSwitches(IoSettings settings, IoSwitches switches)
    {
        bool isZero = switches.Has('z');
        return isZero && switches.Operands.Count != 2 ? "-z supports only a single length parameter"
            : !isZero && switches.Has('u') ? "-u requires -z to be specified"
            : isZero && switches.Has('P') && !settings.FollowsTexts ? "-z and -P cannot be specified at the same time"
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

    private static string? ReadWrite(IoSession session, IoSwitches switches, out WriteTransfer transfer)
    {
        byte pattern = VectorArguments.PatternOf(switches, IoBuffer.WritePattern);
        string? error = VectorArguments.Read(session, switches, pattern, out long offset, out IoBuffer? buffer);
        transfer = new WriteTransfer(offset, buffer?.Memory.Length ?? 0, buffer, FlagsOf(switches), IoReport.Of(switches));
        return error;
    }

    private static RequestFlags FlagsOf(IoSwitches switches) => switches.Has('f') ? RequestFlags.Fua : RequestFlags.None;
}
