using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Transactions;

namespace BlockGraph.BlockCore.Drain;

/// <summary>
/// Keeps a part of the graph quiet until it is disposed: no request of any user above it is in flight, new ones wait at their backends.
/// Scopes nest; each waits. <i>QEMU: bdrv_drained_begin() and bdrv_drained_end().</i>
/// </summary>
/// <remarks>
/// Invariants: (1) a scope says what it reaches as a function of the graph: after every change of the graph it is asked again,
/// and what it newly reaches is counted in, what it no longer reaches is counted out; (2) begin never waits in the middle: everything is
/// told first and waited for once, so what ends while it waits may change the graph; (3) what a change brings under a scope
/// that has begun is quiet already.
/// </remarks>
public sealed partial class DrainScope : IAsyncDisposable
{
    private readonly NodeGraph _graph;
    private Seed _firstSeed;
    private List<Seed>? _moreSeeds;
    private HashSet<object>? _moreSubjects;
    private ReachedSet? _reached;
    private int _version;
    private bool _isEnded;

    private DrainScope(NodeGraph graph, Seed seed)
    {
        _graph = graph;
        _firstSeed = seed;
    }

    /// <summary>Drains <paramref name="node"/>; any thread. Idle nodes of the main context are drained at once.</summary>
    public static ValueTask<DrainScope> BeginAsync(BlockNode node, DrainReach reach = DrainReach.Node)
    {
        ArgumentNullException.ThrowIfNull(node);
        return new DrainScope(node.Graph, new Seed(node, reach == DrainReach.Subtree ? SeedKind.Subtree : SeedKind.Node)).BeginAsync();
    }

    /// <summary>Drains everything in <paramref name="graph"/>, and whatever comes to it until the end; any thread. <i>QEMU: bdrv_drain_all_begin().</i></summary>
    public static ValueTask<DrainScope> BeginAllAsync(NodeGraph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        return new DrainScope(graph, new Seed(graph, SeedKind.All)).BeginAsync();
    }

    /// <summary>
    /// Quiets one user: its own requests finish, with whatever waits below it let go; other users of the same nodes
    /// are not held up. Main context.
    /// </summary>
    internal static ValueTask<DrainScope> BeginUserAsync(NodeGraph graph, IRootParent user) => new DrainScope(graph, new Seed(user, SeedKind.User)).BeginAsync();

    /// <summary>A scope that reaches nothing yet; <see cref="ExtendAsync"/> adds to it. Main context.</summary>
    internal static DrainScope CreateHold(NodeGraph graph)
    {
        DrainScope hold = new(graph, default);
        hold.Start();
        return hold;
    }

    /// <summary>Lets requests flow again; any thread.</summary>
    public ValueTask DisposeAsync()
    {
        if (_isEnded)
        {
            return default;
        }

        _isEnded = true;
        if (!_graph.MainContext.IsHome)
        {
            return new ValueTask(_graph.MainContext.RunAsync(EndAsync));
        }

        if (HasForeignNode())
        {
            return new ValueTask(EndAsync());
        }

        EndNodes();
        EndUsers();
        return default;
    }

