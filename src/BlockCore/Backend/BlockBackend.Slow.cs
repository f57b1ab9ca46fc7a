using BlockGraph.BlockCore.Drain;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Backend;

/// <content>The paths that most requests do not take: refused, held back by a drain, from another thread, without a buffer.</content>
public sealed partial class BlockBackend
{
    private async Task CloseAsync()
    {
        BlockException? flushError = null;
        if (_root is { } root)
        {
            await using (await DrainScope.BeginClosingAsync(this, root.Node))
            {
                flushError = await NodeGraph.TryFlushAsync(root.Node);
                _root = null;
                Graph.Detach(root);
            }

            await Graph.CloseScheduledAsync();
        }

        Graph.Unregister(this);
        if (flushError is not null)
        {
            throw flushError;
        }
    }

    private BlockException NoMedium() =>
        new(BlockErrorKind.NoMedium, Name is null ? "No medium found" : $"Device '{Name}' has no medium");

    private BlockChild RootOrThrow() => _root ?? throw NoMedium();

    private static ValueTask Refuse(BlockChild root, RequestKind kind, long offset, long length, CancellationToken cancel)
    {
        if (cancel.IsCancellationRequested)
        {
            return ValueTask.FromCanceled(cancel);
        }

        long lengthBytes = root.Node.LengthBytes;
        bool isOutside = offset < 0 || length < 0 || lengthBytes - offset < length;
        return ValueTask.FromException(isOutside
            ? new BlockException(BlockErrorKind.InputOutput, $"The range {offset}+{length} lies outside the image of {lengthBytes} bytes (node '{root.Node.Name}')")
            : new BlockException(BlockErrorKind.NotPermitted, $"Block node is read-only: no {(kind == RequestKind.Discard ? "discard" : "write")} through '{root.Node.Name}'"));
    }

    // Starts again from the root when the gate opens: the graph may be another by then.
    private async ValueTask SubmitHeld(RequestKind kind, long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
    {
        await WaitForGate(cancel);
        await Submit(kind, offset, buffer, flags, cancel);
    }

    private async ValueTask SubmitForeign(RequestKind kind, long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
    {
        AioContext? origin = AioContext.Current;
        await Context.SwitchTo();
        try
        {
            await Submit(kind, offset, buffer, flags, cancel);
        }
        finally
        {
            await AioContext.ReturnToCallerAsync(origin);
        }
    }

    private async ValueTask SubmitRange(RequestKind kind, long offset, long length, RequestFlags flags, CancellationToken cancel)
    {
        AioContext? origin = AioContext.Current;
        bool isForeign = !Context.IsHome;
        await Context.SwitchTo();
        try
        {
            await RunRange(kind, offset, length, flags, cancel);
        }
        finally
        {
            if (isForeign)
            {
                await AioContext.ReturnToCallerAsync(origin);
            }
        }
    }

    private async ValueTask RunRange(RequestKind kind, long offset, long length, RequestFlags flags, CancellationToken cancel)
    {
        await WaitForGate(cancel);
        BlockChild root = RootOrThrow();
        bool isWrite = kind != RequestKind.Flush;
        if (cancel.IsCancellationRequested || !root.IsInside(offset, length)
            || (isWrite && (root.Permissions.Required & BlockPermissions.Write) == 0))
        {
            await Refuse(root, kind, offset, length, cancel);
        }

        long startNs = Context.NowNs;
        bool isSuccess = false;
        _lane.InFlightCount++;
        try
        {
            await (kind switch
            {
                RequestKind.WriteZeroes => root.WriteZeroesAsync(offset, length, flags, cancel),
                RequestKind.Discard => root.DiscardAsync(offset, length, cancel),
                _ => root.FlushAsync(cancel),
            });
            isSuccess = true;
        }
        finally
        {
            _lane.Finish(kind, length, Context.NowNs - startNs, isSuccess);
        }
    }

    private async ValueTask<BlockStatus> RunStatus(BlockStatusQuery wanted, long offset, long length, CancellationToken cancel)
    {
        await WaitForGate(cancel);
        BlockChild root = RootOrThrow();
        _lane.InFlightCount++;
        try
        {
            return await root.GetStatusAsync(wanted, offset, length, cancel);
        }
        finally
        {
            _lane.Release();
        }
    }

    private async ValueTask WaitForGate(CancellationToken cancel)
    {
        while (_lane.GateCount != 0)
        {
            await _lane.Held.WaitAsync(cancel);
        }
    }
}
