using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.Drivers.Protocols.HostFile;

/// <summary>A read, a write or a flush of one instance's file; pooled by the context that begins it.</summary>
internal sealed class FileTransfer(AioContext context, FileTransferPool pool) : HostTransfer(context)
{
    private HandleUse? _use;

    internal FileTransfer? NextFree { get; set; }

    /// <summary>Begins the transfer, over a handle that was begun for it.</summary>
    public ValueTask Submit(HandleUse use, RequestKind kind, long offset, IoVector buffer, RequestFlags flags)
    {
        // In pooled objects a comparison is cheaper than the write barrier of a store.
        if (!ReferenceEquals(_use, use))
        {
            _use = use;
        }

        return Begin(use.Handle.File, kind, offset, buffer, flags);
    }

    /// <inheritdoc/>
    protected override void Recycle()
    {
        _use!.End();
        Forget();
        pool.Return(this);
    }
}
