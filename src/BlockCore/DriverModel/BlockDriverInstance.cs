using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.DriverModel;

/// <summary>
/// One opened image, as its driver's author writes it. Requests arrive aligned, bounded by the node's length, permitted and
/// tracked; generic work (padding, splitting, fallback, counting) is done above. <i>QEMU: bs->opaque and the BlockDriver callbacks.</i>
/// </summary>
/// <remarks>
/// Data plane: may run in any context that reaches the node; allocates nothing unless the request waits; a layer with nothing
/// to do after its child returns the child's task. Control plane: runs on the main context.
/// </remarks>
public abstract class BlockDriverInstance
{
    private BlockNode? _node;

    /// <summary>The node that this image belongs to.</summary>
    public BlockNode Node
    {
        get => _node ?? throw new InvalidOperationException("the instance has no node yet");
        internal set => _node = value;
    }

    /// <summary>What the driver itself asks of requests; the core merges it with the children's limits.</summary>
    public virtual BlockLimits Limits => BlockLimits.Unlimited;

    /// <summary>The write flags the driver carries out itself; others are emulated (FUA) or refused.</summary>
    public virtual RequestFlags SupportedWriteFlags => RequestFlags.None;

    /// <summary>The flags of zero writes that the driver carries out itself.</summary>
    public virtual RequestFlags SupportedZeroFlags => RequestFlags.None;

    /// <summary>
    /// Reads exactly the buffer's length at <paramref name="offset"/>. Where the image's length is no multiple of the request
    /// alignment, the last block asked for goes beyond its end, and reads as zeros there.
    /// </summary>
    protected internal abstract ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel);

    /// <summary>Writes exactly the buffer's length at <paramref name="offset"/>.</summary>
    protected internal virtual ValueTask WriteAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) =>
        ValueTask.FromException(new BlockException(BlockErrorKind.NotSupported, $"Node '{Node.Name}' cannot be written"));

    /// <summary>Makes a range read as zeros. False: nothing happened, and the core writes buffers of zeros instead.</summary>
    protected internal virtual ValueTask<bool> TryWriteZeroesAsync(long offset, long length, RequestFlags flags, CancellationToken cancel) => new(false);

    /// <summary>Lets go of a range. False: nothing happened, which is no error.</summary>
    protected internal virtual ValueTask<bool> TryDiscardAsync(long offset, long length, CancellationToken cancel) => new(false);

    /// <summary>Makes this layer's completed writes durable; the core flushes the children that are written through afterwards.</summary>
    protected internal virtual ValueTask FlushAsync(CancellationToken cancel) => default;

    /// <summary>What is known of a range of at least one byte; the answer covers at least one byte and at most the range.</summary>
    protected internal virtual ValueTask<BlockStatus> GetStatusAsync(BlockStatusQuery wanted, long offset, long length, CancellationToken cancel)
    {
        BlockChild? filtered = Node.FilteredChild;
        return filtered is not null
            ? new(new BlockStatus(BlockStatusFlags.Raw | BlockStatusFlags.OffsetValid, length, offset, filtered))
            : new(new BlockStatus(BlockStatusFlags.Data | BlockStatusFlags.Allocated, length));
    }

    /// <summary>
    /// The edge that serves requests in this layer's stead, and what to add to their offsets, while the layer has nothing to
    /// do: nothing observable may differ. Asked when a plan is compiled; a layer that gets work bumps the graph's epoch.
    /// </summary>
    protected internal virtual bool TryGetIdlePath(out BlockChild? child, out long shiftBytes)
    {
        child = null;
        shiftBytes = 0;
        return false;
    }

    /// <summary>The image's length in bytes, asked after opening and after every change of length.</summary>
    protected internal abstract long GetLengthBytes();

    /// <summary>
    /// The whole operation that opened the node has succeeded: changes to anything shared take effect now, and not before.
    /// It cannot fail; a node whose operation fails is closed without it.
    /// </summary>
    protected internal virtual void CommitOpen()
    {
    }

    /// <summary>What this node needs of and shares on <paramref name="child"/>, given what its own users need together.</summary>
    protected internal virtual PermissionSet GetChildPermissions(BlockChild child, PermissionSet users) =>
        DefaultChildPermissions.For(Node, child, users);

    /// <summary>The users' needs are about to become <paramref name="users"/>: take what they need (locks, a writable descriptor), or throw and take nothing.</summary>
    protected internal virtual void CheckPermissions(PermissionSet users)
    {
    }

    /// <summary>The checked needs hold now; let go of what only the old ones wanted.</summary>
    protected internal virtual void CommitPermissions(PermissionSet users)
    {
    }

    /// <summary>The checked needs will not hold; go back.</summary>
    protected internal virtual void AbortPermissions()
    {
    }

    /// <summary>Requests must finish now: wake whatever waits for anything but its child.</summary>
    protected internal virtual void DrainBegin()
    {
    }

    /// <summary>The drain is over. Not told to a node that was closed during the drain.</summary>
    protected internal virtual void DrainEnd()
    {
    }

    /// <summary>The node leaves its context; it is drained.</summary>
    protected internal virtual void DetachContext()
    {
    }

    /// <summary>The node has come to <paramref name="context"/>; it is drained.</summary>
    protected internal virtual void AttachContext(AioContext context)
    {
    }

    /// <summary>Releases everything. The node is drained and flushed, its children are still there. It must not fail.</summary>
    protected internal virtual ValueTask CloseAsync() => default;
}
