using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.BlockCore.Requests;

/// <summary>
/// Which layer of a chain has a range: from the top down, filters and backing nodes alike, to the first that has it.
/// <i>QEMU: bdrv_common_block_status_above().</i>
/// </summary>
/// <remarks>
/// The range shrinks to the shortest answer on the way. A layer that ends before the range does supplies zeros, as if they were allocated there; so
/// nothing below it shows through. The image's end is told only where the top ends.
/// </remarks>
internal static class ChainStatusQuery
{
    /// <summary>Asks the layers from <paramref name="top"/>'s child down to <paramref name="baseNode"/>, with it or without; to the end where that is null.</summary>
    public static ValueTask<ChainStatus> RunAsync(
        BlockChild top, BlockNode? baseNode, bool includesBase, BlockStatusQuery wanted, long offset, long length, CancellationToken cancel)
    {
        ThrowIfNotBelow(top.Node, baseNode);
        SlowRequest.CheckRange(top.Node, offset, length);
        if (!includesBase && ReferenceEquals(top.Node, baseNode))
        {
            return new(new ChainStatus(new BlockStatus(BlockStatusFlags.None, length), top.Node, 0));
        }

        ValueTask<BlockStatus> asked = top.GetStatusAsync(wanted, offset, length, cancel);
        return asked.IsCompletedSuccessfully
            ? GoDownAsync(top, asked.Result, baseNode, includesBase, wanted, offset, cancel)
            : GoDownSlowAsync(top, asked, baseNode, includesBase, wanted, offset, cancel);
    }

    private static async ValueTask<ChainStatus> GoDownSlowAsync(
        BlockChild top, ValueTask<BlockStatus> ofTop, BlockNode? baseNode, bool includesBase, BlockStatusQuery wanted, long offset, CancellationToken cancel) =>
        await GoDownAsync(top, await ofTop, baseNode, includesBase, wanted, offset, cancel);

    // What the top has needs no task: that is most of an image.
    private static ValueTask<ChainStatus> GoDownAsync(
        BlockChild top, BlockStatus status, BlockNode? baseNode, bool includesBase, BlockStatusQuery wanted, long offset, CancellationToken cancel) =>
        status.LengthBytes == 0 || status.IsAllocated || ReferenceEquals(top.Node, baseNode)
            ? new(new ChainStatus(status, top.Node, 1))
            : AskBelowAsync(top, status, baseNode, includesBase, wanted, offset, cancel);

    private static async ValueTask<ChainStatus> AskBelowAsync(
        BlockChild top, BlockStatus status, BlockNode? baseNode, bool includesBase, BlockStatusQuery wanted, long offset, CancellationToken cancel)
    {
        ChainStatus answer = new(status, top.Node, 1);
        bool endsWithTop = (status.Flags & BlockStatusFlags.EndOfFile) != 0;
        long topEnd = offset + status.LengthBytes;
        for (BlockChild? link = BackingChain.LinkOf(top.Node); link is not null && (includesBase || !ReferenceEquals(link.Node, baseNode)); link = BackingChain.LinkOf(link.Node))
        {
            long askedBytes = answer.Status.LengthBytes;
            status = await link.GetStatusAsync(wanted, offset, askedBytes, cancel);
            answer = new ChainStatus(
                status.LengthBytes == 0 ? new BlockStatus(BlockStatusFlags.Zero | BlockStatusFlags.Allocated, askedBytes) : status, link.Node, answer.Depth + 1)
            {
                IsBehindEnd = status.LengthBytes == 0,
            };
            if (answer.Status.IsAllocated || ReferenceEquals(link.Node, baseNode))
            {
                break;
            }
        }

        BlockStatusFlags flags = answer.Status.Flags & ~BlockStatusFlags.EndOfFile;
        bool isTopEnd = endsWithTop && offset + answer.Status.LengthBytes == topEnd;
        return answer with { Status = answer.Status with { Flags = isTopEnd ? flags | BlockStatusFlags.EndOfFile : flags } };
    }

    private static void ThrowIfNotBelow(BlockNode top, BlockNode? baseNode)
    {
        if (baseNode is not null && !BackingChain.Contains(top, baseNode))
        {
            throw new BlockException(BlockErrorKind.NotFound, $"Node '{baseNode.Name}' is not in the chain of '{top.Name}'");
        }
    }
}
