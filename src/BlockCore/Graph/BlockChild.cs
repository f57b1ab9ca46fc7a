using System.Runtime.CompilerServices;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Observability;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Requests;

namespace BlockGraph.BlockCore.Graph;

/// <summary>One directed edge from a parent to a child node: the only way into a node. <i>QEMU: BdrvChild.</i></summary>
/// <remarks>
/// Parent, name and role never change. Where the edge leads and what it permits change in transactions only, the former only
/// while the parent is drained; so a driver keeps its edges, not its child nodes. A driver sends its child requests through the
/// edge's methods, from any context: the edge finds its way home. They are bounded here by the child's length.
/// </remarks>
public sealed class BlockChild
{
    private RequestPlan? _plan;
    private EdgeMeter? _meter;

    internal BlockChild(IChildParent parent, BlockNode node, string name, ChildRole role)
    {
        role.Validate();
        Parent = parent;
        Node = node;
        Name = name;
        Role = role;
        Permissions = PermissionSet.Unused;
    }

    /// <summary>Who uses the child.</summary>
    public IChildParent Parent { get; }

    /// <summary>The child.</summary>
    public BlockNode Node { get; private set; }

    /// <summary>What the parent calls the edge: <c>file</c>, <c>backing</c>, <c>root</c>.</summary>
    public string Name { get; }

    /// <summary>What the child is to the parent.</summary>
    public ChildRole Role { get; }

    /// <summary>What the parent may do to the child, and lets others do.</summary>
    public PermissionSet Permissions { get; internal set; }

    /// <summary>True where a job or another user relies on where the edge leads: it cannot be changed.</summary>
    public bool IsFrozen { get; private set; }

    /// <summary>The child's length in bytes.</summary>
    public long LengthBytes => Node.LengthBytes;

    /// <summary>True while the edge has no permissions because the change that it was linked for is not committed.</summary>
    internal bool IsProvisional { get; set; }

    /// <summary>What is counted here while the graph is measured, or null.</summary>
    internal EdgeMeter? Meter
    {
        get => Volatile.Read(ref _meter);
        set => Volatile.Write(ref _meter, value);
    }

    /// <summary>True where the child is to copy what is read through it, whoever reads. Changes while the child is drained, with a new epoch.</summary>
    internal bool CopiesOnRead { get; set; }

    /// <summary>The last walk of the graph that came by. Main context.</summary>
    internal int VisitMark { get; set; }

    /// <summary>True where the child supplies or presents data of the parent: a filter's child or a backing child.</summary>
    internal bool IsChainLink => (Role & (ChildRole.Filtered | ChildRole.Cow)) != 0;

    // For what is about the child itself, whatever layers a plan would skip.
    private bool IsChildHere => Parent.AsNode is not { HasInstance: false } && Node.IsHere;

    /// <summary>Reads; the part beyond the child's end reads as zeros.</summary>
    public ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
    {
        RequestPlan plan = Plan();
        return plan.IsHere ? ReadHere(plan, offset, buffer, flags, cancel) : EdgeDetour.ReadAsync(this, offset, buffer, flags, cancel);
    }

    /// <summary>Writes; writing beyond the child's end needs the resize permission and makes it longer.</summary>
    public ValueTask WriteAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
    {
        RequestPlan plan = Plan();
        return plan.IsHere ? WriteHere(plan, offset, buffer, flags, cancel) : EdgeDetour.WriteAsync(this, offset, buffer, flags, cancel);
    }

    /// <summary>Makes a range read as zeros, by the driver's own means or by writing buffers of zeros; beyond the child's end that needs the resize permission and makes it longer.</summary>
    public ValueTask WriteZeroesAsync(long offset, long length, RequestFlags flags, CancellationToken cancel) =>
        Plan().IsHere ? WriteZeroesHere(offset, length, flags, cancel) : EdgeDetour.WriteZeroesAsync(this, offset, length, flags, cancel);

