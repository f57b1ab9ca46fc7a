using BlockGraph.BlockCore.Drain;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Events;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Transactions;

namespace BlockGraph.BlockCore.Graph;

/// <content>The changes themselves, on the main context.</content>
public sealed partial class NodeGraph
{
    /// <summary>Attaches <paramref name="child"/> under <paramref name="parent"/>, with the permissions that follow. The caller keeps its own reference to the child. Main context.</summary>
    internal async Task<BlockChild> AttachAsync(IChildParent parent, BlockNode child, string name, ChildRole role, CancellationToken cancel = default)
    {
        AttachEdit edit = new(parent, child, name, role);
        await GraphChange.RunAsync(this, [edit], cancel);
        return edit.Edge!;
    }

    /// <summary>Links <paramref name="child"/> under <paramref name="parent"/>, which is being opened, without any permissions: a change that is under way will settle them.</summary>
    internal async Task<BlockChild> AttachProvisionallyAsync(BlockNode parent, BlockNode child, string name, ChildRole role, CancellationToken cancel)
    {
        AttachEdit edit = new(parent, child, name, role) { IsProvisional = true };
        await GraphChange.RunAsync(this, [edit], cancel);
        return edit.Edge!;
    }

    /// <summary>Lets <paramref name="observer"/> hear of every request that <paramref name="node"/> completes from now on; null ends it.</summary>
    public Task ObserveAsync(BlockNode node, Requests.INodeObserver? observer)
    {
        ArgumentNullException.ThrowIfNull(node);
        return MainContext.RunAsync(async () =>
        {
            // A barrier: by a new epoch alone, requests that fly now would pass unseen.
            await using (await DrainScope.BeginAsync(node))
            {
                node.Observer = observer;
                BumpEpoch();
            }
        });
    }

    /// <summary>Tells, once, of the next write or zero write that ends beyond <paramref name="thresholdBytes"/> of <paramref name="node"/>; 0 tells of none. Any thread. <i>QEMU: block-set-write-threshold.</i></summary>
    public void SetWriteThreshold(BlockNode node, long thresholdBytes)
    {
        ArgumentNullException.ThrowIfNull(node);
        ArgumentOutOfRangeException.ThrowIfNegative(thresholdBytes);
        Invariant.Check(ReferenceEquals(node.Graph, this));
        node.SetWriteThreshold(thresholdBytes);
    }

    /// <summary>Recomputes the permissions at and below <paramref name="node"/>. Main context.</summary>
    /// <exception cref="BlockException">They do not go together, or a driver refuses; nothing has changed.</exception>
    internal void RefreshPermissions(BlockNode node)
    {
        GraphDraft draft = new(this);
        draft.Touch(node);
        PermissionOutcome outcome = PermissionUpdate.Compute(draft);
        Transaction transaction = new();
        PermissionAction.Prepare(transaction, outcome.Plan ?? throw outcome.Conflict!.ToException(), new ReopenSet());
        transaction.Commit();
    }

    /// <summary>Closes the nodes that lost their last reference, and those that lose it by that.</summary>
    internal Task CloseScheduledAsync()
    {
        // One closer at a time: who asks while it works waits until it has done everything, his own nodes too.
        if (_closer is { IsCompleted: false })
        {
            return _closer;
        }

        return _closing.Count == 0 ? Task.CompletedTask : _closer = CloseAllScheduledAsync();
    }

    private async Task CloseAllScheduledAsync()
    {
        while (_closing.TryDequeue(out BlockNode? node))
        {
            Invariant.Check(node.ReferenceCount == 0);
            Invariant.Check(node.Parents.Count == 0);
            await EndInstanceAsync(node);
            if (node.Children.Count > 0)
            {
                List<GraphEdit> edits = node.FrozenDownTo is { } bottom ? [GraphEdit.Thaw(node, bottom)] : [];
                for (int i = node.Children.Count - 1; i >= 0; i--)
                {
                    edits.Add(new DetachEdit(node.Children[i], isParentClosing: true));
                }

                await GraphChange.RunWithinCloseAsync(this, edits);
            }

            ReleaseName(node.Name);
            if (node.IsAnnounced)
            {
                node.IsAnnounced = false;
                Events.Publish(new NodeClosed(node.Name));
            }
        }
    }

