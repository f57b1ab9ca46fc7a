using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.BlockCore.Scheduling;

/// <summary>
/// One read, write or flush of an open file; pooled by whoever begins it. The context collects those of one turn, joins neighbours, and takes each the way
/// that its file knows to be the cheapest. Whatever way it takes, it is complete only when all of it has been moved.
/// </summary>
public abstract class HostTransfer : WorkerJob
{
    /// <summary>A transfer that completes on <paramref name="context"/>.</summary>
    protected HostTransfer(AioContext context)
        : base(context)
    {
    }

    /// <summary>The transfer after this one, in a queue or a run.</summary>
    internal HostTransfer? NextTransfer { get; set; }

    /// <summary>Whose bytes they are.</summary>
    internal HostFile File { get; private set; } = null!;

    /// <summary>A read, a write or a flush.</summary>
    internal RequestKind Kind { get; private set; }

    /// <summary>Where it begins in the file, in bytes.</summary>
    internal long Offset { get; private set; }

    /// <summary>Where the bytes come from, or go.</summary>
    internal IoVector Buffer { get; private set; }

    /// <summary>True for a write that is durable when it completes.</summary>
    internal bool IsDurable { get; private set; }

    /// <summary>True where nothing may be joined with it: it has an order or an end of its own.</summary>
    internal bool IsAlone { get; private set; }

    /// <summary>Begins the transfer. Everything is read before it is handed on: a completed one may be in use again at once. At home.</summary>
    /// <param name="file">The file; it stays open until the transfer has completed.</param>
    /// <param name="kind">A read, a write or a flush.</param>
    /// <param name="offset">Where it begins, in bytes.</param>
    /// <param name="buffer">The memory, which stays the caller's and must not be touched meanwhile.</param>
    /// <param name="flags">With <see cref="RequestFlags.Fua"/> a write is durable when it completes; a <see cref="RequestFlags.Serialising"/> one is joined with no other.</param>
    protected ValueTask Begin(HostFile file, RequestKind kind, long offset, IoVector buffer, RequestFlags flags)
    {
        ArgumentNullException.ThrowIfNull(file);
        if (!ReferenceEquals(File, file))
        {
            // In pooled objects a comparison is cheaper than the write barrier of a store.
            File = file;
        }

        Kind = kind;
        Offset = offset;
        Buffer = buffer;
        IsDurable = (flags & RequestFlags.Fua) != 0;
        IsAlone = kind is not (RequestKind.Read or RequestKind.Write) || (flags & (RequestFlags.Fua | RequestFlags.Serialising)) != 0;
        ValueTask task = Task;
        Context.Transfers.Add(this);
        return task;
    }

    /// <summary>Lets go of the memory, before it is returned to its pool.</summary>
    protected void Forget() => Buffer = default;

    /// <summary>Carries the transfer out by itself; it may block.</summary>
    protected sealed override void Execute()
    {
        if (Kind == RequestKind.Flush)
        {
            File.Flush();
        }
        else if (!File.IsDirect)
        {
            Transfer(Buffer);
        }
        else if (!TryTransferAligned())
        {
            TransferBounced();
        }
    }

    private void Transfer(IoVector buffer)
    {
        if (Kind == RequestKind.Read)
        {
            File.Read(Offset, buffer);
        }
        else if (IsDurable)
        {
            File.WriteDurably(Offset, buffer);
        }
        else
        {
            Invariant.Check(Kind == RequestKind.Write);
            File.Write(Offset, buffer);
        }
    }

    // A transfer past the page cache needs memory at an address that the device likes; the caller's may lie anywhere. What
    // the collector may move is aligned by chance only, and may have moved when the call comes: the kernel refuses it then.
    private bool TryTransferAligned()
    {
        if (!AlignedBuffer.IsAligned(Buffer, File.MemoryAlignmentBytes))
        {
            return false;
        }

        try
        {
            Transfer(Buffer);
            return true;
        }
        catch (BlockException refusal) when (refusal.Kind == BlockErrorKind.InvalidArgument)
        {
            return false;
        }
    }

    private void TransferBounced()
    {
        Memory<byte> bounce = AlignedBuffer.Allocate(Buffer.Length, File.MemoryAlignmentBytes);
        if (Kind == RequestKind.Write)
        {
            Buffer.CopyTo(bounce.Span);
        }

        Transfer(bounce);
        if (Kind == RequestKind.Read)
        {
            Buffer.CopyFrom(bounce.Span);
        }
    }
}
