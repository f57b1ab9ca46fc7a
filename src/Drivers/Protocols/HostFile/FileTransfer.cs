using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.Drivers.Protocols.HostFile;

/// <summary>A read, a write or a flush of one instance's file; pooled by the context that begins it.</summary>
internal sealed class FileTransfer(AioContext context, FileTransferPool pool) : HostTransfer(context)
{
    private FileHandle _handle = null!;

    internal FileTransfer? NextFree { get; set; }

    /// <summary>Begins the transfer, over a handle that was begun for it.</summary>
    public ValueTask Submit(FileHandle handle, RequestKind kind, long offset, IoVector buffer, RequestFlags flags)
    {
        _handle = handle;
        return Begin(handle.File, kind, offset, buffer, flags);
    }

    /// <inheritdoc/>
    protected override void Recycle()
    {
        _handle.End();
        Forget();
        pool.Return(this);
    }
}
