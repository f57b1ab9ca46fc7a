using System.Runtime.CompilerServices;
using BlockGraph.BlockCore.Drain;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Events;
using BlockGraph.BlockCore.ObjectModel;
using BlockGraph.BlockCore.Objects;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Throttling;
using BlockGraph.BlockCore.Transactions;

namespace BlockGraph.BlockCore.Graph;

/// <summary>
/// All nodes of one world, and those who use them, by name and in order of creation: where graphs are opened, looked up, changed and
/// closed. <i>QEMU: the global node and backend lists, and block.c.</i>
/// </summary>
/// <remarks>
/// Control plane. Public methods may be called from any thread; they run on the main context. What has to wait is done before a
/// change is validated; from validation to commit nothing is awaited.
/// </remarks>
public sealed partial class NodeGraph : IAsyncDisposable
{
    private readonly NodeGraphOptions _options;

    private readonly Roster<BlockNode> _nodes = new(node => node.Name);
    private readonly Roster<BlockNode> _everyNode = new(_ => null);
    private readonly Roster<IRootParent> _roots = new(root => root.Name);
    private readonly HashSet<string> _reservedNames = new(StringComparer.Ordinal);
    private readonly Queue<BlockNode> _closing = new();
    private readonly List<DrainScope> _drains = [];
    private readonly Stack<ReachedSet> _freeReachedSets = [];
    private Task? _closer;
    private int _epoch = 1;
    private int _nameCounter;
    private int _visitMark;
    private volatile bool _isDisposed;

    /// <summary>An empty graph whose main context is <paramref name="loop"/>'s.</summary>
    /// <param name="loop">Its loop.</param>
    /// <param name="drivers">What nodes can be opened with.</param>
    /// <param name="options">How it is set up.</param>
    /// <param name="objectTypes">What objects can be created, beside those of this library.</param>
    public NodeGraph(MainLoop loop, IEnumerable<BlockDriver> drivers, NodeGraphOptions? options = null, IEnumerable<UserObjectType>? objectTypes = null)
    {
        ArgumentNullException.ThrowIfNull(loop);
        MainContext = loop.Context;
        Drivers = new DriverRegistry(drivers);
        _options = options ?? new NodeGraphOptions();
        ObjectTree = new ObjectTree(this, objectTypes ?? []);
        Buffers = new RegisteredBuffers(this);
    }

    /// <summary>The context that the graph is changed on, and the home of new nodes.</summary>
    public AioContext MainContext { get; }

    /// <summary>The drivers that can be opened.</summary>
    public DriverRegistry Drivers { get; }

    /// <summary>Which semantics the graph follows.</summary>
    public CompatibilityProfile Profile => _options.Profile;

    /// <summary>How files are opened.</summary>
    public HostPlatform Platform => _options.Platform;

    /// <summary>What happens in the graph.</summary>
    public BlockEventBus Events { get; } = new();

    /// <summary>The user-created objects.</summary>
    public ObjectRegistry Objects { get; } = new();

    /// <summary>The user-created objects by type and path: where users create, look at, set and delete them.</summary>
    public ObjectTree ObjectTree { get; }

    /// <summary>The throttle groups.</summary>
    public ThrottleGroupRegistry ThrottleGroups { get; } = new();

    /// <summary>Every node, in order of creation.</summary>
    public IReadOnlyList<BlockNode> Nodes => _nodes.List;

    /// <summary>Everybody whose requests begin here, backends above all, in order of creation.</summary>
    public IReadOnlyList<IRootParent> Roots => _roots.List;

