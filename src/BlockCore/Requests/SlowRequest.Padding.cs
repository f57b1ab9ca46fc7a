using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.BlockCore.Requests;

/// <content>Unaligned reads and writes: what pads them to whole blocks.</content>
internal static partial class SlowRequest
{
    /// <summary>Carries out what is not aligned: the driver sees whole blocks, a copy of a short request's, and a long one's own memory between two blocks that stand for its edges.</summary>
    public static async ValueTask RunPaddedAsync(RequestPlan plan, RequestKind kind, long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
    {
        long alignment = plan.AlignmentMask + 1;
        long start = offset & ~plan.AlignmentMask;
        long end = (offset + buffer.Length + plan.AlignmentMask) & ~plan.AlignmentMask;
        int head = (int)(offset - start);
        flags &= ~RequestFlags.RegisteredBuffer;
        if (end - start > BounceBytesMax)
        {
            await RunPaddedInPlaceAsync(plan, kind, start, head, buffer, (int)(end - offset - buffer.Length), flags, cancel);
            return;
        }

        Memory<byte> bounce = AlignedBuffer.Allocate((int)(end - start), (int)Math.Max(alignment, plan.Target.Limits.MemoryAlignmentBytes));
        if (kind == RequestKind.Read)
        {
            await ReadBlocksAsync(plan, start, bounce, flags, cancel);
            buffer.CopyFrom(bounce.Span.Slice(head, buffer.Length));
            return;
        }

        await ReadEdgesAsync(plan, start, bounce, head, (int)(end - offset) - buffer.Length, cancel);
        buffer.CopyTo(bounce.Span[head..]);
        await RunSplitAsync(plan, kind, start, bounce, flags, cancel);
        if (end > plan.Target.LengthBytes)
        {
            RefreshLengths(plan.Target);
        }
    }

    // Reads what an unaligned write leaves of the block that it begins in, and of the one that it ends in; where they are neighbours, both in one.
    private static async ValueTask ReadEdgesAsync(RequestPlan plan, long start, Memory<byte> blocks, int headBytes, int tailBytes, CancellationToken cancel)
    {
        int block = (int)(plan.AlignmentMask + 1);
        bool isOneRead = blocks.Length == block || (blocks.Length == 2 * block && headBytes > 0 && tailBytes > 0);
        if (headBytes > 0)
        {
            await plan.DebugEventAsync(DebugEvent.PwritevRmwHead);
        }

        if (isOneRead && tailBytes > 0)
        {
            await plan.DebugEventAsync(DebugEvent.PwritevRmwTail);
        }

        if (isOneRead || headBytes > 0)
        {
            await ReadBlocksAsync(plan, start, isOneRead ? blocks : blocks[..block], RequestFlags.None, cancel);
        }

        if (headBytes > 0)
        {
            await plan.DebugEventAsync(DebugEvent.PwritevRmwAfterHead);
        }

        if (tailBytes == 0)
        {
            return;
        }

        if (!isOneRead)
        {
            await plan.DebugEventAsync(DebugEvent.PwritevRmwTail);
            await ReadBlocksAsync(plan, start + blocks.Length - block, blocks[^block..], RequestFlags.None, cancel);
        }

        await plan.DebugEventAsync(DebugEvent.PwritevRmwAfterTail);
    }

    // Whole blocks, of which the image may hold the last in part, or not yet: what it does not hold reads as zeros.
    private static async ValueTask ReadBlocksAsync(RequestPlan plan, long start, IoVector blocks, RequestFlags flags, CancellationToken cancel)
    {
        long lastBlockEnd = (plan.Target.LengthBytes + plan.AlignmentMask) & ~plan.AlignmentMask;
        int inside = (int)Math.Clamp(lastBlockEnd - start, 0, blocks.Length);
        blocks.Slice(inside, blocks.Length - inside).Fill(0);
        if (inside > 0)
        {
            await RunSplitAsync(plan, RequestKind.Read, start, blocks.Slice(0, inside), flags, cancel);
        }
    }

    private static async ValueTask RunPaddedInPlaceAsync(RequestPlan plan, RequestKind kind, long start, int headBytes, IoVector buffer, int tailBytes, RequestFlags flags, CancellationToken cancel)
    {
        long length = (long)headBytes + buffer.Length + tailBytes;
        if (length > BlockLimits.RequestBytesMax)
        {
            throw TooLong(length);
        }

        int block = (int)(plan.AlignmentMask + 1);
        Memory<byte> edges = AlignedBuffer.Allocate(2 * block, Math.Max(block, plan.Target.Limits.MemoryAlignmentBytes));
        List<Memory<byte>> parts = [edges[..headBytes]];
        foreach (Memory<byte> part in buffer)
        {
            parts.Add(part);
        }

        parts.Add(edges[^tailBytes..]);
        IoVector blocks = new(new IoSegments([.. parts]));
        if (kind == RequestKind.Read)
        {
            await ReadBlocksAsync(plan, start, blocks, flags, cancel);
            return;
        }

        if (headBytes > 0)
        {
            await plan.DebugEventAsync(DebugEvent.PwritevRmwHead);
            await ReadBlocksAsync(plan, start, edges[..block], RequestFlags.None, cancel);
            await plan.DebugEventAsync(DebugEvent.PwritevRmwAfterHead);
        }

        if (tailBytes > 0)
        {
            await plan.DebugEventAsync(DebugEvent.PwritevRmwTail);
            await ReadBlocksAsync(plan, start + length - block, edges[block..], RequestFlags.None, cancel);
            await plan.DebugEventAsync(DebugEvent.PwritevRmwAfterTail);
        }

        await RunSplitAsync(plan, kind, start, blocks, flags, cancel);
        if (start + length > plan.Target.LengthBytes)
        {
            RefreshLengths(plan.Target);
        }
    }

    private static BlockException TooLong(long lengthBytes) =>
        new(BlockErrorKind.InputOutput, $"A request of {lengthBytes} bytes is too long: the longest is {BlockLimits.RequestBytesMax}");
}
