using BlockGraph.BlockCore.Drain;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Transactions;

namespace BlockGraph.BlockCore.Backend;

/// <content>The medium comes and goes, and the backend goes with its last one.</content>
public sealed partial class BlockBackend
{
    // One at a time puts a medium in, takes it out, checks it, moves the backend or closes it: each looks first, and then waits for requests.
    private readonly CoMutex _medium = new();

    /// <summary>How the last medium was used; null where there was none.</summary>
    public RememberedRoot? Remembered { get; private set; }

    /// <summary>The closing that is under way or over, or null. Main context.</summary>
    private Task? Closing { get; set; }

    /// <summary>Puts <paramref name="node"/> into the backend, which must be empty. Any thread. <i>QEMU: blockdev-insert-medium.</i></summary>
    /// <exception cref="BlockException">There is a medium, the device in front takes none now, or the permissions or contexts do not go together.</exception>
    /// <exception cref="ObjectDisposedException">The backend is closed.</exception>
    public Task InsertAsync(BlockNode node)
    {
        ArgumentNullException.ThrowIfNull(node);
        return InsertAsync(node, CancellationToken.None);
    }

    /// <summary>Takes the medium out, when its requests are finished; the backend remembers how it was used. Any thread. <i>QEMU: blockdev-remove-medium.</i></summary>
    /// <exception cref="BlockException">There is no medium, or it must stay.</exception>
    public Task RemoveAsync() => ChangeMediumAsync(async () =>
    {
        if (RemovableDeviceOrThrow() is { HasTray: true, IsTrayOpen: false } device)
        {
            throw new BlockException(BlockErrorKind.NotPermitted, $"Tray of device '{device.Id}' is not open");
        }

        BlockChild root = RootEdge ?? throw NoMedium();
        root.Node.ThrowIfBlocked(BlockOperation.Eject);
        await using (await DrainScope.BeginAsync(root.Node))
        {
            await GraphChange.RunLettingGoAsync(Graph, [GraphEdit.Detach(root)]);
        }

        Remembered = RememberedRoot.Of(root.Node);
        TellMediumChanged(isLoaded: false);
    });

    /// <summary>Flushes, then lets go of the tree; nodes that nobody else uses are closed.</summary>
    public async ValueTask DisposeAsync()
    {
        // Whoever comes second waits as well, but the failure of the flush is told once.
        bool isFirst = Interlocked.Exchange(ref _isDisposed, 1) == 0;
        try
        {
            await Graph.MainContext.RunAsync(() => Closing ??= CloseAsync());
        }
        catch (BlockException) when (!isFirst)
        {
        }
    }

    internal Task InsertAsync(BlockNode node, CancellationToken cancel) =>
        ChangeMediumAsync(() => GraphChange.RunAsync(Graph, [new InsertEdit(this, node)], cancel));

    internal void ThrowIfDeviceTakesNoMedium()
    {
        if (_device is { IsRemovable: false })
        {
            throw new BlockException(BlockErrorKind.NotSupported, "Device is not removable");
        }

        if (_device is { HasTray: true, IsTrayOpen: false })
        {
            throw new BlockException(BlockErrorKind.NotPermitted, "Tray of the device is not open");
        }
    }

    private Task ChangeMediumAsync(Func<Task> change) => HoldMediumAsync(() =>
    {
        ObjectDisposedException.ThrowIf(Closing is not null, this);
        return change();
    });

    private Task HoldMediumAsync(Func<Task> body) => Graph.MainContext.RunAsync(async () =>
    {
        await _medium.EnterAsync();
        try
        {
            await body();
        }
        finally
        {
            _medium.Exit();
        }
    });

    private async Task CloseAsync()
    {
        Kept.Close();
        await _medium.EnterAsync();
        try
        {
            BlockException? flushError = RootEdge is null ? null : await LetGoAsync();
            LeaveGroup();
            Graph.Buffers.RemoveAll(this);
            await Graph.CloseScheduledAsync();
            Graph.Unregister(this);
            if (flushError is not null)
            {
                throw flushError;
            }
        }
        finally
        {
            _medium.Exit();
        }
    }

    private async Task<BlockException?> LetGoAsync()
    {
        await using (await DrainScope.BeginUserAsync(Graph, this))
        {
            BlockException? flushError = null;
            BlockNode? flushed = null;
            while (RootEdge is { } root && !ReferenceEquals(root.Node, flushed))
            {
                // The edge may lead elsewhere by the time that this comes back.
                flushed = root.Node;
                flushError = await EndWithFlushAsync(flushed);
            }

            try
            {
                if (RootEdge is { } last)
                {
                    await GraphChange.RunLettingGoAsync(Graph, [GraphEdit.Detach(last)]);
                }
            }
            catch (BlockException) when (RootEdge is null)
            {
                // Somebody else has taken the edge away meanwhile.
            }

            return flushError;
        }
    }

    // The gate is closed, so that no lane counts it: it is the node's own, and other drains wait for it. Kept, whoever takes it away meanwhile.
    private async Task<BlockException?> EndWithFlushAsync(BlockNode node)
    {
        node.AddReference();
        node.Work.Begin();
        try
        {
            return await Graph.TryFlushAsync(node);
        }
        finally
        {
            node.Work.End();
            node.DropReference(new GraphWriteToken(Graph));
        }
    }

    // Behind an open tray nothing has changed that the device could reach: it hears when the tray is closed.
    internal void TellMediumChanged(bool isLoaded)
    {
        if (!_isTrayOpen)
        {
            _device?.OnMediumChanged(isLoaded);
        }
    }

    private void SetRoot(BlockChild? root)
    {
        _edges = root is null ? [] : [root];
        Volatile.Write(ref _edge, root);
        UpdateReach();
    }
}
