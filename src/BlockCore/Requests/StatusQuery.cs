using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.BlockCore.Requests;

/// <summary>What is known of a range of one node, and of the nodes that it leads to without adding anything. <i>QEMU: bdrv_co_block_status().</i></summary>
internal static class StatusQuery
{
    /// <summary>Asks the node what is known of a range; the answer is clamped to the range and the node's end.</summary>
    public static async ValueTask<BlockStatus> RunAsync(BlockNode node, BlockStatusQuery wanted, long offset, long length, CancellationToken cancel)
    {
        SlowRequest.CheckRange(node, offset, length);
        long inside = Math.Min(length, node.LengthBytes - offset);
        if (inside <= 0)
        {
            return new BlockStatus(offset >= node.LengthBytes ? BlockStatusFlags.EndOfFile : BlockStatusFlags.None, 0);
        }

        BlockStatus status = await AskDriverAsync(node, wanted, offset, inside, cancel);
        status = (status.Flags & BlockStatusFlags.Raw) != 0
            ? AlignEnd(node, offset, await AskBelowAsync(status, wanted, cancel))
            : Complete(node, wanted, offset, status);
        if ((status.Flags & BlockStatusFlags.Recurse) != 0)
        {
            status = await AskFileAsync(status, wanted, cancel);
        }

        return offset + status.LengthBytes == node.LengthBytes ? status with { Flags = status.Flags | BlockStatusFlags.EndOfFile } : status;
    }

    // In whole blocks; what was not asked for is cut off.
    private static async ValueTask<BlockStatus> AskDriverAsync(BlockNode node, BlockStatusQuery wanted, long offset, long length, CancellationToken cancel)
    {
        long mask = node.Limits.RequestAlignmentBytes - 1L;
        long start = offset & ~mask;
        long blocksLength = ((offset + length + mask) & ~mask) - start;
        BlockStatus status = await node.DataRegions.GetStatusAsync(wanted, start, blocksLength, cancel);

        // Half a block would be a driver's bug: nobody could ask for the other half.
        bool isRaw = (status.Flags & BlockStatusFlags.Raw) != 0;
        Invariant.Check(isRaw || (status.LengthBytes & mask) == 0 || start + status.LengthBytes >= node.LengthBytes);
        long skipped = offset - start;
        Invariant.Check(status.LengthBytes > skipped);
        return status with
        {
            LengthBytes = Math.Min(status.LengthBytes - skipped, length),
            HostOffset = (status.Flags & BlockStatusFlags.OffsetValid) != 0 ? status.HostOffset + skipped : 0,
        };
    }

    // What follows from the layer's own answer.
    private static BlockStatus Complete(BlockNode node, BlockStatusQuery wanted, long offset, BlockStatus status)
    {
        if ((status.Flags & (BlockStatusFlags.Data | BlockStatusFlags.Zero)) != 0)
        {
            return status with { Flags = status.Flags | BlockStatusFlags.Allocated };
        }

        // What an overlay has not allocated, and its backing node has not either, reads as zeros without being allocated anywhere.
        bool isUnallocated = node.Driver.SupportsBacking && !BackingChain.IsFilter(node) && !status.IsAllocated;
        bool isBeyondBacking = node.CowChild is not { } backing || ((wanted & BlockStatusQuery.Zeroes) != 0 && offset >= backing.LengthBytes);
        return isUnallocated && isBeyondBacking ? status with { Flags = status.Flags | BlockStatusFlags.Zero } : status;
    }

    // The layer adds nothing: the answer is that of the child it points to.
    private static async ValueTask<BlockStatus> AskBelowAsync(BlockStatus pointer, BlockStatusQuery wanted, CancellationToken cancel)
    {
        BlockChild child = (BlockChild)pointer.HostChild!;
        BlockStatus below = await child.GetStatusAsync(wanted, pointer.HostOffset, pointer.LengthBytes, cancel);
        if (below.LengthBytes == 0)
        {
            // The child ends before the layer does.
            return new BlockStatus(BlockStatusFlags.Zero | BlockStatusFlags.Allocated, pointer.LengthBytes);
        }

        bool isHostKnown = (below.Flags & BlockStatusFlags.OffsetValid) != 0;
        return below with { Flags = below.Flags & ~BlockStatusFlags.EndOfFile, HostChild = isHostKnown ? below.HostChild ?? child : null };
    }

    // A child may have smaller blocks than the layer over it.
    private static BlockStatus AlignEnd(BlockNode node, long offset, BlockStatus status)
    {
        long end = offset + status.LengthBytes;
        long alignedEnd = end & ~(node.Limits.RequestAlignmentBytes - 1L);
        return end < node.LengthBytes && alignedEnd > offset ? status with { LengthBytes = alignedEnd - offset } : status;
    }

    // The layer has data, and its file may know that it reads as zeros.
    private static async ValueTask<BlockStatus> AskFileAsync(BlockStatus status, BlockStatusQuery wanted, CancellationToken cancel)
    {
        Invariant.Check((status.Flags & (BlockStatusFlags.Data | BlockStatusFlags.OffsetValid | BlockStatusFlags.Zero)) == (BlockStatusFlags.Data | BlockStatusFlags.OffsetValid));
        status = status with { Flags = status.Flags & ~BlockStatusFlags.Recurse };
        if ((wanted & BlockStatusQuery.Zeroes) == 0 || status.HostChild is not BlockChild file)
        {
            return status;
        }

        BlockStatus below;
        try
        {
            below = await file.GetStatusAsync(wanted, status.HostOffset, status.LengthBytes, cancel);
        }
        catch (BlockException)
        {
            // More would have been good to know; what is known is true without it.
            return status;
        }

        // A format may have data beyond the end of its file: it reads as zeros, up to the end of what was asked for.
        bool endsWithFile = (below.Flags & BlockStatusFlags.EndOfFile) != 0;
        if (endsWithFile && (below.LengthBytes == 0 || below.IsZero))
        {
            return status with { Flags = status.Flags | BlockStatusFlags.Zero };
        }

        return status with { Flags = status.Flags | (below.Flags & BlockStatusFlags.Zero), LengthBytes = below.LengthBytes };
    }
}
