using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;
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

    /// <summary>Where requests may be carried out. A driver that says nothing is called at its node's home only, by one thread.</summary>
    public virtual RequestAffinity Affinity => RequestAffinity.Home;

    /// <summary>The name of the backing image in this image's own header, or null.</summary>
    public virtual string? BackingFileName => null;

    /// <summary>The format of the backing image in this image's own header, or null.</summary>
    public virtual string? BackingFormat => null;

    /// <summary>The write flags the driver carries out itself; others are emulated (FUA) or refused.</summary>
    public virtual RequestFlags SupportedWriteFlags => RequestFlags.None;

    /// <summary>The flags of zero writes that the driver carries out itself.</summary>
    public virtual RequestFlags SupportedZeroFlags => RequestFlags.None;

    /// <summary>The flags of a change of length that the driver carries out: <see cref="RequestFlags.ZeroWrite"/>, or none. Where one is needed and missing, the change is refused.</summary>
    public virtual RequestFlags SupportedLengthFlags => Node.FilteredChild?.Node.Instance.SupportedLengthFlags ?? RequestFlags.None;

    /// <summary>
    /// True where a write and another request for the same bytes must not be under way at once, for the layer keeps copies that would come to
    /// differ: the core lets the later one wait. A filter is no exception.
    /// </summary>
    public virtual bool SerialisesWrites => false;

    /// <summary>In which pieces the layer allocates, in bytes: a power of two; null where it has none of its own. <i>QEMU: BlockDriverInfo.cluster_size.</i></summary>
    public virtual int? ClusterBytes => null;

    /// <summary>The least that the layer allocates of a cluster, in bytes: all of it, unless it has subclusters. <i>QEMU: BlockDriverInfo.subcluster_size.</i></summary>
    public virtual int? SubclusterBytes => ClusterBytes;

    /// <summary>
    /// True where a read that is to copy (<see cref="RequestFlags.CopyOnRead"/>) is handed on with that wish, and the child copies: the layer has nothing to
    /// copy into but its child. Constant. Filters, and formats that are none; everybody else leaves the copying to the core.
    /// </summary>
    public virtual bool PassesCopyOnRead => Node.Driver.Category == DriverCategory.Filter;

    /// <summary>True where <see cref="FlushAsync"/> flushes the children too, and decides what their failures mean.</summary>
    public virtual bool FlushesChildren => false;

    /// <summary>
    /// True where <see cref="FlushAsync"/> has nothing to do but to make durable what this node itself was asked to write: the core then calls it only where
    /// there was any such request since the last success, and never with cache.no-flush. Storage; a layer that keeps something in memory hears every flush.
    /// </summary>
    public virtual bool FlushesOnlyToDisk => Node.Children.Count == 0;

    /// <summary>
    /// True where <see cref="TryWriteZeroesAsync"/> may do something: then buffers of zeros become zero writes where that is asked for, and a zero write
    /// may end beyond the image's end, which makes it longer. Otherwise buffers are written there.
    /// </summary>
    public virtual bool CanWriteZeroes => Node.FilteredChild is not null;

    /// <summary>
    /// True where an image that has just been made, and what one grows by, reads as zeros. Not where everything is encrypted as it lies: what was never written is then
    /// anything. <i>QEMU: bdrv_has_zero_init().</i>
    /// </summary>
    public virtual bool IsZeroWhenNew => Node.FilteredChild?.Node.Instance.IsZeroWhenNew ?? true;

    /// <summary>True where <see cref="OnDebugEventAsync"/> may ever have anything to do: constant, for the layers above then pad and keep order themselves.</summary>
    public virtual bool HearsDebugEvents => false;

    /// <summary>
    /// Reads exactly the buffer's length at <paramref name="offset"/>. Where the image's length is no multiple of the request
    /// alignment, the last block asked for goes beyond its end, and reads as zeros there.
    /// </summary>
    protected internal abstract ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel);

    /// <summary>Writes exactly the buffer's length at <paramref name="offset"/>.</summary>
    protected internal virtual ValueTask WriteAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) =>
        ValueTask.FromException(new BlockException(BlockErrorKind.NotSupported, $"Node '{Node.Name}' cannot be written"));

    /// <summary>Makes a range read as zeros; one that ends beyond the image's end makes it longer, as a write does. False: nothing happened, and the core writes buffers of zeros instead.</summary>
    protected internal virtual ValueTask<bool> TryWriteZeroesAsync(long offset, long length, RequestFlags flags, CancellationToken cancel) => new(false);

    /// <summary>Lets go of a range. False: nothing happened, which is no error.</summary>
    protected internal virtual ValueTask<bool> TryDiscardAsync(long offset, long length, CancellationToken cancel) => new(false);

    /// <summary>
    /// Copies a range of whole blocks out of this layer without bringing it into memory: a layer that holds the bytes in a child hands the copy on to it
    /// (<see cref="BlockChild.TryCopyFromAsync"/>); one that holds them itself goes on with the target (<see cref="BlockChild.TryCopyToAsync"/>). False:
    /// nothing happened, and whoever asked reads and writes. <i>QEMU: bdrv_co_copy_range_from.</i>
    /// </summary>
    protected internal virtual ValueTask<bool> TryCopyFromAsync(long offset, long length, CopyTarget target, RequestFlags flags, CancellationToken cancel) => new(false);

    /// <summary>
    /// Puts bytes of another layer into a range of whole blocks of this one, by the same means. False: nothing happened; a layer that must see what is
    /// written through it says so. <i>QEMU: bdrv_co_copy_range_to.</i>
    /// </summary>
    protected internal virtual ValueTask<bool> TryCopyToAsync(CopySource source, long offset, long length, RequestFlags flags, CancellationToken cancel) => new(false);

    /// <summary>
    /// Requests will come whose data lies in <paramref name="buffer"/>, flagged <see cref="RequestFlags.RegisteredBuffer"/>: prepare it, where that makes them
    /// cheaper. False: nothing was prepared, and they are like any others. Requests may be in flight. On the main context. <i>QEMU: bdrv_register_buf.</i>
    /// </summary>
    protected internal virtual bool TryRegisterBuffer(BufferRange buffer) => false;

    /// <summary>
    /// No more requests come from a buffer that was prepared, and none is under way: when this returns nothing may use the address as prepared, for other memory
    /// may come there. Once for each that <see cref="TryRegisterBuffer"/> took, before the node is closed. On the main context.
    /// </summary>
    protected internal virtual void UnregisterBuffer(BufferRange buffer)
    {
    }

    /// <summary>Makes this layer's completed writes durable; the core flushes the children that are written through afterwards.</summary>
    protected internal virtual ValueTask FlushAsync(CancellationToken cancel) => default;

    /// <summary>
    /// Gives the image another length. What it grows by reads as zeros where <paramref name="flags"/> ask for that, and, except over a longer backing node
    /// and without <see cref="IsZeroWhenNew"/>, in any case. False: nothing happened, for this driver cannot; a filter's child is then resized in its stead.
    /// </summary>
    /// <param name="lengthBytes">The length that it gets.</param>
    /// <param name="isExact">False where more is as good.</param>
    /// <param name="preallocation">What becomes of the space that it grows by; the driver refuses what it cannot do, before anything has changed.</param>
    /// <param name="flags">Of <see cref="SupportedLengthFlags"/>: whether the new part must read as zeros whatever a backing node has there.</param>
    /// <param name="cancel">Cancels it before it has an effect.</param>
    protected internal virtual ValueTask<bool> TryWriteLengthAsync(long lengthBytes, bool isExact, PreallocationMode preallocation, RequestFlags flags, CancellationToken cancel) => new(false);

    /// <summary>
    /// What is known of a range of whole blocks, the last of which may go beyond the image's end. The answer covers whole blocks too, one at least and at
    /// most the range, or ends with the image. A node without children may answer for more than the range: the next queries are spared. A driver that says nothing has everything
    /// allocated; a filter points to its child.
    /// </summary>
    protected internal virtual ValueTask<BlockStatus> GetStatusAsync(BlockStatusQuery wanted, long offset, long length, CancellationToken cancel)
    {
        BlockChild? filtered = Node.FilteredChild;
        return filtered is not null ? new(new BlockStatus(BlockStatusFlags.Raw | BlockStatusFlags.OffsetValid, length, offset, filtered))
            : Node.Driver.Category == DriverCategory.Protocol ? new(new BlockStatus(BlockStatusFlags.Data | BlockStatusFlags.Allocated | BlockStatusFlags.OffsetValid, length, offset))
            : new(new BlockStatus(BlockStatusFlags.Data | BlockStatusFlags.Allocated, length));
    }

    /// <summary>
    /// A request has come to the point <paramref name="debugEvent"/> in this layer, or in one above it that is mainly about this one; it goes on when the
    /// task completes. Any context.
    /// </summary>
    protected internal virtual ValueTask OnDebugEventAsync(DebugEvent debugEvent) => default;

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
    /// What a name to open the image by again must say of this layer, beside its driver and children; null: the options that are declared strong, as they
    /// were given. Main context.
    /// </summary>
    protected internal virtual OptionsDictionary? GetStrongOptions() => null;

    /// <summary>What a person may want to know of this layer beyond what every node shows, as flat options; null for nothing. Main context. <i>QEMU: bdrv_get_specific_info().</i></summary>
    protected internal virtual OptionsDictionary? GetDetails() => null;

    /// <summary>
    /// The whole operation that opened the node has succeeded: changes to anything shared take effect now, and not before.
    /// It cannot fail; a node whose operation fails is closed without it.
    /// </summary>
    protected internal virtual void CommitOpen()
    {
    }

    /// <summary>
    /// What this node needs of and shares on one child, given what its own users need together: a function of the request alone. Most drivers
    /// leave it to the child's role.
    /// </summary>
    protected internal virtual PermissionSet GetChildPermissions(ChildPermissionRequest request) => request.Default;

    /// <summary>
    /// The users' needs are about to become <paramref name="users"/>: take what they need (locks, a writable descriptor), or throw and take nothing.
    /// Requests may be in flight. With <paramref name="reopen"/> the node gets other options in the same moment.
    /// </summary>
    protected internal virtual void CheckPermissions(PermissionSet users, ReopenContext? reopen)
    {
    }

    /// <summary>The checked needs hold now; let go of what only the old ones wanted. A reopen of the same moment is committed before.</summary>
    protected internal virtual void CommitPermissions(PermissionSet users)
    {
    }

    /// <summary>The checked needs will not hold; go back.</summary>
    protected internal virtual void AbortPermissions()
    {
    }

    /// <summary>True where <see cref="FinishBeforeAsync"/> has something to do before the users' needs become <paramref name="users"/>. Main context.</summary>
    protected internal virtual bool MustFinishBefore(PermissionSet users) => false;

    /// <summary>
    /// The users' needs are about to become <paramref name="users"/>, and the children's permissions with them: do what only the present ones allow. Who gives
    /// something up is quiet, others need not be. It must not fail; the change may still do so afterwards. Main context.
    /// </summary>
    protected internal virtual Task FinishBeforeAsync(PermissionSet users) => Task.CompletedTask;

    /// <summary>Requests must finish now: wake whatever waits for anything but its child. At the node's home; must not block.</summary>
    protected internal virtual void DrainBegin()
    {
    }

    /// <summary>The drain is over. At the node's home. Not told to a node that was closed during the drain.</summary>
    protected internal virtual void DrainEnd()
    {
    }

    /// <summary>The node leaves its context, <c>Node.Context</c>; it is drained. On the main context: what is armed at home must be disarmed in <see cref="DrainBegin"/>.</summary>
    protected internal virtual void DetachContext()
    {
    }

    /// <summary>The node has come to <paramref name="context"/>; it is drained. On the main context.</summary>
    protected internal virtual void AttachContext(AioContext context)
    {
    }

    /// <summary>An edge was added to the node after it was opened; it is drained.</summary>
    protected internal virtual void OnChildAttached(BlockChild child)
    {
    }

    /// <summary>An edge of the node was taken away; it is drained.</summary>
    protected internal virtual void OnChildDetached(BlockChild child)
    {
    }

    /// <summary>What <paramref name="child"/> would be called, and be, if it were added to a node whose driver has a variable number of children.</summary>
    /// <param name="child">The node that is to become a child.</param>
    /// <param name="earlierCount">How many are added before it in the same change.</param>
    /// <exception cref="BlockException">It cannot be added; the message says why.</exception>
    protected internal virtual (string Name, ChildRole Role) DescribeNewChild(BlockNode child, int earlierCount) =>
        throw new InvariantViolationException($"driver '{Node.Driver.Name}' has a variable number of children and no name for them");

    /// <summary>Refuses to let go of <paramref name="child"/>, after which <paramref name="remainingCount"/> would be left, where that is not possible.</summary>
    /// <exception cref="BlockException">It is not; the message says why.</exception>
    protected internal virtual void CheckChildRemoval(BlockChild child, int remainingCount)
    {
    }

    /// <summary>
    /// The node is about to get other options: read them, take what they need, keep it in the context, or throw and take nothing. The node is
    /// drained and flushed; requests to the children are possible. Nothing that others see may change yet.
    /// </summary>
    /// <exception cref="BlockException">The options are not possible; the message names the option.</exception>
    protected internal virtual Task PrepareReopenAsync(ReopenContext reopen, CancellationToken cancel) => Task.CompletedTask;

    /// <summary>The prepared options hold now.</summary>
    protected internal virtual void CommitReopen(ReopenContext reopen)
    {
    }

    /// <summary>The prepared options will not hold: let go of what was taken for them.</summary>
    protected internal virtual void AbortReopen(ReopenContext reopen)
    {
    }

    /// <summary>Writes another backing name, and format, into the image's header; null for none. The node is drained and writable.</summary>
    /// <exception cref="BlockException">The driver cannot, or the write failed.</exception>
    protected internal virtual Task ChangeBackingFileAsync(string? fileName, string? format) =>
        Task.FromException(new BlockException(BlockErrorKind.NotSupported, $"Driver '{Node.Driver.Name}' has no backing file name to change"));

    /// <summary>The image is about to be handed to another process: write everything that is only in memory. The node is drained.</summary>
    /// <exception cref="BlockException">It could not be written; the node stays active.</exception>
    protected internal virtual Task DeactivateAsync() => Task.CompletedTask;

    /// <summary>The image has come back from another process: forget and read anew what may have changed. The node is drained.</summary>
    /// <exception cref="BlockException">It could not be read; the node stays inactive.</exception>
    protected internal virtual Task ActivateAsync() => Task.CompletedTask;

    /// <summary>Looks through the image's metadata for what contradicts itself. The node is drained.</summary>
    /// <param name="request">What to do, and who is told of findings.</param>
    /// <param name="cancel">Ends it between two steps.</param>
    /// <exception cref="BlockException">The format has nothing to check, or the check itself failed.</exception>
    protected internal virtual Task<ImageCheck> CheckAsync(ImageCheckRequest request, CancellationToken cancel) =>
        Task.FromException<ImageCheck>(new BlockException(BlockErrorKind.NotSupported, "This image format does not support checks"));

    /// <summary>What a person may want to know of the image; null where there is nothing to know. A filter has what it filters.</summary>
    /// <exception cref="BlockException">It could not be read.</exception>
    protected internal virtual Task<ImageInformation?> GetInformationAsync(CancellationToken cancel) =>
        Node.FilteredChild?.Node.Instance.GetInformationAsync(cancel) ?? Task.FromResult<ImageInformation?>(null);

    /// <summary>The space that the image takes where it is stored, in bytes; null where that is not known. A format and a filter take what their data children take.</summary>
    protected internal virtual async Task<long?> GetAllocatedBytesAsync(CancellationToken cancel)
    {
        // Whoever takes part in file names stands for storage of its own.
        if (Node.Driver.ProtocolName is not null)
        {
            return null;
        }

        long? total = null;
        foreach (BlockChild child in Node.Children.Where(child => (child.Role & (ChildRole.Data | ChildRole.Metadata | ChildRole.Filtered)) != 0))
        {
            if (await child.Node.Instance.GetAllocatedBytesAsync(cancel) is not { } bytes)
            {
                return null;
            }

            total = checked((total ?? 0) + bytes);
        }

        return total;
    }

    /// <summary>The snapshots inside the image; null where the format has none.</summary>
    public virtual IImageSnapshots? Snapshots => null;

    /// <summary>Reads state of a virtual machine, which lies beside the disk until a snapshot takes it. A filter reads what it filters. The node is drained.</summary>
    /// <param name="offset">Where in the state, in bytes.</param>
    /// <param name="buffer">What it is read into; what was never written reads as zeros.</param>
    /// <param name="cancel">Cancels it before it has an effect.</param>
    /// <exception cref="BlockException">The format has no place for it, or it could not be read.</exception>
    protected internal virtual ValueTask ReadVmStateAsync(long offset, IoVector buffer, CancellationToken cancel) =>
        Node.FilteredChild is { } child ? child.Node.Instance.ReadVmStateAsync(offset, buffer, cancel) : throw NoVmState();

    /// <summary>Writes state of a virtual machine. The node is drained.</summary>
    /// <param name="offset">Where in the state, in bytes.</param>
    /// <param name="buffer">What is written.</param>
    /// <param name="cancel">Cancels it before it has an effect.</param>
    /// <exception cref="BlockException">The format has no place for it, or it could not be written.</exception>
    protected internal virtual ValueTask WriteVmStateAsync(long offset, IoVector buffer, CancellationToken cancel) =>
        Node.FilteredChild is { } child ? child.Node.Instance.WriteVmStateAsync(offset, buffer, cancel) : throw NoVmState();

    /// <summary>The dirty bitmaps that the image keeps; null where the format keeps none.</summary>
    public virtual IImageBitmaps? Bitmaps => null;

    /// <summary>Changes properties of the format of an image that is open for writing.</summary>
    /// <param name="request">What is to change, and who is told how far it is.</param>
    /// <param name="cancel">Ends it between two steps.</param>
    /// <exception cref="BlockException">The format or the image has no such property, or it could not be changed.</exception>
    protected internal virtual Task AmendAsync(ImageAmendRequest request, CancellationToken cancel) =>
        Task.FromException(new BlockException(BlockErrorKind.NotSupported, $"Format driver '{Node.Driver.Name}' does not support option amendment"));

    /// <summary>Gives up all data of the image, so that its backing file shows through everywhere; false where the driver cannot. The node is drained.</summary>
    protected internal virtual Task<bool> TryMakeEmptyAsync(CancellationToken cancel) => Task.FromResult(false);

    /// <summary>Releases everything. The node is drained and flushed, its children are still there. It must not fail.</summary>
    protected internal virtual ValueTask CloseAsync() => default;

    private BlockException NoVmState() => new(BlockErrorKind.NotSupported, $"Driver '{Node.Driver.Name}' has no place for the state of a virtual machine");
}
