using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.BlockCore.Scheduling;

/// <summary>
/// One open regular file or block device. Every method blocks and may be called from any thread; transfers may run side by
/// side. The caller must not dispose it while a call runs. An error's message is the operating system's words for it
/// alone, for the caller to put its context in front. <i>QEMU: BDRVRawState.</i>
/// </summary>
/// <remarks>
/// Reads, writes and flushes are data plane, on workers; the rest is control plane. A transfer that succeeds allocates nothing.
/// </remarks>
public abstract class HostFile : IDisposable
{
    // Set once a flush of cached data has failed: the system reports the loss of written data only once, and then calls
    // its pages clean, so a later flush that "succeeds" would promise what is gone already.
    private BlockException? _flushError;

    private protected HostFile(in HostFileOptions options)
    {
        Path = options.Path;
        IsReadOnly = !options.IsWritable;
        IsDirect = options.IsDirect;
    }

    /// <summary>True where a flush has failed, and with it every later one.</summary>
    public bool HasFailedFlush => Volatile.Read(ref _flushError) is not null;

    /// <summary>The name that the file was opened by.</summary>
    public string Path { get; }

    /// <summary>True where the file was opened for reading only.</summary>
    public bool IsReadOnly { get; }

    /// <summary>True where transfers bypass the page cache.</summary>
    public bool IsDirect { get; }

    /// <summary>True for a block device, false for a regular file.</summary>
    public bool IsBlockDevice { get; private protected init; }

    /// <summary>Offset and length of every transfer must be multiples of this power of two, in bytes; 1 through the page cache.</summary>
    public int RequestAlignmentBytes { get; private protected init; } = 1;

    /// <summary>The address and length of every segment must be multiples of this power of two, in bytes; 1 through the page cache.</summary>
    public int MemoryAlignmentBytes { get; private protected init; } = 1;

    /// <summary>True where the byte locks of this file work between processes, and between two opens in one process.</summary>
    public virtual bool SupportsByteLocks => false;

    /// <summary>
    /// Fills <paramref name="vector"/> from <paramref name="offset"/> bytes on. Bytes behind the end of the file read as zeros.
    /// </summary>
    /// <exception cref="BlockException">The system could not read; the vector's contents are then undefined.</exception>
    public abstract void Read(long offset, IoVector vector);

    /// <summary>Writes all of <paramref name="vector"/> at <paramref name="offset"/> bytes, growing the file where it ends before.</summary>
    /// <exception cref="BlockException">The system could not write all of it; any part may have been written. A full disk is
    /// <see cref="BlockErrorKind.NoSpace"/>.</exception>
    public abstract void Write(long offset, IoVector vector);

    /// <summary>Writes as <see cref="Write"/> does; when it returns, what it wrote is durable.</summary>
    /// <exception cref="BlockException">As for <see cref="Write"/>, and for <see cref="Flush"/>: through the page cache every later flush may then fail, too.</exception>
    public void WriteDurably(long offset, IoVector vector)
    {
        ThrowIfFlushFailed();
        try
        {
            WriteDurablyCore(offset, vector);
        }
        catch (BlockException error) when (!IsDirect && error.Kind == BlockErrorKind.InputOutput)
        {
            Interlocked.CompareExchange(ref _flushError, error, null);
            throw;
        }
    }

    /// <summary>Makes completed writes, and the length they gave the file, durable.</summary>
    /// <exception cref="BlockException">Written data may be lost. Through the page cache every later flush then fails too.</exception>
    public void Flush()
    {
        ThrowIfFlushFailed();
        try
        {
            FlushCore();
        }
        catch (BlockException error) when (!IsDirect)
        {
            Interlocked.CompareExchange(ref _flushError, error, null);
            throw;
        }
    }

    /// <summary>This open takes the place of <paramref name="other"/>: what that one could not flush, this one cannot promise either.</summary>
    public void TakeFlushFailureOf(HostFile other)
    {
        ArgumentNullException.ThrowIfNull(other);
        Interlocked.CompareExchange(ref _flushError, Volatile.Read(ref other._flushError), null);
    }

    /// <summary>The length of the file or device, in bytes.</summary>
    /// <exception cref="BlockException">The system does not know it.</exception>
    public abstract long GetLengthBytes();

    /// <summary>Cuts or extends the file to <paramref name="lengthBytes"/>. What is new reads as zeros and takes no space.</summary>
    /// <exception cref="BlockException">The file keeps its length. A device has a length of its own, so that
    /// any other is <see cref="BlockErrorKind.NotSupported"/>.</exception>
    public abstract void SetLengthBytes(long lengthBytes);

    /// <summary>Gives the range's space back; it reads as zeros then. The length of the file stays.</summary>
    /// <param name="offset">Where the range begins, in bytes.</param>
    /// <param name="lengthBytes">How long it is; behind the end of the file there is nothing to do.</param>
    /// <returns>False where the file cannot do that, and nothing was changed.</returns>
    /// <exception cref="BlockException">It failed.</exception>
    public abstract bool TryPunchHole(long offset, long lengthBytes);

    /// <summary>Makes the range read as zeros without writing them, growing the file where it ends before the range does.</summary>
    /// <param name="offset">Where the range begins, in bytes.</param>
    /// <param name="lengthBytes">How long it is.</param>
    /// <param name="mayUnmap">True to give its space back where possible, false to have the space allocated, so that a later
    /// write does not find the disk full.</param>
    /// <returns>False where the file cannot do that; the range may then read as zeros or as before.</returns>
    /// <exception cref="BlockException">It failed; the range may read as zeros or as before.</exception>
    public abstract bool TryZeroRange(long offset, long lengthBytes, bool mayUnmap);

