using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.BlockCore.Requests;

/// <summary>Gives a node another length. <i>QEMU: bdrv_co_truncate().</i></summary>
internal static class LengthRequest
{
    /// <summary>Changes the child's length, and what is above it hears of it.</summary>
    public static async ValueTask RunAsync(BlockChild edge, long lengthBytes, bool isExact, CancellationToken cancel)
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

        if (!await TryWriteLengthAsync(edge, node, lengthBytes, isExact, cancel))
        {
            throw new BlockException(BlockErrorKind.NotSupported, "Image format driver does not support resize");
        }

        SlowRequest.RefreshLengths(node);
    }

    private static async ValueTask<bool> TryWriteLengthAsync(BlockChild edge, BlockNode node, long lengthBytes, bool isExact, CancellationToken cancel)
    {
        if (node.Driver.Category == DriverCategory.Filter && node.FilteredChild is { } below)
        {
            if (!await node.Instance.TryWriteLengthAsync(lengthBytes, isExact, cancel))
            {
                await below.WriteLengthAsync(lengthBytes, isExact, cancel);
            }

            return true;
        }

        // What lies between the two lengths is not to be read or written meanwhile.
        long start = Math.Min(lengthBytes, node.LengthBytes);
        BlockRequest request = BlockRequest.Begin(null, RequestPlan.OfOwnNode(edge), RequestKind.Write, start, Math.Max(lengthBytes, node.LengthBytes) - start);
        try
        {
            node.Tracker.MakeSerialising(request, 1);
            await node.Tracker.WaitForConflictsAsync(request, failsInsteadOfWaiting: false);
            return await node.Instance.TryWriteLengthAsync(lengthBytes, isExact, cancel);
        }
        finally
        {
            request.FinishUnseen();
            request.Free();
        }
    }
}