    /// <summary>True where everything that <paramref name="draft"/> wants quiet was asked for here.</summary>
    internal bool Covers(GraphDraft draft)
    {
        foreach (BlockNode node in draft.QuietNodes)
        {
            if (!HasSeed(node))
            {
                return false;
            }
        }

        foreach (IRootParent user in draft.QuietUsers)
        {
            if (!HasSeed(user))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Reaches what <paramref name="draft"/> wants quiet as well, and waits for it.</summary>
    internal async Task ExtendAsync(GraphDraft draft)
    {
        foreach (BlockNode node in draft.QuietNodes)
        {
            AddSeed(new Seed(node, SeedKind.Node));
        }

        foreach (IRootParent user in draft.QuietUsers)
        {
            AddSeed(new Seed(user, SeedKind.User));
        }

        Update();
        await WaitAsync();
    }

    /// <summary>True where no node that it reaches does anything on its own now. Main context.</summary>
    internal bool IsFreeOfWork
    {
        get
        {
            foreach (BlockNode node in _reached!.Nodes)
            {
                if (!node.Work.IsZero)
                {
                    return false;
                }
            }

            return true;
        }
    }

    /// <summary>Waits until everything that it reaches is quiet again. Main context.</summary>
    internal Task WaitForWorkAsync() => WaitAsync();

    /// <summary>The graph is another: counts in what is reached now, and counts out what is not. Main context.</summary>
    internal void Update()
    {
        ReachedSet old = _reached!;
        ReachedSet now = CollectNow();
        _reached = now;
        _version++;
        ApplyDifference(old, now);
        _graph.Return(old);
    }

    /// <summary>What the scope should reach, looked up anew; the caller returns the set to the graph. Main context.</summary>
    internal ReachedSet CollectNow()
    {
        ReachedSet now = _graph.RentReachedSet();
        Collect(now, null);
        return now;
    }

    /// <summary>Wants quiet in <paramref name="draft"/> whatever this scope would newly reach by it.</summary>
    internal void WantNewcomersQuiet(GraphDraft draft)
    {
        ReachedSet then = _graph.RentReachedSet();
        Collect(then, draft);
        int kept = _graph.NextVisitMark();
        foreach (BlockNode node in _reached!.Nodes)
        {
            node.VisitMark = kept;
        }

        foreach (BlockChild edge in _reached.Edges)
        {
            edge.VisitMark = kept;
        }

        foreach (BlockNode node in then.Nodes)
        {
            if (node.VisitMark != kept)
            {
                draft.WantQuiet(node);
            }
        }

        foreach (BlockChild edge in then.Edges)
        {
            if (edge.VisitMark != kept && edge.Parent is IRootParent user && !draft.Attached.Contains(edge))
            {
                draft.WantQuiet(user);
            }
        }

        _graph.Return(then);
    }

    private ValueTask<DrainScope> BeginAsync()
    {
        if (!_graph.MainContext.IsHome)
        {
            return new ValueTask<DrainScope>(_graph.MainContext.RunAsync(() => BeginAsync().AsTask()));
        }

        Start();
        return IsQuiet() ? new ValueTask<DrainScope>(this) : BeginAndWaitAsync();
    }

    private async ValueTask<DrainScope> BeginAndWaitAsync()
    {
        await WaitAsync();
        return this;
    }

    private void Start()
    {
        _reached = _graph.RentReachedSet();
        Collect(_reached, null);
        BeginCounted(_reached);

        // From here on the scope follows the graph.
        _graph.AddDrain(this);
    }

    private static void BeginCounted(ReachedSet reached)
    {
        foreach (BlockNode node in reached.Nodes)
        {
            node.QuiesceBegin();
        }

        foreach (BlockNode node in reached.Released)
        {
            node.ReleaseBegin();
        }

        foreach (BlockChild edge in reached.Edges)
        {
            ((IRootParent)edge.Parent).DrainedBegin();
        }
    }

    // True where a single look on the main context shows that nothing is in flight.
    private bool IsQuiet()
    {
        foreach (BlockNode node in _reached!.Nodes)
        {
            if (!node.Work.IsZero || !node.Context.IsHome)
            {
                return false;
            }
        }

        foreach (BlockChild edge in _reached.Edges)
        {
            if (!((IRootParent)edge.Parent).IsKnownQuiet)
            {
                return false;
            }
        }

        return true;
    }

    // Until a whole pass over everything has found nothing busy, and the graph has stayed as it was meanwhile.
    private async Task WaitAsync()
    {
        bool wasBusy;
        do
        {
            int version = _version;
            wasBusy = await WaitForUsersAsync(version) | await WaitForNodesAsync(version) | version != _version;
        }
        while (wasBusy);
    }

    private async ValueTask<bool> WaitForUsersAsync(int version)
    {
        bool wasBusy = false;
        for (int i = 0; version == _version && i < _reached!.Edges.Count; i++)
        {
            wasBusy |= await ((IRootParent)_reached.Edges[i].Parent).DrainedPollAsync();
        }

        return wasBusy;
    }

    private async ValueTask<bool> WaitForNodesAsync(int version)
    {
        bool wasBusy = false;
        AioContext? visited = _graph.MainContext;
        for (int i = 0; version == _version && i < _reached!.Nodes.Count; i++)
        {
            BlockNode node = _reached.Nodes[i];
            while (!node.Work.IsZero)
            {
                wasBusy = true;
                await _graph.WorkDone.WaitAsync();
            }

            if (!ReferenceEquals(node.Context, visited))
            {
                // The driver is told at home; its hook may be running there until this comes back.
                visited = node.Context;
                await visited.SwitchTo();
                await _graph.MainContext.SwitchTo();
            }

            while (node.IsHookQueued)
            {
                wasBusy = true;
                await node.Context.SwitchTo();
                await _graph.MainContext.SwitchTo();
            }
        }

        return wasBusy;
    }

    private void Collect(ReachedSet reached, GraphDraft? draft)
    {
        reached.Start();
        Collect(_firstSeed, reached, draft);
        if (_moreSeeds is not null)
        {
            foreach (Seed seed in _moreSeeds)
            {
                Collect(seed, reached, draft);
            }
        }
    }

    private static void Collect(Seed seed, ReachedSet reached, GraphDraft? draft)
    {
        switch (seed.Kind)
        {
            case SeedKind.Node:
                reached.AddAbove((BlockNode)seed.Subject!, draft);
                break;
            case SeedKind.Subtree:
                reached.AddSubtree((BlockNode)seed.Subject!, draft);
                break;
            case SeedKind.All:
                reached.AddAll(draft);
                break;
            case SeedKind.User:
                reached.AddUser((IRootParent)seed.Subject!, draft);
                break;
            case SeedKind.Nothing:
                break;
        }
    }

    private bool HasSeed(object subject) => ReferenceEquals(_firstSeed.Subject, subject) || _moreSubjects?.Contains(subject) == true;

    private void AddSeed(Seed seed)
    {
        if (!HasSeed(seed.Subject!))
        {
            (_moreSubjects ??= new(ReferenceEqualityComparer.Instance)).Add(seed.Subject!);
            (_moreSeeds ??= []).Add(seed);
        }
    }
}