    /// <summary>Takes space for the range, so that a later write does not find the disk full; growing the file where it ends before the range does.
    /// What is stored stays, what is new reads as zeros.</summary>
    /// <param name="offset">Where the range begins, in bytes.</param>
    /// <param name="lengthBytes">How long it is.</param>
    /// <returns>False where the file cannot do that, and nothing was changed.</returns>
    /// <exception cref="BlockException">It failed; part of the space may be taken, and the file may be longer.</exception>
    public virtual bool TryAllocate(long offset, long lengthBytes) => false;

    /// <summary>How much space it takes where it is stored, in bytes; null where that is not known. Blocks.</summary>
    public virtual long? FindAllocatedBytes() => null;

    /// <summary>Asks the file system to write an empty file in place, where it would copy on write; false where it cannot. Blocks.</summary>
    public virtual bool TryAvoidCopyOnWrite() => false;

    /// <summary>Asks the file system to take the space of an empty file in pieces of <paramref name="pieceBytes"/>; false where it cannot. Blocks.</summary>
    public virtual bool TrySetExtentSize(long pieceBytes) => false;

    /// <summary>Copies a range of another file, or of another part of this one, without bringing it here. Bytes behind the end of the source are zeros.</summary>
    /// <param name="source">The file that is read.</param>
    /// <param name="sourceOffset">Where the range begins there, in bytes.</param>
    /// <param name="offset">Where it begins here, in bytes.</param>
    /// <param name="lengthBytes">How long it is.</param>
    /// <returns>False where the system cannot copy between the two, and nothing was changed.</returns>
    /// <exception cref="BlockException">It failed; any part may have been copied.</exception>
    public virtual bool TryCopyRange(HostFile source, long sourceOffset, long offset, long lengthBytes)
    {
        CheckRange(sourceOffset, lengthBytes);
        CheckRange(offset, lengthBytes);
        Invariant.Check(!IsReadOnly);
        return lengthBytes == 0;
    }

    /// <summary>Whether the bytes at <paramref name="offset"/> are stored, or are a hole that reads as zeros. Behind the end is a hole.</summary>
    /// <param name="offset">Where to look, in bytes.</param>
    /// <param name="lengthBytesMax">How far to look, in bytes; more than 0.</param>
    /// <param name="isData">True for stored bytes, which may be zeros all the same.</param>
    /// <param name="lengthBytes">For how many bytes that holds: from 1 to <paramref name="lengthBytesMax"/>.</param>
    /// <returns>False where it cannot be known; take it all for data.</returns>
    public abstract bool TryGetExtent(long offset, long lengthBytesMax, out bool isData, out long lengthBytes);

    /// <summary>
    /// Takes a shared lock on the byte at <paramref name="offset"/>, at once or not at all. It belongs to this open of the
    /// file and goes with it. Taking it twice is taking it once. Needs <see cref="SupportsByteLocks"/>.
    /// </summary>
    /// <returns>False where another open of the file holds the byte exclusively.</returns>
    /// <exception cref="BlockException">The system cannot lock.</exception>
    public virtual bool TryLockShared(long offset)
    {
        Invariant.Check(SupportsByteLocks);
        return false;
    }

    /// <summary>
    /// Gives back the lock on the byte at <paramref name="offset"/>; nothing where there is none. It cannot fail: where the
    /// system will not let go, the lock ends with the file. Needs <see cref="SupportsByteLocks"/>.
    /// </summary>
    public virtual void Unlock(long offset) => Invariant.Check(SupportsByteLocks);

    /// <summary>
    /// True where another open of the file, here or in another process, holds a lock of any kind on the byte at
    /// <paramref name="offset"/>. Takes nothing. Needs <see cref="SupportsByteLocks"/>.
    /// </summary>
    /// <exception cref="BlockException">The system cannot tell.</exception>
    public virtual bool IsLockedByOthers(long offset)
    {
        Invariant.Check(SupportsByteLocks);
        return false;
    }

    /// <summary>Closes the file and drops its locks, without flushing.</summary>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Closes the descriptor; may be called twice.</summary>
    protected abstract void Dispose(bool disposing);

    /// <summary>The way that <paramref name="run"/> is to take, one of <paramref name="runCount"/> that <paramref name="context"/> begins in this turn.</summary>
    internal virtual TransferRoute ChooseRoute(TransferRun run, int runCount, AioContext context) => TransferRoute.Worker;

    /// <summary>The way that is left where <see cref="TransferRoute.LoopIfCached"/> has failed.</summary>
    internal virtual TransferRoute RouteOfMisses => TransferRoute.Worker;

    /// <summary>
    /// Moves all of <paramref name="run"/> by one call, which waits for no device unless it may; false where it moved less, or failed: nothing is lost then by carrying it
    /// out again. It does not throw.
    /// </summary>
    internal virtual bool TryTransfer(TransferRun run, bool mayWait) => false;

    /// <summary>Writes, and hands what was written to the disk.</summary>
    private protected virtual void WriteDurablyCore(long offset, IoVector vector)
    {
        Write(offset, vector);
        FlushCore();
    }

    /// <summary>Hands completed writes to the disk.</summary>
    private protected abstract void FlushCore();

    /// <summary>A transfer that no file can have is a bug of whoever asks for it.</summary>
    private protected static void CheckRange(long offset, long lengthBytes)
    {
        Invariant.Check(offset >= 0);
        Invariant.Check(lengthBytes >= 0);
        Invariant.Check(offset <= long.MaxValue - lengthBytes);
    }

    private void ThrowIfFlushFailed()
    {
        if (Volatile.Read(ref _flushError) is { } error)
        {
            throw new BlockException(error.Kind, error.Message, error);
        }
    }
}
