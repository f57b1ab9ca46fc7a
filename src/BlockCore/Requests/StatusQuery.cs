using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.BlockCore.Requests;

/// <summary>What is known of a range of one node, and of the nodes that it leads to without adding anything. <i>QEMU: bdrv_co_block_status().</i></summary>
internal static class StatusQuery
{
    /// <summary>Asks the node what is known of a range; the answer is clamped to the range and the node's end.</summary>
    /// <remarks>What the drivers know at once is answered at once, without a task in between: whoever looks at a whole image asks once an extent.</remarks>
    public static ValueTask<BlockStatus> RunAsync(BlockNode node, BlockStatusQuery wanted, long offset, long length, CancellationToken cancel)
    {
        SlowRequest.CheckRange(node, offset, length);
        long inside = Math.Min(length, node.LengthBytes - offset);
        if (inside <= 0)
        {
            return new(new BlockStatus(offset >= node.LengthBytes ? BlockStatusFlags.EndOfFile : BlockStatusFlags.None, 0));
        }

        // In whole blocks; what was not asked for is cut off.
        long mask = node.Limits.RequestAlignmentBytes - 1L;
        long start = offset & ~mask;
        ValueTask<BlockStatus> asked = node.DataRegions.GetStatusAsync(wanted, start, ((offset + inside + mask) & ~mask) - start, cancel);
        return asked.IsCompletedSuccessfully ? FollowAsync(node, asked.Result, wanted, offset, inside, cancel) : FollowSlowAsync(node, asked, wanted, offset, inside, cancel);
    }

    private static async ValueTask<BlockStatus> FollowSlowAsync(
        BlockNode node, ValueTask<BlockStatus> asked, BlockStatusQuery wanted, long offset, long length, CancellationToken cancel) =>
        await FollowAsync(node, await asked, wanted, offset, length, cancel);

    // From the driver's answer to that of the node, and of the nodes that it leads to.
    private static ValueTask<BlockStatus> FollowAsync(BlockNode node, BlockStatus answer, BlockStatusQuery wanted, long offset, long length, CancellationToken cancel)
    {
        BlockStatus status = CutToRange(node, answer, offset, length);
        if ((status.Flags & BlockStatusFlags.Raw) != 0)
        {
            // The layer adds nothing: the answer is that of the child it points to.
            ValueTask<BlockStatus> below = ((BlockChild)status.HostChild!).GetStatusAsync(wanted, status.HostOffset, status.LengthBytes, cancel);
            return below.IsCompletedSuccessfully ? new(Lift(node, offset, status, below.Result)) : LiftSlowAsync(node, offset, status, below);
        }

        status = Complete(node, wanted, offset, status);
        bool isRecurse = (status.Flags & BlockStatusFlags.Recurse) != 0;
        status = status with { Flags = status.Flags & ~BlockStatusFlags.Recurse };
        return isRecurse && (wanted & BlockStatusQuery.Zeroes) != 0 && status.HostChild is BlockChild file
            ? AskFileAsync(node, offset, status, file, wanted, cancel)
            : new(AddEnd(node, offset, status));
    }

    private static BlockStatus CutToRange(BlockNode node, BlockStatus status, long offset, long length)
    {
        long mask = node.Limits.RequestAlignmentBytes - 1L;
        long start = offset & ~mask;

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

    private static BlockStatus AddEnd(BlockNode node, long offset, BlockStatus status) =>
        offset + status.LengthBytes == node.LengthBytes ? status with { Flags = status.Flags | BlockStatusFlags.EndOfFile } : status;

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

    private static async ValueTask<BlockStatus> LiftSlowAsync(BlockNode node, long offset, BlockStatus pointer, ValueTask<BlockStatus> below) =>
        Lift(node, offset, pointer, await below);

    // The child's answer as that of the layer over it.
    private static BlockStatus Lift(BlockNode node, long offset, BlockStatus pointer, BlockStatus below)
    {
        if (below.LengthBytes == 0)
        {
            // The child ends before the layer does.
            return AddEnd(node, offset, AlignEnd(node, offset, new BlockStatus(BlockStatusFlags.Zero | BlockStatusFlags.Allocated, pointer.LengthBytes)));
        }

        bool isHostKnown = (below.Flags & BlockStatusFlags.OffsetValid) != 0;
        BlockStatus lifted = below with { Flags = below.Flags & ~BlockStatusFlags.EndOfFile, HostChild = isHostKnown ? below.HostChild ?? pointer.HostChild : null };
        return AddEnd(node, offset, AlignEnd(node, offset, lifted));
    }

    // A child may have smaller blocks than the layer over it.
    private static BlockStatus AlignEnd(BlockNode node, long offset, BlockStatus status)
    {
        long end = offset + status.LengthBytes;
        long alignedEnd = end & ~(node.Limits.RequestAlignmentBytes - 1L);
        return end < node.LengthBytes && alignedEnd > offset ? status with { LengthBytes = alignedEnd - offset } : status;
    }

    // The layer has data, and its file may know that it reads as zeros.
    private static async ValueTask<BlockStatus> AskFileAsync(BlockNode node, long offset, BlockStatus status, BlockChild file, BlockStatusQuery wanted, CancellationToken cancel)
    {
        Invariant.Check((status.Flags & (BlockStatusFlags.Data | BlockStatusFlags.OffsetValid | BlockStatusFlags.Zero)) == (BlockStatusFlags.Data | BlockStatusFlags.OffsetValid));
        BlockStatus below;
        try
        {
            below = await file.GetStatusAsync(wanted, status.HostOffset, status.LengthBytes, cancel);
        }
        catch (BlockException)
        {
            // More would have been good to know; what is known is true without it.
            return AddEnd(node, offset, status);
        }

        // A format may have data beyond the end of its file: it reads as zeros, up to the end of what was asked for.
        bool endsWithFile = (below.Flags & BlockStatusFlags.EndOfFile) != 0;
        if (endsWithFile && (below.LengthBytes == 0 || below.IsZero))
        {
            return AddEnd(node, offset, status with { Flags = status.Flags | BlockStatusFlags.Zero });
        }

        return AddEnd(node, offset, status with { Flags = status.Flags | (below.Flags & BlockStatusFlags.Zero), LengthBytes = below.LengthBytes });
    }
}
