using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Events;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.Drivers.Filters.Blkverify;

/// <summary>
/// One pair of images: each request goes to both, and both must end the same way, a read with the same bytes. Where they do not, the
/// request fails and says where.
/// </summary>
internal sealed class BlkverifyInstance(BlockChild raw, BlockChild test) : BlockDriverInstance
{
    /// <inheritdoc/>
    public override RequestFlags SupportedWriteFlags => RequestFlags.Fua | RequestFlags.WriteUnchanged;

    /// <inheritdoc/>
    public override RequestFlags SupportedZeroFlags => RequestFlags.Fua | RequestFlags.MayUnmap | RequestFlags.WriteUnchanged;

    /// <summary>Overlapping requests would reach the two in different orders.</summary>
    public override bool SerialisesWrites => true;

    /// <inheritdoc/>
    public override bool FlushesChildren => true;

    /// <inheritdoc/>
    protected override long GetLengthBytes() => test.LengthBytes;

    /// <inheritdoc/>
    protected override async ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
    {
        // The copy that is believed goes to the caller.
        Memory<byte> read = AlignedBuffer.Allocate(buffer.Length, Node.Limits.MemoryAlignmentBytes);
        Pair pair = new(
            RunAsync(() => test.ReadAsync(offset, read, flags & RequestFlags.CopyOnRead, cancel)),
            RunAsync(() => raw.ReadAsync(offset, buffer, flags & (RequestFlags.CopyOnRead | RequestFlags.RegisteredBuffer), cancel)));
        await CompareEndsAsync(pair, $"read offset={offset} bytes={buffer.Length}");
        int same = CommonLength(buffer, read.Span);
        if (same < buffer.Length)
        {
            throw Mismatch($"read offset={offset} bytes={buffer.Length} contents mismatch at offset {offset + same}");
        }
    }

    /// <inheritdoc/>
    protected override ValueTask WriteAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
    {
        // Not cancelled once begun: the images would differ.
        Pair pair = new(
            RunAsync(() => test.WriteAsync(offset, buffer, flags, CancellationToken.None)),
            RunAsync(() => raw.WriteAsync(offset, buffer, flags, CancellationToken.None)));
        return CompareEndsAsync(pair, $"write offset={offset} bytes={buffer.Length}");
    }

    /// <inheritdoc/>
    protected override async ValueTask<bool> TryWriteZeroesAsync(long offset, long length, RequestFlags flags, CancellationToken cancel)
    {
        if ((flags & RequestFlags.NoFallback) != 0)
        {
            // One might zero what the other cannot.
            return false;
        }

        Pair pair = new(
            RunAsync(() => test.WriteZeroesAsync(offset, length, flags, CancellationToken.None)),
            RunAsync(() => raw.WriteZeroesAsync(offset, length, flags, CancellationToken.None)));
        await CompareEndsAsync(pair, $"write zeroes offset={offset} bytes={length}");
        return true;
    }

    /// <inheritdoc/>
    protected override ValueTask FlushAsync(CancellationToken cancel)
    {
        Pair pair = new(RunAsync(() => test.FlushAsync(cancel)), RunAsync(() => raw.FlushAsync(cancel)));
        return CompareEndsAsync(pair, "flush");
    }

    /// <inheritdoc/>
    protected override async ValueTask<bool> TryWriteLengthAsync(long lengthBytes, bool isExact, PreallocationMode preallocation, RequestFlags flags, CancellationToken cancel)
    {
        await test.WriteLengthAsync(lengthBytes, isExact, preallocation, flags, cancel);
        await raw.WriteLengthAsync(test.LengthBytes, isExact: true, PreallocationMode.Off, RequestFlags.None, cancel);
        return true;
    }

    private static async Task<Exception?> RunAsync(Func<ValueTask> request)
    {
        try
        {
            await request();
            return null;
        }
        catch (Exception error)
        {
            return error;
        }
    }

    private static int CommonLength(IoVector buffer, ReadOnlySpan<byte> other)
    {
        int same = 0;
        foreach (Memory<byte> segment in buffer)
        {
            int here = segment.Span.CommonPrefixLength(other[same..]);
            same += here;
            if (here < segment.Length)
            {
                break;
            }
        }

        return same;
    }

    // A cancellation, or a bug.
    private static Exception? FatalOf(Exception? error) => error is BlockException ? null : error;

    private static int ResultOf(Exception? error) => error is BlockException failure ? -failure.Kind.ToErrno() : 0;

    // Both have ended when this goes on, whatever came of them.
    private async ValueTask CompareEndsAsync(Pair pair, string what)
    {
        Exception? ofTest = await pair.Test;
        Exception? ofRaw = await pair.Raw;
        if ((ofTest ?? ofRaw) is null)
        {
            return;
        }

        if ((FatalOf(ofTest) ?? FatalOf(ofRaw)) is { } fatal)
        {
            throw fatal;
        }

        if (ResultOf(ofTest) != ResultOf(ofRaw))
        {
            throw Mismatch($"{what} return value mismatch {ResultOf(ofTest)} != {ResultOf(ofRaw)}");
        }

        throw ofTest!;
    }

    private BlockException Mismatch(string what)
    {
        string message = $"blkverify: {what}";
        Node.Graph.Events.Publish(new VerificationFailed(Node.Name, message));
        return new BlockException(BlockErrorKind.CorruptImage, message);
    }

    /// <summary>The two halves of one request, both under way.</summary>
    private readonly record struct Pair(Task<Exception?> Test, Task<Exception?> Raw);
}
