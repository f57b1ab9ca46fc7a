using BlockGraph.BlockCore.Io;

namespace BlockGraph.Tools.Io;

/// <summary>Submits a read and does not wait for it: the command has succeeded when the request is under way.</summary>
internal sealed class AioReadCommand : ReadvCommand
{
    /// <inheritdoc/>
    public override string Name => "aio_read";

    /// <inheritdoc/>
    public override string Usage => "[-Ciqv] [-P pattern] off len [len..]";

    /// <inheritdoc/>
    public override string Summary => "submit a read without waiting for it";

    /// <inheritdoc/>
    public override string QemuTail => " [-Ciqv] [-P pattern] off len [len..] -- asynchronously reads a number of bytes";

    /// <inheritdoc/>
    public override string Example => "'aio_read -v 512 1k 1k': submit a read that shows 2048 bytes when it is over; 'aio_flush' waits for it";

    /// <inheritdoc/>
    public override IReadOnlyList<IoSwitch> Switches { get; } =
    [
        new('C', "report in one line for a script"),
        new('i', "read nothing: count a request that its device has refused"),
        new('P', "verify that every byte read has this value", "PATTERN"),
        new('q', "report nothing on success"),
        new('v', "show the bytes"),
    ];

    /// <inheritdoc/>
    public override bool? Meet(IoSession session, IoSwitches before, char letter, string? value)
    {
        if (letter != 'i')
        {
            return base.Meet(session, before, letter, value);
        }

        session.Out.WriteLine("injecting invalid read request");
        session.Backend.CountInvalid(RequestKind.Read);
        return true;
    }

    /// <inheritdoc/>
    protected override ValueTask<bool> StartAsync(IoSession session, ReadTransfer transfer)
    {
        session.Submit(async () => await transfer.RunAsync(session, "readv"));
        return new(true);
    }
}
