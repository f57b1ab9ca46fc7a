using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.BlockCore.Backend;

/// <summary>
/// A backend for code that cannot await: each call blocks its thread until the request is over. Any thread may call but one that runs a
/// context, which is refused at once: it would wait for itself. <i>QEMU: blk_pread() and its like.</i>
/// </summary>
/// <remarks>
/// A span is pinned while the call lasts and handed down as it is; nothing is copied. An interruption of the thread takes effect when the
/// call is over, for the storage may use the memory until then. Where the main context is pumped by the embedder, another thread must pump it.
/// </remarks>
public sealed class BlockingRequests
{
    private readonly BlockBackend _backend;

    internal BlockingRequests(BlockBackend backend) => _backend = backend;

    /// <summary>Reads exactly the buffer's length at <paramref name="offset"/>.</summary>
    /// <exception cref="BlockException">The range lies outside the image, or the read failed.</exception>
    /// <exception cref="InvalidOperationException">The calling thread runs a context.</exception>
    public unsafe void Read(long offset, Span<byte> buffer, RequestFlags flags = RequestFlags.None)
    {
        fixed (byte* start = buffer)
        {
            using PinnedSpan pinned = new(start, buffer.Length);
            Read(offset, (IoVector)pinned.Memory, flags);
        }
    }

    /// <summary>Reads exactly the buffer's length at <paramref name="offset"/>.</summary>
    /// <exception cref="BlockException">The range lies outside the image, or the read failed.</exception>
    /// <exception cref="InvalidOperationException">The calling thread runs a context.</exception>
    public void Read(long offset, IoVector buffer, RequestFlags flags = RequestFlags.None) => Run(() => _backend.ReadAsync(offset, buffer, flags));

    /// <summary>Writes exactly the buffer's length at <paramref name="offset"/>.</summary>
    /// <exception cref="BlockException">The range lies outside the image, the backend is read-only, or the write failed.</exception>
    /// <exception cref="InvalidOperationException">The calling thread runs a context.</exception>
    public unsafe void Write(long offset, ReadOnlySpan<byte> buffer, RequestFlags flags = RequestFlags.None)
    {
        fixed (byte* start = buffer)
        {
            using PinnedSpan pinned = new(start, buffer.Length);
            Write(offset, (IoVector)pinned.Memory, flags);
        }
    }

    /// <summary>Writes exactly the buffer's length at <paramref name="offset"/>.</summary>
    /// <exception cref="BlockException">The range lies outside the image, the backend is read-only, or the write failed.</exception>
    /// <exception cref="InvalidOperationException">The calling thread runs a context.</exception>
    public void Write(long offset, IoVector buffer, RequestFlags flags = RequestFlags.None) => Run(() => _backend.WriteAsync(offset, buffer, flags));

    /// <summary>Makes a range read as zeros.</summary>
    /// <exception cref="BlockException">The range lies outside the image, the backend is read-only, or the write failed.</exception>
    /// <exception cref="InvalidOperationException">The calling thread runs a context.</exception>
    public void WriteZeroes(long offset, long length, RequestFlags flags = RequestFlags.None) => Run(() => _backend.WriteZeroesAsync(offset, length, flags));

    /// <summary>Lets go of a range, where the tree was opened with discard=unmap and can; otherwise nothing happens.</summary>
    /// <exception cref="BlockException">The range lies outside the image, the backend is read-only, or the discard failed.</exception>
    /// <exception cref="InvalidOperationException">The calling thread runs a context.</exception>
    public void Discard(long offset, long length) => Run(() => _backend.DiscardAsync(offset, length));

    /// <summary>Makes every completed write durable.</summary>
    /// <exception cref="BlockException">The flush failed.</exception>
    /// <exception cref="InvalidOperationException">The calling thread runs a context.</exception>
    public void Flush() => Run(() => _backend.FlushAsync());

    /// <summary>What is known of a range, from <paramref name="offset"/> on.</summary>
    /// <exception cref="BlockException">There is no medium, or the query failed.</exception>
    /// <exception cref="InvalidOperationException">The calling thread runs a context.</exception>
    public BlockStatus GetStatus(long offset, long length, BlockStatusQuery wanted = BlockStatusQuery.Everything) =>
        Run(() => _backend.GetStatusAsync(offset, length, wanted));

    /// <summary>Which layer of the chain has a range; see <see cref="BlockBackend.GetStatusAboveAsync"/>.</summary>
    /// <exception cref="BlockException">There is no medium, <paramref name="baseNode"/> is not in the chain, or the query failed.</exception>
    /// <exception cref="InvalidOperationException">The calling thread runs a context.</exception>
    public ChainStatus GetStatusAbove(long offset, long length, BlockNode? baseNode = null, bool includesBase = false, BlockStatusQuery wanted = BlockStatusQuery.Everything) =>
        Run(() => _backend.GetStatusAboveAsync(offset, length, baseNode, includesBase, wanted));

    /// <summary>Copies a range into another backend; see <see cref="BlockBackend.CopyRangeAsync"/>.</summary>
    /// <exception cref="BlockException">A range lies outside its image or they overlap, the target may not be written, or a request failed.</exception>
    /// <exception cref="InvalidOperationException">The calling thread runs a context.</exception>
    public void CopyRange(long sourceOffset, BlockBackend target, long targetOffset, long length, RequestFlags flags = RequestFlags.None) =>
        Run(() => _backend.CopyRangeAsync(sourceOffset, target, targetOffset, length, flags));

    /// <summary>Gives the image another length; see <see cref="BlockBackend.TruncateAsync"/>.</summary>
    /// <exception cref="BlockException">There is no medium, the image is read-only or its format cannot do it, or another user relies on its length.</exception>
    /// <exception cref="InvalidOperationException">The calling thread runs a context.</exception>
    public void Truncate(long lengthBytes, bool isExact = true, PreallocationMode preallocation = PreallocationMode.Off) =>
        Run(() => new ValueTask(_backend.TruncateAsync(lengthBytes, isExact, preallocation)));

    /// <summary>Looks through the image's metadata; see <see cref="BlockBackend.CheckAsync(ImageRepairs, CancellationToken)"/>.</summary>
    /// <exception cref="BlockException">The format has nothing to check, or the check itself failed.</exception>
    /// <exception cref="InvalidOperationException">The calling thread runs a context.</exception>
    public ImageCheck Check(ImageRepairs repairs = ImageRepairs.None) => Run(() => new ValueTask<ImageCheck>(_backend.CheckAsync(repairs)));

    /// <summary>Closes the backend; see <see cref="BlockBackend.DisposeAsync"/>.</summary>
    /// <exception cref="BlockException">The last flush failed.</exception>
    /// <exception cref="InvalidOperationException">The calling thread runs a context.</exception>
    public void Close() => Run(_backend.DisposeAsync);

    private void Run(Func<ValueTask> request) => Run(async () =>
    {
        await request();
        return true;
    });

    private T Run<T>(Func<ValueTask<T>> request)
    {
        // What waits for the home may need the main context as well: a hop, a drain that is to end.
        _backend.Graph.MainContext.ThrowIfBlockingIsFatal();
        return _backend.Context.RunBlocking(request);
    }
}
