using System.Runtime.CompilerServices;
using BlockGraph.BlockCore.Accounting;
using BlockGraph.BlockCore.Drain;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Requests;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Backend;

/// <summary>
/// What a user of the library holds: the root of a tree of nodes, and the entry of every request. Its methods may be called from
/// any thread; on the backend's own context they cost nothing extra. <i>QEMU: BlockBackend.</i>
/// </summary>
/// <remarks>
/// Every request is checked against the image's length, the backend's permissions and its cancellation before it has an effect,
/// counted in flight, held back while the tree is drained, and accounted. Dispose it to flush and let go of the tree.
/// </remarks>
public sealed partial class BlockBackend : IRootParent
{
    private readonly RequestLane _lane;
    private BlockChild? _root;
    private int _isDisposed;

    internal BlockBackend(NodeGraph graph, string? name, AioContext context)
    {
        Graph = graph;
        Name = name;
        Context = context;
        _lane = new RequestLane(context);
    }

    /// <summary>The graph that the backend belongs to.</summary>
    public NodeGraph Graph { get; }

    /// <summary>The backend's name, or null.</summary>
    public string? Name { get; }

    /// <summary>The context that carries its requests out.</summary>
    public AioContext Context { get; }

    /// <summary>The root node, or null where there is no medium.</summary>
    public BlockNode? Root => _root?.Node;

    /// <summary>The edge to the root node, or null where there is no medium.</summary>
    public BlockChild? RootEdge => _root;

    /// <summary>The image's length in bytes; 0 where there is no medium.</summary>
    public long LengthBytes => _root?.Node.LengthBytes ?? 0;

    /// <summary>True where the backend may not write.</summary>
    public bool IsReadOnly => (_root?.Permissions.Required & BlockPermissions.Write) is null or BlockPermissions.None;

    /// <summary>How many requests are between submission and completion. Exact on the backend's context.</summary>
    public int InFlightCount => _lane.InFlightCount;

    /// <inheritdoc/>
    public string Description => Name is null ? "an unnamed block device" : $"block device '{Name}'";

    /// <inheritdoc/>
    BlockNode? IChildParent.AsNode => null;

    /// <summary>Reads exactly the buffer's length at <paramref name="offset"/>.</summary>
    /// <exception cref="BlockException">The range lies outside the image, or the read failed.</exception>
    public ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags = RequestFlags.None, CancellationToken cancel = default) =>
        Submit(RequestKind.Read, offset, buffer, flags, cancel);

    /// <summary>Writes exactly the buffer's length at <paramref name="offset"/>.</summary>
    /// <exception cref="BlockException">The range lies outside the image, the backend is read-only, or the write failed.</exception>
    public ValueTask WriteAsync(long offset, IoVector buffer, RequestFlags flags = RequestFlags.None, CancellationToken cancel = default) =>
        Submit(RequestKind.Write, offset, buffer, flags, cancel);

    /// <summary>Makes a range read as zeros.</summary>
    /// <exception cref="BlockException">The range lies outside the image, the backend is read-only, or the write failed.</exception>
    public ValueTask WriteZeroesAsync(long offset, long length, RequestFlags flags = RequestFlags.None, CancellationToken cancel = default) =>
        SubmitRange(RequestKind.WriteZeroes, offset, length, flags, cancel);

    /// <summary>Lets go of a range, where the tree was opened with discard=unmap and can; otherwise nothing happens.</summary>
    /// <exception cref="BlockException">The range lies outside the image, the backend is read-only, or the discard failed.</exception>
    public ValueTask DiscardAsync(long offset, long length, CancellationToken cancel = default) =>
        SubmitRange(RequestKind.Discard, offset, length, RequestFlags.None, cancel);

    /// <summary>Makes every completed write durable.</summary>
    /// <exception cref="BlockException">The flush failed.</exception>
    public ValueTask FlushAsync(CancellationToken cancel = default) => SubmitRange(RequestKind.Flush, 0, 0, RequestFlags.None, cancel);

    /// <summary>What is known of a range, from <paramref name="offset"/> on.</summary>
    public async ValueTask<BlockStatus> GetStatusAsync(long offset, long length, BlockStatusQuery wanted = BlockStatusQuery.Everything, CancellationToken cancel = default)
    {
        BlockStatus result = default;
        await Context.RunAsync(async () => result = await RunStatus(wanted, offset, length, cancel));
        return result;
    }

    /// <summary>What requests of <paramref name="kind"/> have added up to. Exact on the backend's context.</summary>
    public RequestCounters GetCounters(RequestKind kind) => _lane.CountersOf(kind);

    /// <summary>Waits until nothing is in flight in the tree and keeps it so until the scope is disposed; throttled requests are released.</summary>
    public Task<DrainScope> DrainAsync() => DrainScope.BeginAsync(RootOrThrow().Node, DrainReach.Subtree);

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

    /// <summary>The closing that is under way or over, or null. Main context.</summary>
    private Task? Closing { get; set; }

    internal void SetRoot(BlockChild? root) => _root = root;

    /// <inheritdoc/>
    void IRootParent.StartDrained() => _lane.GateCount++;

    /// <inheritdoc/>
    async Task IRootParent.DrainedBeginAsync()
    {
        await Context.SwitchTo();
        _lane.GateCount++;
        await Graph.MainContext.SwitchTo();
    }

    /// <inheritdoc/>
    async Task IRootParent.DrainedPollAsync()
    {
        await Context.SwitchTo();
        while (_lane.InFlightCount != 0)
        {
            await _lane.Idle.WaitAsync();
        }

        await Graph.MainContext.SwitchTo();
    }

    /// <inheritdoc/>
    async Task IRootParent.DrainedEndAsync()
    {
        await Context.SwitchTo();
        Invariant.Check(_lane.GateCount > 0);
        if (--_lane.GateCount == 0)
        {
            _lane.Held.WakeAll();
        }

        await Graph.MainContext.SwitchTo();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ValueTask Submit(RequestKind kind, long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
    {
        RequestLane lane = _lane;
        if (!lane.Context.IsHome)
        {
            return SubmitForeign(kind, offset, buffer, flags, cancel);
        }

        if (lane.GateCount != 0)
        {
            return SubmitHeld(kind, offset, buffer, flags, cancel);
        }

        BlockChild? root = _root;
        if (root is null)
        {
            return ValueTask.FromException(NoMedium());
        }

        long lengthBytes = root.Node.LengthBytes;
        if (offset < 0 || lengthBytes - offset < buffer.Length || cancel.IsCancellationRequested
            || (kind == RequestKind.Write && (root.Permissions.Required & BlockPermissions.Write) == 0))
        {
            return Refuse(root, kind, offset, buffer.Length, cancel);
        }

        RequestPlan plan = root.Plan();
        return BlockRequest.Start(lane, plan, kind, offset + plan.ShiftBytes, buffer, flags, cancel);
    }
}
