using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.Drivers.Protocols.HostFile;

/// <summary>The free transfers of one instance and one context, and the handle that they use; only that context's thread touches it.</summary>
internal sealed class FileTransferPool(AioContext context)
{
    private FileTransfer? _free;
    private HandleUse? _use;

    /// <summary>The context whose transfers these are.</summary>
    public AioContext Context { get; } = context;

    /// <summary>Begins a transfer over <paramref name="handle"/>; false where that was replaced meanwhile.</summary>
    public bool TrySubmit(FileHandle handle, RequestKind kind, long offset, IoVector buffer, RequestFlags flags, out ValueTask task)
    {
        HandleUse? use = _use;
        if (use is null || !ReferenceEquals(use.Handle, handle))
        {
            // Transfers that began on the handle before end on it.
            _use = use = new HandleUse(handle);
        }

        if (!use.TryBegin())
        {
            task = default;
            return false;
        }

        task = Rent().Submit(use, kind, offset, buffer, flags);
        return true;
    }

    public void Return(FileTransfer transfer)
    {
        transfer.NextFree = _free;
        _free = transfer;
    }

    private FileTransfer Rent()
    {
        FileTransfer? transfer = _free;
        if (transfer is null)
        {
            return new FileTransfer(Context, this);
        }

        _free = transfer.NextFree;
        return transfer;
    }
}