    /// <summary>Lets go of a range, where the child can; beyond the child's end there is nothing to let go of.</summary>
    public ValueTask DiscardAsync(long offset, long length, CancellationToken cancel) =>
        Plan().IsHere ? DiscardHere(offset, length, cancel) : EdgeDetour.DiscardAsync(this, offset, length, cancel);

    /// <summary>Makes completed writes durable, in the child and everything it writes through.</summary>
    public ValueTask FlushAsync(CancellationToken cancel) =>
        IsChildHere ? FlushRequest.RunAsync(Node, cancel) : EdgeDetour.FlushAsync(this, cancel);

    /// <summary>Gives the child another length; needs the resize permission.</summary>
    /// <param name="lengthBytes">The length that it gets, in bytes.</param>
    /// <param name="isExact">False where more is as good.</param>
    /// <param name="preallocation">What becomes of the space that it grows by.</param>
    /// <param name="flags"><see cref="RequestFlags.ZeroWrite"/>: what it grows by must read as zeros.</param>
    /// <param name="cancel">Cancels it before it has an effect.</param>
    /// <exception cref="BlockException">The child cannot be resized, or the storage refuses.</exception>
    public ValueTask WriteLengthAsync(long lengthBytes, bool isExact, PreallocationMode preallocation, RequestFlags flags, CancellationToken cancel) =>
        IsChildHere
            ? LengthRequest.RunAsync(this, lengthBytes, isExact, preallocation, flags, cancel)
            : EdgeDetour.WriteLengthAsync(this, lengthBytes, isExact, preallocation, flags, cancel);

    /// <summary>
    /// Copies a range of the child into <paramref name="target"/> by the drivers' own means. False: that is not possible, nothing happened, and the bytes are to be
    /// read and written. <i>QEMU: bdrv_co_copy_range_from().</i>
    /// </summary>
    public ValueTask<bool> TryCopyFromAsync(long offset, long length, CopyTarget target, RequestFlags flags, CancellationToken cancel) =>
        Plan().IsHere ? CopyRequest.FromAsync(this, offset, length, target, flags, cancel) : EdgeDetour.TryCopyFromAsync(this, offset, length, target, flags, cancel);

    /// <summary>Puts bytes that another layer holds into a range inside the child. False: that is not possible, and nothing happened.</summary>
    public ValueTask<bool> TryCopyToAsync(CopySource source, long offset, long length, RequestFlags flags, CancellationToken cancel) =>
        Plan().IsHere ? CopyRequest.ToAsync(this, source, offset, length, flags, cancel) : EdgeDetour.TryCopyToAsync(this, source, offset, length, flags, cancel);

    /// <summary>What is known of a range.</summary>
    public ValueTask<BlockStatus> GetStatusAsync(BlockStatusQuery wanted, long offset, long length, CancellationToken cancel) =>
        IsChildHere ? StatusQuery.RunAsync(Node, wanted, offset, length, cancel) : EdgeDetour.GetStatusAsync(this, wanted, offset, length, cancel);

    /// <summary>
    /// Which layer of the chain from the child down has a range: the first that is allocated in, the range no longer than all on the way agree on.
    /// <i>QEMU: bdrv_block_status_above().</i>
    /// </summary>
    /// <param name="baseNode">Where to stop; null for the chain's end.</param>
    /// <param name="includesBase">True to ask <paramref name="baseNode"/> too.</param>
    /// <param name="wanted">What is wanted.</param>
    /// <param name="offset">Where the range begins, in bytes.</param>
    /// <param name="length">How long it is.</param>
    /// <param name="cancel">Ends it between two layers.</param>
    /// <exception cref="BlockException"><paramref name="baseNode"/> is not in the chain, or a driver could not answer.</exception>
    public ValueTask<ChainStatus> GetStatusAboveAsync(
        BlockNode? baseNode, bool includesBase, BlockStatusQuery wanted, long offset, long length, CancellationToken cancel) =>
        ChainStatusQuery.RunAsync(this, baseNode, includesBase, wanted, offset, length, cancel);

