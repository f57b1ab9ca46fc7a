using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.Drivers.Protocols.HostFile;

/// <summary>A read, a write or a flush on a worker; pooled by the instance that submits it.</summary>
internal sealed class FileTransfer(AioContext context, HostFileInstance owner) : WorkerJob(context)
{
    private FileHandle _handle = null!;
    private RequestKind _kind;
    private long _offset;
    private IoVector _buffer;

    internal FileTransfer? NextFree { get; set; }

    /// <summary>Submits the transfer; everything that the worker needs is copied first.</summary>
    public ValueTask Submit(FileHandle handle, RequestKind kind, long offset, IoVector buffer)
    {
        handle.Begin();
        _handle = handle;
        _kind = kind;
        _offset = offset;
        _buffer = buffer;
        return Context.RunOnWorkers(this);
    }

    /// <inheritdoc/>
    protected override void Execute()
    {
        switch (_kind)
        {
            case RequestKind.Read when NeedsBounce():
                Memory<byte> filled = NewBounce();
                _handle.File.Read(_offset, filled);
                _buffer.CopyFrom(filled.Span);
                break;
            case RequestKind.Read:
                _handle.File.Read(_offset, _buffer);
                break;
            case RequestKind.Write when NeedsBounce():
                Memory<byte> copied = NewBounce();
                _buffer.CopyTo(copied.Span);
                _handle.File.Write(_offset, copied);
                break;
            case RequestKind.Write:
                _handle.File.Write(_offset, _buffer);
                break;
            case RequestKind.Flush:
                _handle.File.Flush();
                break;
            default:
                Invariant.Fail($"a file transfer of kind {_kind}");
                break;
        }
    }

    /// <inheritdoc/>
    protected override void Recycle()
    {
        _handle.End();
        _buffer = default;
        owner.Return(this);
    }

    // A transfer past the page cache needs memory at an address that the device likes; the caller's may lie anywhere.
    private bool NeedsBounce() => _handle.File.IsDirect && !AlignedBuffer.IsAligned(_buffer, _handle.File.MemoryAlignmentBytes);

    private Memory<byte> NewBounce() => AlignedBuffer.Allocate(_buffer.Length, _handle.File.MemoryAlignmentBytes);
}
