namespace BlockGraph.Tools.Io;

/// <summary>Submits a read and does not wait for it: the command has succeeded when the request is under way.</summary>
internal sealed class AioReadCommand : ReadvCommand
{
    /// <inheritdoc/>
    public override string Name => "aio_read";

    /// <inheritdoc/>
    public override string? Alias => null;

    /// <inheritdoc/>
    public override string Summary => "submit a read without waiting for it";

    /// <inheritdoc/>
    protected override ValueTask<bool> StartAsync(IoSession session, ReadTransfer transfer)
    {
        session.Submit(async () => await transfer.RunAsync(session, "readv"));
        return new(true);
    }
}