    /// <summary>
    /// Says that a request has come to the point <paramref name="debugEvent"/>, for the first layer from the child on down that listens; where none
    /// does, nothing happens. The request goes on when the task completes. <i>QEMU: bdrv_debug_event().</i>
    /// </summary>
    public ValueTask DebugEventAsync(DebugEvent debugEvent) => Plan().DebugEventAsync(debugEvent);

    /// <summary>True where somebody listens to debug events below: then a layer takes care to raise them all.</summary>
    public bool HasDebugListener => Plan().HasDebugListener;

    /// <summary>Reads, on a context that the plan's target takes requests on.</summary>
    internal ValueTask ReadHere(RequestPlan plan, long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
    {
        if (offset < 0 || Node.LengthBytes - offset < buffer.Length)
        {
            return SlowRequest.ReadAcrossEndAsync(this, offset, buffer, flags, cancel);
        }

        offset += plan.ShiftBytes;
        return plan.IsTransparent
            ? plan.Instance.ReadAsync(offset, buffer, flags | plan.ReadFlags, cancel)
            : BlockRequest.Start(null, plan, RequestKind.Read, offset, buffer, flags, cancel);
    }

    /// <inheritdoc cref="ReadHere"/>
    internal ValueTask WriteHere(RequestPlan plan, long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
    {
        if (offset < 0 || Node.LengthBytes - offset < buffer.Length)
        {
            return SlowRequest.WriteAcrossEndAsync(this, offset, buffer, flags, cancel);
        }

        offset += plan.ShiftBytes;
        if (!plan.IsTransparent)
        {
            return BlockRequest.Start(null, plan, RequestKind.Write, offset, buffer, flags, cancel);
        }

        if (plan.HasWorkOnWrites)
        {
            plan.CheckWriteThresholds(offset, buffer.Length);
        }

        return plan.Instance.WriteAsync(offset, buffer, flags, cancel);
    }

    /// <inheritdoc cref="ReadHere"/>
    internal ValueTask WriteZeroesHere(long offset, long length, RequestFlags flags, CancellationToken cancel) =>
        (flags & RequestFlags.RegisteredBuffer) != 0 ? ValueTask.FromException(new BlockException("A zero write has no buffer that could be registered"))
        : IsInside(offset, length) ? SlowRequest.WriteZeroesAsync(this, offset, length, flags, cancel)
        : SlowRequest.WriteZeroesAcrossEndAsync(this, offset, length, flags, cancel);

    /// <inheritdoc cref="ReadHere"/>
    internal ValueTask DiscardHere(long offset, long length, CancellationToken cancel) =>
        SlowRequest.DiscardAsync(this, offset, length, cancel);

    /// <summary>Puts <paramref name="meter"/> in the place of <paramref name="replaced"/>, and returns what was there. Any context.</summary>
    internal EdgeMeter? ExchangeMeter(EdgeMeter meter, EdgeMeter? replaced) => Interlocked.CompareExchange(ref _meter, meter, replaced);

    /// <summary>The compiled path of this edge, which dies with the graph's epoch.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal RequestPlan Plan()
    {
        RequestPlan? plan = _plan;
        return plan is not null && plan.Epoch == Node.Graph.Epoch ? plan : CompilePlan();
    }

    /// <summary>True where the range lies inside the child.</summary>
    internal bool IsInside(long offset, long length) =>
        offset >= 0 && length >= 0 && Node.LengthBytes - offset >= length;

    /// <summary>The edge leads to <paramref name="node"/> from now on. The parent is drained.</summary>
    internal void Redirect(GraphWriteToken token, BlockNode node)
    {
        Invariant.Check(ReferenceEquals(token.Graph, node.Graph));
        Node = node;
    }

    internal void SetFrozen(GraphWriteToken token, bool isFrozen)
    {
        Invariant.Check(ReferenceEquals(token.Graph, Node.Graph));
        Invariant.Check(IsFrozen != isFrozen);
        IsFrozen = isFrozen;
    }

    // Two contexts of a shared node may compile at once: both plans are right, and one of them stays.
    private RequestPlan CompilePlan()
    {
        RequestPlan plan = RequestPlan.Compile(this);
        Volatile.Write(ref _plan, plan);
        return plan;
    }
}
