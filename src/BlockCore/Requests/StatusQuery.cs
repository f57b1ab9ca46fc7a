using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.BlockCore.Requests;

/// <summary>What is known of a range, through layers that add nothing. <i>QEMU: bdrv_co_block_status().</i></summary>
internal static class StatusQuery
{
    /// <summary>Asks the child what is known of a range; the answer is clamped to the range and the child's end.</summary>
    public static async ValueTask<BlockStatus> RunAsync(BlockChild edge, BlockStatusQuery wanted, long offset, long length, CancellationToken cancel)
    {
        BlockNode node = edge.Node;
        SlowRequest.CheckRange(node, offset, length);
        long inside = Math.Min(length, node.LengthBytes - offset);
        if (inside <= 0)
        {
            return new BlockStatus(BlockStatusFlags.EndOfFile, 0);
        }

        BlockStatus status = await node.Instance.GetStatusAsync(wanted, offset, inside, cancel);
        Invariant.Check(status.LengthBytes > 0);
        status = status with { LengthBytes = Math.Min(status.LengthBytes, inside) };
        if ((status.Flags & BlockStatusFlags.Raw) != 0)
        {
            status = await AskBelowAsync(status, wanted, cancel);
        }

        if ((status.Flags & (BlockStatusFlags.Data | BlockStatusFlags.Zero)) != 0)
        {
            status = status with { Flags = status.Flags | BlockStatusFlags.Allocated };
        }
        else if (IsBeyondBacking(node, offset) && (status.Flags & BlockStatusFlags.Allocated) == 0)
        {
            status = status with { Flags = status.Flags | BlockStatusFlags.Zero };
        }

        return offset + status.LengthBytes == node.LengthBytes ? status with { Flags = status.Flags | BlockStatusFlags.EndOfFile } : status;
    }

    // What an overlay has not allocated, and its backing node has not either, reads as zeros without being allocated anywhere.
    private static bool IsBeyondBacking(BlockNode node, long offset) =>
        node.Driver.SupportsBacking && !BackingChain.IsFilter(node) && offset >= (node.CowChild?.LengthBytes ?? 0);

    /// <summary>The layer adds nothing: the answer is that of the child it points to.</summary>
    private static async ValueTask<BlockStatus> AskBelowAsync(BlockStatus pointer, BlockStatusQuery wanted, CancellationToken cancel)
    {
        BlockChild child = (BlockChild)pointer.HostChild!;
        BlockStatus below = await child.GetStatusAsync(wanted, pointer.HostOffset, pointer.LengthBytes, cancel);
        if (below.LengthBytes == 0)
        {
            // The child ends before the layer does.
            return new BlockStatus(BlockStatusFlags.Zero, pointer.LengthBytes);
        }

        bool isHostKnown = (below.Flags & BlockStatusFlags.OffsetValid) != 0;
        return below with { Flags = below.Flags & ~BlockStatusFlags.EndOfFile, HostChild = isHostKnown ? below.HostChild ?? child : null };
    }
}