    /// <summary>Rises whenever a request path may have changed; plans of an older epoch are void.</summary>
    public int Epoch
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Volatile.Read(ref _epoch);
    }

    internal bool UsesPlans => _options.UsesPlans;

    internal PseudoFileNameParser? PseudoFileNames => _options.PseudoFileNames;

    internal PseudoFileNameWriter? PseudoFileNameWriter => _options.PseudoFileNameWriter;

    /// <summary>The buffers that drivers are told of. Main context.</summary>
    internal RegisteredBuffers Buffers { get; }

    /// <summary>Every node that is open or being opened, in order of creation. Main context.</summary>
    internal IReadOnlyList<BlockNode> EveryNode => _everyNode.List;

    /// <summary>Those who wait for what a node does on its own. Main context.</summary>
    internal CoQueue WorkDone { get; } = new();

    /// <summary>Whose turn it is to have drivers prepare a reopen: no driver has two pending. Main context.</summary>
    internal CoMutex ReopenTurn { get; } = new();

    /// <summary>Makes every request plan stale: the next request of every edge looks at the graph again. Any thread.</summary>
    public void BumpEpoch()
    {
        // Only equality is asked of epochs: wrapping is meant.
        unchecked
        {
            Interlocked.Increment(ref _epoch);
        }
    }

    /// <summary>The node called <paramref name="name"/>, or null.</summary>
    public BlockNode? FindNode(string name) => _nodes.Find(name);

    /// <summary>The root called <paramref name="name"/>, or null.</summary>
    public IRootParent? FindRoot(string name) => _roots.Find(name);

    /// <summary>The node that a single name means: a backend's root node first, then a node.</summary>
    /// <exception cref="BlockException">Nothing is called so, or the backend has no medium.</exception>
    public BlockNode LookUp(string name)
    {
        if (FindRoot(name) is { } root)
        {
            return root.RootEdge?.Node ?? throw new BlockException(BlockErrorKind.NoMedium, $"Device '{name}' has no medium");
        }

        return FindNode(name) ?? throw new BlockException(BlockErrorKind.NotFound, $"Cannot find device='{name}' nor node-name='{name}'");
    }

    /// <summary>Opens a tree of nodes whose root the graph keeps under its node-name until <see cref="RemoveNodeAsync"/>. <i>QEMU: blockdev-add.</i></summary>
    /// <exception cref="BlockException">The options, the storage or the permissions refuse; the message names which.</exception>
    public Task<BlockNode> AddNodeAsync(OptionsDictionary options, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        return MainContext.RunAsync(() => AddNodeCoreAsync(options, cancel));
    }

    /// <summary>
    /// Changes the graph while it runs: all of <paramref name="edits"/> or none. What must be quiet for them is drained; requests wait meanwhile,
    /// and go on in the new graph. Any thread.
    /// </summary>
    /// <exception cref="BlockException">It is refused; nothing has changed.</exception>
    public Task ApplyAsync(params IReadOnlyList<GraphEdit> edits) => ApplyAsync(edits, CancellationToken.None);

    /// <summary>Changes the graph while it runs; see <see cref="ApplyAsync(IReadOnlyList{GraphEdit})"/>. A change that is cancelled before it is committed has no effect.</summary>
    /// <exception cref="BlockException">It is refused; nothing has changed.</exception>
    public Task ApplyAsync(IReadOnlyList<GraphEdit> edits, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(edits);
        return MainContext.RunAsync(() => GraphChange.RunAsync(this, edits, cancel));
    }

    /// <summary>Says what <paramref name="edits"/> would change and what stands against them. Nothing is drained and nothing changes; nodes that they name are opened and closed again. Any thread.</summary>
    public Task<GraphPlan> PlanAsync(params IReadOnlyList<GraphEdit> edits)
    {
        ArgumentNullException.ThrowIfNull(edits);
        return MainContext.RunAsync(() => GraphChange.PlanAsync(this, edits, CancellationToken.None));
    }

    /// <summary>Waits until nothing is in flight anywhere, and keeps it so until the scope is disposed. Any thread. <i>QEMU: bdrv_drain_all_begin().</i></summary>
    public ValueTask<DrainScope> DrainAllAsync() => DrainScope.BeginAllAsync(this);

    /// <summary>Lets go of a node added by name; it must have no users. <i>QEMU: blockdev-del.</i></summary>
    /// <exception cref="BlockException">It is unknown, in use, or not the graph's to remove.</exception>
    public Task RemoveNodeAsync(string name) => MainContext.RunAsync(() => RemoveNodeCoreAsync(name));

    /// <summary>Closes every root and every node; flushes first.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_isDisposed)
        {
            _isDisposed = true;
            await MainContext.RunAsync(CloseEverythingAsync);
        }
    }

    internal void Step(string name) => _options.StepHook?.Invoke(name);

    /// <summary>Like <see cref="Step(string)"/>, for a step that is <paramref name="doing"/> something to <paramref name="what"/>: without a hook no text is made.</summary>
    internal void Step(string doing, string what) => _options.StepHook?.Invoke($"{doing} {what}");

    /// <summary>Takes a name for a node that is being opened, until it is registered or given back.</summary>
    internal void ReserveName(string name)
    {
        NodeName.Check(this, name);
        if (!_reservedNames.Add(name))
        {
            throw new BlockException(BlockErrorKind.AlreadyExists, $"Duplicate nodes with node-name='{name}'");
        }
    }

    internal void ReleaseName(string name) => _reservedNames.Remove(name);

    /// <summary>A node begins to be: from now on a drain of everything reaches it.</summary>
    internal void Announce(BlockNode node)
    {
        _everyNode.Add(node);
        UpdateDrains();
    }

    internal string GenerateName() => $"#block{_nameCounter++:D3}";

    internal void Register(GraphWriteToken token, BlockNode node)
    {
        Invariant.Check(ReferenceEquals(token.Graph, this));
        _reservedNames.Remove(node.Name);
        _nodes.Add(node);
        node.IsAnnounced = true;
        Events.Publish(new NodeOpened(node.Name, node.Driver.Name));
    }

    internal void Register(IRootParent root) => _roots.Add(root);

    internal void Unregister(IRootParent root) => _roots.Remove(root);

    /// <summary>The node has no user left. Nobody may find it and use it again; its name stays taken until its storage is closed.</summary>
    internal void ScheduleClose(BlockNode node)
    {
        if (node.IsAnnounced)
        {
            _nodes.Remove(node);
            _reservedNames.Add(node.Name);
        }

        _everyNode.Remove(node);
        _closing.Enqueue(node);
        UpdateDrains();
    }

    internal bool IsNameReserved(string name) => _reservedNames.Contains(name);

    /// <summary>The scopes that are alive. Main context.</summary>
    internal IReadOnlyList<DrainScope> Drains => _drains;

    internal void AddDrain(DrainScope scope) => _drains.Add(scope);

    internal void RemoveDrain(DrainScope scope) => _drains.Remove(scope);

    /// <summary>The graph has changed: every scope looks again at what it reaches.</summary>
    internal void UpdateDrains()
    {
        for (int i = 0; i < _drains.Count; i++)
        {
            _drains[i].Update();
        }
    }

    /// <summary>Wants quiet in <paramref name="draft"/> whatever a scope other than <paramref name="hold"/> would newly reach by it.</summary>
    internal void WantNewcomersQuiet(GraphDraft draft, DrainScope hold)
    {
        foreach (DrainScope scope in _drains)
        {
            if (!ReferenceEquals(scope, hold))
            {
                scope.WantNewcomersQuiet(draft);
            }
        }
    }

    /// <summary>A mark that no node carries: a walk marks what it has seen with it.</summary>
    internal int NextVisitMark()
    {
        unchecked
        {
            // Marks only tell neighbouring walks apart: wrapping is meant. Zero is no mark.
            _visitMark++;
            return _visitMark == 0 ? ++_visitMark : _visitMark;
        }
    }

    internal ReachedSet RentReachedSet() => _freeReachedSets.TryPop(out ReachedSet? set) ? set : new ReachedSet(this);

    internal void Return(ReachedSet set)
    {
        set.Clear();
        _freeReachedSets.Push(set);
    }

    internal void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(_isDisposed, this);
}
