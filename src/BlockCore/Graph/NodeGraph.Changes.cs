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
    /// <summary>Attaches <paramref name="child"/> under <paramref name="parent"/> and computes permissions; one transaction. The caller keeps its own reference to the child.</summary>
    internal BlockChild Attach(IChildParent parent, BlockNode child, string name, ChildRole role, Func<BlockChild, PermissionSet> permissions)
    {
        Transaction transaction = new();
        try
        {
            BlockChild edge = AttachAction.Prepare(transaction, new GraphWriteToken(this), parent, child, name, role);
            Dictionary<BlockChild, PermissionSet> requested = new() { [edge] = permissions(edge) };
            PermissionAction.Prepare(transaction, PermissionUpdate.Compute([child], requested));
            transaction.Commit();
            foreach (DrainScope drain in _drains)
            {
                drain.OnAttached(edge);
            }

            return edge;
        }
        catch
        {
            transaction.Abort();
            throw;
        }
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

    /// <summary>Recomputes the permissions at and below <paramref name="node"/>.</summary>
    internal static void RefreshPermissions(BlockNode node)
    {
        Transaction transaction = new();
        PermissionAction.Prepare(transaction, PermissionUpdate.Compute([node]));
        transaction.Commit();
    }

    /// <summary>Unlinks an edge and drops its reference. The child's remaining users only gain by it, so that nothing can be refused.</summary>
    internal void Detach(BlockChild edge)
    {
        GraphWriteToken token = new(this);
        edge.Parent.AsNode?.UnlinkChild(token, edge);
        edge.Node.UnlinkParent(token, edge);
        try
        {
            RefreshPermissions(edge.Node);
        }
        catch (BlockException)
        {
            // Loosening never fails: whoever kept stricter permissions below keeps them until the next change.
        }

        edge.Node.DropReference(token);
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
            if (node.HasInstance)
            {
                await TryFlushAsync(node);
            }

            await node.CloseInstanceAsync();

            while (node.Children.Count > 0)
            {
                Detach(node.Children[^1]);
            }

            ReleaseName(node.Name);
            if (node.IsAnnounced)
            {
                node.IsAnnounced = false;
                Events.Publish(new NodeClosed(node.Name));
            }
        }
    }

    internal static async Task<BlockException?> TryFlushAsync(BlockNode node)
    {
        try
        {
            await Requests.SlowRequest.FlushAsync(node, CancellationToken.None);
            return null;
        }
        catch (BlockException error)
        {
            return error;
        }
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
            if (edge.Parent is IRootParent)
            {
                throw new BlockException(BlockErrorKind.Busy, $"Node {name} is in use");
            }
        }

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
        while (_roots.Length > 0)
        {
            try
            {
                await _roots[^1].DisposeAsync();
            }
            catch (BlockException error)
            {
                firstError ??= error;
            }
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
