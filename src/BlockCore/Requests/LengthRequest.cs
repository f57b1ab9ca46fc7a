using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.BlockCore.Requests;

/// <summary>Gives a node another length. <i>QEMU: bdrv_co_truncate().</i></summary>
internal static class LengthRequest
{
    /// <summary>Changes the child's length, and what is above it hears of it.</summary>
    public static async ValueTask RunAsync(BlockChild edge, long lengthBytes, bool isExact, PreallocationMode preallocation, RequestFlags flags, CancellationToken cancel)
    {
        BlockNode node = edge.Node;
        if (lengthBytes < 0)
        {
            throw new BlockException("Image size cannot be negative");
        }

        if (lengthBytes > BlockLimits.LengthBytesMax)
        {
            throw new BlockException(BlockErrorKind.TooLarge, $"Image size {lengthBytes} is too large: the largest is {BlockLimits.LengthBytesMax}");
        }

        if (node.IsReadOnly)
        {
            throw new BlockException(BlockErrorKind.AccessDenied, "Image is read-only");
        }

        if (lengthBytes > node.LengthBytes && node.CowChild is { } backing && backing.LengthBytes > node.LengthBytes)
        {
            // What the backing node has beyond this image's old end was never to be seen, and is not now.
            flags |= RequestFlags.ZeroWrite;
        }

        if ((flags & ~node.Instance.SupportedLengthFlags) != 0)
        {
            throw new BlockException(BlockErrorKind.NotSupported, "Block driver does not support requested flags");
        }

        try
        {
            if (!await TryWriteLengthAsync(edge, node, lengthBytes, isExact, preallocation, flags, cancel))
            {
                throw new BlockException(BlockErrorKind.NotSupported, "Image format driver does not support resize");
            }
        }
        finally
        {
            // A length is as lost without a flush as data is, also where the change has failed half-way.
            node.MarkWritten();
        }

        SlowRequest.RefreshLengths(node);
    }

    private static async ValueTask<bool> TryWriteLengthAsync(
        BlockChild edge, BlockNode node, long lengthBytes, bool isExact, PreallocationMode preallocation, RequestFlags flags, CancellationToken cancel)
    {
        if (node.Driver.Category == DriverCategory.Filter && node.FilteredChild is { } below)
        {
            if (!await node.Instance.TryWriteLengthAsync(lengthBytes, isExact, preallocation, flags, cancel))
            {
                await below.WriteLengthAsync(lengthBytes, isExact, preallocation, flags, cancel);
            }

            return true;
        }

        // What lies between the two lengths is not to be read or written meanwhile, nor the rest of a block that one of them cuts.
        // A longer node may have to write some of it, a shorter one only lets go of it.
        RequestKind kind = lengthBytes < node.LengthBytes ? RequestKind.Discard : RequestKind.Write;
        long start = Math.Min(lengthBytes, node.LengthBytes);
        BlockRequest request = BlockRequest.Begin(null, RequestPlan.OfOwnNode(edge), kind, start, Math.Max(lengthBytes, node.LengthBytes) - start);
        try
        {
            node.Tracker.MakeSerialising(request, node.Limits.RequestAlignmentBytes);
            await node.Tracker.WaitForConflictsAsync(request, failsInsteadOfWaiting: false);
            return await node.Instance.TryWriteLengthAsync(lengthBytes, isExact, preallocation, flags, cancel);
        }
        finally
        {
            request.FinishUnseen();
            request.Free();
        }
    }
}