    // What it still writes to its children is its own work: whoever drains them waits for it.
    private async Task EndInstanceAsync(BlockNode node)
    {
        node.Work.Begin();
        try
        {
            if (node.HasInstance)
            {
                await TryFlushAsync(node);
            }

            await CloseInstanceAsync(node);
        }
        finally
        {
            node.Work.End();
        }
    }

    // A driver that fails to close is told of; its node goes all the same.
    private async Task CloseInstanceAsync(BlockNode node)
    {
        try
        {
            await node.CloseInstanceAsync();
        }
        catch (Exception error)
        {
            Events.Publish(new BlockWarning($"Node '{node.Name}': driver '{node.Driver.Name}' failed to close: {error.Message}"));
        }
    }

    /// <summary>Flushes <paramref name="node"/> at its home; what it fails with. Main context, and back there.</summary>
    internal async Task<BlockException?> TryFlushAsync(BlockNode node)
    {
        BlockException? failure = null;
        await node.Context.RunAsync(async () =>
        {
            try
            {
                await Requests.FlushRequest.RunAsync(node, CancellationToken.None);
            }
            catch (BlockException error)
            {
                failure = error;
            }
        });
        Invariant.Check(MainContext.IsHome);
        return failure;
    }

    private async Task<BlockNode> AddNodeCoreAsync(OptionsDictionary options, CancellationToken cancel)
    {
        ThrowIfDisposed();
        OptionsDictionary flat = options.Flatten();
        if (!flat.ContainsKey("node-name"))
        {
            throw new BlockException("'node-name' must be specified for the root node");
        }

        flat.SetDefault("cache.direct", "off");
        flat.SetDefault("cache.no-flush", "off");
        flat.SetDefault("read-only", "off");
        NodeOpener opener = new(this, cancel);
        BlockNode node = await opener.OpenAsync(flat);
        if (_isDisposed)
        {
            node.DropReference(new GraphWriteToken(this));
            await CloseScheduledAsync();
            ThrowIfDisposed();
        }

        opener.Commit();
        node.IsMonitorOwned = true;
        return node;
    }

    private async Task RemoveNodeCoreAsync(string name)
    {
        BlockNode node = FindNode(name) ?? throw new BlockException(BlockErrorKind.NotFound, $"Failed to find node with node-name='{name}'");
        foreach (BlockChild edge in node.Parents)
        {
            if (edge.Parent is IRootParent { StaysAtNode: false })
            {
                throw new BlockException(BlockErrorKind.Busy, $"Node {name} is in use");
            }
        }

        node.ThrowIfBlocked(BlockOperation.Remove);
        if (!node.IsMonitorOwned)
        {
            throw new BlockException(BlockErrorKind.NotPermitted, $"Node {name} is not owned by the monitor");
        }

        if (node.ReferenceCount > 1)
        {
            throw new BlockException(BlockErrorKind.Busy, $"Block device {name} is in use");
        }

        node.IsMonitorOwned = false;
        node.DropReference(new GraphWriteToken(this));
        await CloseScheduledAsync();
    }

    private async Task CloseEverythingAsync()
    {
        // What fails to flush is told at the end; everything is closed all the same.
        BlockException? firstError = null;
        while (_roots.List is [.., var last])
        {
            try
            {
                await last.DisposeAsync();
            }
            catch (BlockException error)
            {
                firstError ??= error;
            }

            // One that stays would be closed for ever.
            Invariant.Check(!ReferenceEquals(_roots.List.LastOrDefault(), last));
        }

        foreach (BlockNode node in Nodes)
        {
            if (node.IsMonitorOwned)
            {
                node.IsMonitorOwned = false;
                node.DropReference(new GraphWriteToken(this));
            }
        }

        await CloseScheduledAsync();
        Objects.Dispose();
        if (firstError is not null)
        {
            throw firstError;
        }
    }
}
