using System.Runtime.ExceptionServices;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Observability;
using BlockGraph.BlockCore.Permissions;

namespace BlockGraph.BlockCore.Requests;

/// <summary>Makes completed writes durable: the node's own, then those of every child that it may write through. <i>QEMU: bdrv_co_flush().</i></summary>
/// <remarks>
/// A layer that keeps something in memory hears every flush. One that only hands on to a disk hears those that have something to do: plans skip idle layers,
/// so that what such a layer has not seen itself says nothing about the layers below it, which are asked in any case.
/// </remarks>
internal static class FlushRequest
{
    /// <summary>Flushes <paramref name="node"/>, on a context that its driver works on.</summary>
    public static async ValueTask RunAsync(BlockNode node, CancellationToken cancel)
    {
        if (node.IsReadOnly)
        {
            return;
        }

        long startNs = node.Context.NowNs;
        bool isSuccess = false;
        long arrival = node.Flushes.Arrive();
        await node.Flushes.EnterAsync();
        try
        {
            cancel.ThrowIfCancellationRequested();
            await FlushInTurnAsync(node, arrival, cancel);
            isSuccess = true;
        }
        finally
        {
            node.Flushes.Exit();
            node.Observer?.OnRequestDone(RequestKind.Flush, 0, startNs, node.Context.NowNs, isSuccess);
        }
    }

    private static async ValueTask FlushInTurnAsync(BlockNode node, long arrival, CancellationToken cancel)
    {
        BlockDriverInstance instance = MeteredInstance.Of(node);
        if (instance.FlushesChildren)
        {
            await instance.FlushAsync(cancel);
            return;
        }

        await RaiseAsync(node, DebugEvent.FlushToOs);
        if (!instance.FlushesOnlyToDisk)
        {
            await instance.FlushAsync(cancel);
        }

        // Without flushes nothing becomes durable: the mark stays for a time when there are some.
        if (node.Settings.CacheNoFlush || node.Flushes.IsDone(arrival) || !node.TakeWritten())
        {
            await FlushChildrenAsync(node, cancel);
            return;
        }

        long number = node.Flushes.Begin();
        try
        {
            await RaiseAsync(node, DebugEvent.FlushToDisk);
            if (instance.FlushesOnlyToDisk)
            {
                await instance.FlushAsync(cancel);
            }

            await FlushChildrenAsync(node, cancel);
        }
        catch
        {
            node.MarkWritten();
            throw;
        }

        node.Flushes.Succeed(number);
    }

    // A child that fails keeps none of the others from being flushed; the first error is the flush's.
    private static async ValueTask FlushChildrenAsync(BlockNode node, CancellationToken cancel)
    {
        ExceptionDispatchInfo? first = null;
        foreach (BlockChild child in node.Children)
        {
            if ((child.Permissions.Required & (BlockPermissions.Write | BlockPermissions.WriteUnchanged)) == 0)
            {
                continue;
            }

            try
            {
                await child.FlushAsync(cancel);
            }
            catch (Exception error)
            {
                first ??= ExceptionDispatchInfo.Capture(error);
            }
        }

        first?.Throw();
    }

    private static ValueTask RaiseAsync(BlockNode node, DebugEvent debugEvent) => node.PrimaryChild?.DebugEventAsync(debugEvent) ?? default;
}
