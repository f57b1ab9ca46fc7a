using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.Drivers.Protocols.HostFile;

/// <summary>A read, a write or a flush on a worker; pooled by the instance that submits it.</summary>
internal sealed class FileTransfer(AioContext context, FileTransferPool pool) : WorkerJob(context)
{
    private FileHandle _handle = null!;
    private RequestKind _kind;
    private long _offset;
    private IoVector _buffer;

    internal FileTransfer? NextFree { get; set; }

    /// <summary>Submits the transfer, over a handle that was begun for it; everything that the worker needs is copied first.</summary>
    public ValueTask Submit(FileHandle handle, RequestKind kind, long offset, IoVector buffer)
    {
        _handle = handle;
        _kind = kind;
        _offset = offset;
        _buffer = buffer;
        return Context.RunOnWorkers(this);
    }

    /// <inheritdoc/>
    protected override void Execute()
    {
        if (_kind == RequestKind.Flush)
        {
            _handle.File.Flush();
            return;
        }

        if (!_handle.File.IsDirect)
        {
            Transfer(_buffer);
        }
        else if (!TryTransferAligned())
        {
            TransferBounced();
        }
    }

    /// <inheritdoc/>
    protected override void Recycle()
    {
        _handle.End();
        _buffer = default;
        pool.Return(this);
    }

    private void Transfer(IoVector buffer)
    {
        if (_kind == RequestKind.Read)
        {
            _handle.File.Read(_offset, buffer);
        }
        else
        {
            Invariant.Check(_kind == RequestKind.Write);
            _handle.File.Write(_offset, buffer);
        }
    }

    // A transfer past the page cache needs memory at an address that the device likes; the caller's may lie anywhere. What
    // the collector may move is aligned by chance only, and may have moved when the call comes: the kernel refuses it then.
    private bool TryTransferAligned()
    {
        if (!AlignedBuffer.IsAligned(_buffer, _handle.File.MemoryAlignmentBytes))
        {
            return false;
        }

        try
        {
            Transfer(_buffer);
            return true;
        }
        catch (BlockException refusal) when (refusal.Kind == BlockErrorKind.InvalidArgument)
        {
            return false;
        }
    }

    private void TransferBounced()
    {
        Memory<byte> bounce = AlignedBuffer.Allocate(_buffer.Length, _handle.File.MemoryAlignmentBytes);
        if (_kind == RequestKind.Write)
        {
            _buffer.CopyTo(bounce.Span);
        }

        Transfer(bounce);
        if (_kind == RequestKind.Read)
        {
            _buffer.CopyFrom(bounce.Span);
        }
    }
}
