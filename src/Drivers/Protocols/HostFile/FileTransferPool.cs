using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.Drivers.Protocols.HostFile;

/// <summary>The free transfers of one instance and one context; only that context's thread touches it.</summary>
internal sealed class FileTransferPool(AioContext context)
{
    private FileTransfer? _free;

    /// <summary>The context whose transfers these are.</summary>
    public AioContext Context { get; } = context;

    public FileTransfer Rent()
    {
        FileTransfer? transfer = _free;
        if (transfer is null)
        {
            return new FileTransfer(Context, this);
        }

        _free = transfer.NextFree;
        return transfer;
    }

    public void Return(FileTransfer transfer)
    {
        transfer.NextFree = _free;
        _free = transfer;
    }
}
