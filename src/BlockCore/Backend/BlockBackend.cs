using BlockGraph.BlockCore.Drain;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Observability;
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
public sealed partial class BlockBackend : IRootParent, IContextual, ISharingParent, IAccountedRoot
{
    private readonly BackendOptions _options;

    // The home lane first, then one for each context that submits directly. Replaced, never edited, while the backend is drained.
    private RequestLane[] _lanes;
    private RequestLane _homeLane;
    private BlockChild? _edge;

    // The same edge, as requests see it: null while an open tray lies in between.
    private BlockChild? _root;
    private int _isDisposed;

    internal BlockBackend(NodeGraph graph, BackendOptions options, AioContext context)
    {
        Graph = graph;
        _options = options;
        Permissions = options.ToPermissions(graph.Profile.WritableBackendsShareWrite);
        CopiesOnRead = options.CopyOnRead;
        _timing = CreateTiming(options, context.ReadNowNs());
        _homeLane = new RequestLane(context, _timing);
        _lanes = [_homeLane];
        Blocking = new BlockingRequests(this);
        ReadErrorPolicy = options.ReadErrorPolicy;
        WriteErrorPolicy = options.WriteErrorPolicy;
        UpdateObstacles();
    }

    /// <summary>The graph that the backend belongs to.</summary>
    public NodeGraph Graph { get; }

    /// <summary>The same backend for code that cannot await.</summary>
    public BlockingRequests Blocking { get; }

    /// <summary>The backend's name, or null.</summary>
    public string? Name => _options.Name;

    /// <summary>The context that carries its requests out, unless their own context was told to.</summary>
    public AioContext Context => Volatile.Read(ref _homeLane).Context;

    /// <summary>The contexts that submit directly, the home first.</summary>
    public IReadOnlyList<AioContext> Submitters => [.. Volatile.Read(ref _lanes).Select(lane => lane.Context)];

    /// <summary>The root node, or null where there is no medium.</summary>
    public BlockNode? Root => RootEdge?.Node;

    /// <summary>The edge to the root node, or null where there is no medium.</summary>
    public BlockChild? RootEdge => Volatile.Read(ref _edge);

    /// <summary>What the backend asks of its root node, and lets others do, whether or not there is one.</summary>
    public PermissionSet Permissions { get; private set; }

    /// <summary>The image's length in bytes; 0 where there is no medium that can be reached.</summary>
    public long LengthBytes => Reachable?.LengthBytes ?? 0;

    /// <summary>True where the backend may not write.</summary>
    public bool IsReadOnly => (RootEdge?.Permissions.Required & BlockPermissions.Write) is null or BlockPermissions.None;

    /// <summary>How many requests are between submission and completion. Exact on the backend's context, where that is the only one that submits.</summary>
    public int InFlightCount
    {
        get
        {
            int sum = 0;
            foreach (RequestLane lane in Volatile.Read(ref _lanes))
            {
                sum += lane.InFlightCount;
            }

            return sum;
        }
    }

    /// <summary>True where requests find a medium: there is one, and no open tray before it.</summary>
    internal bool HasReachableMedium => Reachable is not null;

    private BlockChild? Reachable => Volatile.Read(ref _root);

    /// <inheritdoc/>
    public string Description => Name is null ? "an unnamed block device" : $"block device '{Name}'";

    /// <inheritdoc/>
    BlockNode? IChildParent.AsNode => null;

    /// <inheritdoc/>
    AioContext IContextual.HomeContext => Context;

    /// <inheritdoc/>
    bool ISharingParent.HasManySubmitters => Volatile.Read(ref _lanes).Length > 1;

    /// <summary>
    /// Reads exactly the buffer's length at <paramref name="offset"/>. With <see cref="RequestFlags.CopyOnRead"/> what lies in a backing node is copied up; with
    /// <see cref="RequestFlags.Prefetch"/> as well nothing else happens, and what the buffer holds afterwards is undefined.
    /// </summary>
    /// <exception cref="Errors.BlockException">The range lies outside the image, the backend may not copy, or the read failed.</exception>
    public ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags = RequestFlags.None, CancellationToken cancel = default) =>
        (flags & RequestFlags.CopyOnRead) == 0 ? Submit(RequestKind.Read, offset, buffer, flags, cancel) : SubmitCopying(offset, buffer, flags, cancel);

    /// <summary>Writes exactly the buffer's length at <paramref name="offset"/>.</summary>
    /// <exception cref="Errors.BlockException">The range lies outside the image, the backend is read-only, or the write failed.</exception>
    public ValueTask WriteAsync(long offset, IoVector buffer, RequestFlags flags = RequestFlags.None, CancellationToken cancel = default) =>
        Submit(RequestKind.Write, offset, buffer, flags, cancel);

    /// <summary>Makes a range read as zeros.</summary>
    /// <exception cref="Errors.BlockException">The range lies outside the image, the backend is read-only, or the write failed.</exception>
    public ValueTask WriteZeroesAsync(long offset, long length, RequestFlags flags = RequestFlags.None, CancellationToken cancel = default) =>
        SubmitRange(RequestKind.WriteZeroes, offset, length, flags, cancel);

    /// <summary>Lets go of a range, where the tree was opened with discard=unmap and can; otherwise nothing happens.</summary>
    /// <exception cref="Errors.BlockException">The range lies outside the image, the backend is read-only, or the discard failed.</exception>
    public ValueTask DiscardAsync(long offset, long length, CancellationToken cancel = default) =>
        SubmitRange(RequestKind.Discard, offset, length, RequestFlags.None, cancel);

    /// <summary>Makes every completed write durable.</summary>
    /// <exception cref="Errors.BlockException">The flush failed.</exception>
    public ValueTask FlushAsync(CancellationToken cancel = default) => SubmitRange(RequestKind.Flush, 0, 0, RequestFlags.None, cancel);

    /// <summary>What is known of a range, from <paramref name="offset"/> on.</summary>
    public ValueTask<BlockStatus> GetStatusAsync(long offset, long length, BlockStatusQuery wanted = BlockStatusQuery.Everything, CancellationToken cancel = default) =>
        RunUncounted(root => root.GetStatusAsync(wanted, offset, length, cancel), cancel);

    /// <summary>Which layer of the chain has a range, from <paramref name="offset"/> on: the root node, or one below it down to <paramref name="baseNode"/>.</summary>
    /// <param name="offset">Where the range begins, in bytes.</param>
    /// <param name="length">How long it is.</param>
    /// <param name="baseNode">Where to stop; null for the chain's end.</param>
    /// <param name="includesBase">True to ask <paramref name="baseNode"/> too.</param>
    /// <param name="wanted">What is wanted.</param>
    /// <param name="cancel">Ends it between two layers.</param>
    /// <exception cref="Errors.BlockException"><paramref name="baseNode"/> is not in the chain, or a driver could not answer.</exception>
    public ValueTask<ChainStatus> GetStatusAboveAsync(
        long offset, long length, BlockNode? baseNode = null, bool includesBase = false, BlockStatusQuery wanted = BlockStatusQuery.Everything, CancellationToken cancel = default) =>
        RunUncounted(root => root.GetStatusAboveAsync(baseNode, includesBase, wanted, offset, length, cancel), cancel);

    /// <summary>Waits until nothing is in flight in the tree and keeps it so until the scope is disposed; throttled requests are released.</summary>
    public ValueTask<DrainScope> DrainAsync() => DrainScope.BeginAsync((RootEdge ?? throw NoMedium()).Node, DrainReach.Subtree);
}
