using BlockGraph.BlockCore.Drain;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Observability;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Requests;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Graph;

/// <summary>One node of the graph: a driver instance under a name, its edges up and down, its limits and state. <i>QEMU: BlockDriverState.</i></summary>
/// <remarks>
/// Invariants: (1) edge arrays are replaced, never edited, and only with a <see cref="GraphWriteToken"/>; (2) every edge stands
/// in its parent's children and its child's parents; (3) the node lives while somebody holds a reference: each edge from above,
/// the monitor, an operation; (4) the drain count is the number of drains that reach the node.
/// </remarks>
public sealed partial class BlockNode : IChildParent
{
    private BlockDriverInstance? _instance;
    private BlockChild[] _children = [];
    private BlockChild[] _parents = [];
    private long _lengthBytes;
    private NodeMeter? _meter;

    internal BlockNode(NodeGraph graph, string name, BlockDriver driver, AioContext context)
    {
        Graph = graph;
        Name = name;
        Driver = driver;
        Context = context;
        Tracker = new RequestTracker();
        DataRegions = new DataRegionCache(this);
        Work = new InFlightCounter(graph);
    }

    /// <summary>The graph that the node belongs to.</summary>
    public NodeGraph Graph { get; }

    /// <summary>The node's name, for life; one made by the graph begins with <c>#</c>.</summary>
    public string Name { get; }

    /// <summary>True where a user chose the name.</summary>
    public bool IsNamed => Name[0] != '#';

    /// <summary>The driver that opened it.</summary>
    public BlockDriver Driver { get; }

    /// <summary>The opened image.</summary>
    public BlockDriverInstance Instance => _instance ?? throw new InvalidOperationException($"node '{Name}' is not open yet");

    /// <summary>The context that runs the node's requests; it changes only while the node is drained.</summary>
    public AioContext Context { get; private set; }

    /// <summary>The options that the node was opened or reopened with, flat, without those of inline children; what was inherited or defaulted is not in them.</summary>
    public OptionsDictionary ExplicitOptions { get; internal set; } = [];

    /// <summary>The options in effect, flat: the explicit ones, and what was inherited.</summary>
    public OptionsDictionary Options { get; internal set; } = [];

    /// <summary>The file name that the node was opened with, or null.</summary>
    public string? FileName { get; internal set; }

    /// <summary>True where the node refuses writes.</summary>
    public bool IsReadOnly { get; internal set; }

    /// <summary>True where the image belongs to another process for now: nobody writes, and no lock is held.</summary>
    public bool IsInactive { get; internal set; }

    /// <summary>True for a filter that an operation put there without a name of the user's: lists of the chain leave it out.</summary>
    public bool IsImplicit { get; internal set; }

    /// <summary>True where what is read through the node, and lies in a backing node, is copied into the first layer that can hold it: one of its users wants that. <i>QEMU: bs->copy_on_read.</i></summary>
    public bool CopiesOnRead
    {
        get
        {
            foreach (BlockChild edge in _parents)
            {
                if (edge.CopiesOnRead)
                {
                    return true;
                }
            }

            return false;
        }
    }

    /// <summary>True for a node whose user will not have it kept in its place: no link to it can be frozen.</summary>
    public bool NeverFreezes { get; internal set; }

    /// <summary>The generic options in effect.</summary>
    public NodeSettings Settings { get; internal set; } = new();

    /// <summary>True where every user of the node shares everything.</summary>
    public bool ForceShare => Settings.ForceShare;

    /// <summary>True where the format was guessed from the image's contents.</summary>
    public bool IsProbed { get; internal set; }

    /// <summary>The node whose options this one was opened with as an inline child: it is reopened with it. Null for a node of its own.</summary>
    public BlockNode? InheritsFrom { get; internal set; }

    /// <summary>The plain file name that opens what the node has open, with nothing more to say; null where there is none. Main context.</summary>
    public string? ExactFileName => NodeFileName.ExactOf(this);

    /// <summary>A name that the node can be opened by again: a plain file name, or a <c>json:</c> name. Main context.</summary>
    public string ShownFileName => NodeFileName.Of(this);

    /// <summary>The same as if the backing file that the image's header names had not been left out: for an image that is looked at alone. Main context.</summary>
    public string ShownFileNameWithBacking => NodeFileName.OfWithBacking(this);

    /// <summary>What the driver has to tell a person of the node beyond the rest, flat; empty where that is nothing. Main context.</summary>
    public OptionsDictionary Details => HasInstance ? Instance.GetDetails() ?? [] : [];

    /// <summary>The length in bytes.</summary>
    public long LengthBytes => Volatile.Read(ref _lengthBytes);

    /// <summary>What a request to the driver may look like: the driver's wishes and those of its storage children.</summary>
    public BlockLimits Limits { get; private set; } = BlockLimits.Unlimited;

    /// <summary>The edges to the children, in order of attaching.</summary>
    public IReadOnlyList<BlockChild> Children => _children;

    /// <summary>The edges from the users, in order of attaching.</summary>
    public IReadOnlyList<BlockChild> Parents => _parents;

    /// <summary>The child whose data a filter presents, or null.</summary>
    public BlockChild? FilteredChild => FindChild(ChildRole.Filtered);

    /// <summary>The child that supplies what this node has not allocated, or null.</summary>
    public BlockChild? CowChild => FindChild(ChildRole.Cow);

    /// <summary>The child that the node is mainly about, or null.</summary>
    public BlockChild? PrimaryChild => FindChild(ChildRole.Primary);

    /// <summary>The child called <c>file</c>, or null.</summary>
    public BlockChild? FileChild => FindChild("file");

    /// <summary>What all users together need, and what all tolerate.</summary>
    public PermissionSet CumulativePermissions
    {
        get
        {
            PermissionSet sum = PermissionSet.Unused;
            foreach (BlockChild edge in _parents)
            {
                sum = sum.CombineWith(edge.Permissions);
            }

            return sum;
        }
    }

    /// <inheritdoc/>
    public string Description => $"node '{Name}'";

    /// <inheritdoc/>
    BlockNode IChildParent.AsNode => this;

    /// <summary>True where a read-write user may come: neither read-only nor inactive.</summary>
    public bool IsWritable => !IsReadOnly && !IsInactive;

    internal bool HasInstance => _instance is not null;

    /// <summary>The edges as they stand, for walks that must not allocate.</summary>
    internal ReadOnlySpan<BlockChild> ChildSpan => _children;

    /// <inheritdoc cref="ChildSpan"/>
    internal ReadOnlySpan<BlockChild> ParentSpan => _parents;

    /// <summary>The requests in flight at this node.</summary>
    internal RequestTracker Tracker { get; }

    /// <summary>
    /// Divides the node's requests into those that have come and those that will come. For a driver that gives up what requests may still be on their way to: it must not
    /// be used again while <see cref="HasRequestsBefore"/>. At the node's home.
    /// </summary>
    public int MarkRequests() => Tracker.Mark();

    /// <summary>
    /// True where a request that came before <see cref="MarkRequests"/> returned <paramref name="mark"/> is still in flight. Discards, and a length that becomes shorter, are no such requests:
    /// they give up what they meet, however long they take.
    /// </summary>
    public bool HasRequestsBefore(int mark) => Tracker.HasRequestsBefore(mark);

    /// <summary>What is known of where a leaf node has data.</summary>
    internal DataRegionCache DataRegions { get; }

    /// <summary>True where the child whose data it presents was taken away, and no other has come since. Main context.</summary>
    internal bool IsHollow { get; set; }

    /// <summary>True where its requests may be carried out on any context that reaches it.</summary>
    internal bool TakesAnyContext => Tracker.IsShared && Instance.Affinity == RequestAffinity.AnyContext;

    /// <summary>True where a request that is about the node itself may be carried out on the calling context.</summary>
    internal bool IsHere => Context.IsHome || TakesAnyContext;

    /// <summary>What the node does without a request from above. A drain waits for it.</summary>
    internal InFlightCounter Work { get; }

    /// <summary>How many hold the node: edges from above, the monitor, an operation.</summary>
    internal int ReferenceCount { get; private set; }

    /// <summary>True from the node's registration to the end of its closing: it was announced, and so will be its end.</summary>
    internal bool IsAnnounced { get; set; }

    /// <summary>True where a user added the node by name and owns it.</summary>
    internal bool IsMonitorOwned { get; set; }

    /// <summary>The name of the backing node that the header alone led to; null where it was overridden.</summary>
    internal string? AutomaticBackingName { get; set; }

    /// <summary>Above that of every child: the order in which permissions are computed.</summary>
    internal int Rank { get; private set; }

    /// <summary>Counts reopens: what was prepared for an older state is void.</summary>
    internal int Generation { get; set; }

    /// <summary>How far down the node's own driver keeps the chain as it is, from its opening to its closing or dropping; null where it does not. Main context.</summary>
    internal BlockNode? FrozenDownTo { get; set; }

    /// <summary>Told of every request that completes at this node, or null. Set inside a drain, with a new epoch.</summary>
    internal INodeObserver? Observer { get; set; }

    /// <summary>What is counted here while the graph is measured, or null.</summary>
    internal NodeMeter? Meter
    {
        get => Volatile.Read(ref _meter);
        set => Volatile.Write(ref _meter, value);
    }

    /// <summary>The edge called <paramref name="name"/>, or null.</summary>
    public BlockChild? FindChild(string name) => Array.Find(_children, c => c.Name == name);

    /// <summary>The first edge with one of the bits of <paramref name="role"/>, or null.</summary>
    internal BlockChild? FindChild(ChildRole role)
    {
        foreach (BlockChild child in _children)
        {
            if ((child.Role & role) != 0)
            {
                return child;
            }
        }

        return null;
    }

    /// <summary>Puts <paramref name="meter"/> in the place of <paramref name="replaced"/>, and returns what was there. Any context.</summary>
    internal NodeMeter? ExchangeMeter(NodeMeter meter, NodeMeter? replaced) => Interlocked.CompareExchange(ref _meter, meter, replaced);

    internal void SetInstance(BlockDriverInstance instance)
    {
        Invariant.Check(_instance is null);
        instance.Node = this;
        _instance = instance;

        // Its children's requests are counted with its users' from now on.
        Graph.BumpEpoch();
        SyncDrainHook();
    }

    internal void AddReference() => ReferenceCount++;

    /// <summary>Drops a reference; at the last one nobody finds the node any more, and the graph closes it as soon as the control plane can wait.</summary>
    internal void DropReference(GraphWriteToken token)
    {
        Invariant.Check(ReferenceCount > 0);
        ReferenceCount--;
        if (ReferenceCount == 0)
        {
            token.Graph.ScheduleClose(this);
        }
    }

    internal void SetEdges(GraphWriteToken token, BlockChild[] children, BlockChild[] parents)
    {
        Invariant.Check(ReferenceEquals(token.Graph, Graph));
        _children = children;
        _parents = parents;
    }

    /// <summary>Lifts the node, and what is above it, over its children.</summary>
    internal void RaiseRank(GraphWriteToken token)
    {
        Invariant.Check(ReferenceEquals(token.Graph, Graph));
        Stack<BlockNode> open = new([this]);
        while (open.TryPop(out BlockNode? node))
        {
            int rank = node.Rank;
            foreach (BlockChild child in node._children)
            {
                rank = Math.Max(rank, child.Node.Rank + 1);
            }

            if (rank == node.Rank)
            {
                continue;
            }

            node.Rank = rank;
            foreach (BlockChild edge in node._parents)
            {
                if (edge.Parent.AsNode is { } parent)
                {
                    open.Push(parent);
                }
            }
        }
    }

    internal void SetContext(GraphWriteToken token, AioContext context)
    {
        Invariant.Check(ReferenceEquals(token.Graph, Graph));
        Context = context;
    }

    /// <summary>Asks the driver for the length again. A request that made the image longer calls this on its own context.</summary>
    internal void RefreshLength()
    {
        long lengthBytes = Instance.GetLengthBytes();
        if (lengthBytes is < 0 or > BlockLimits.LengthBytesMax)
        {
            throw new BlockException(BlockErrorKind.TooLarge, "Could not refresh total sector count: File too large");
        }

        if (lengthBytes < LengthBytes)
        {
            // Beyond the new end there is nothing; what comes there later may be a hole.
            DataRegions.Clear();
        }

        Volatile.Write(ref _lengthBytes, lengthBytes);
        _bitmaps?.Resize(lengthBytes);
    }

    /// <summary>The same, and tells the users above where it is another.</summary>
    internal void RefreshLengthAndTell()
    {
        long before = LengthBytes;
        RefreshLength();
        if (LengthBytes == before)
        {
            return;
        }

        foreach (BlockChild edge in ParentSpan.ToArray())
        {
            (edge.Parent as IRootParent)?.OnResized(edge);
        }
    }

    /// <summary>Merges the driver's limits with those of its storage children.</summary>
    internal void RefreshLimits()
    {
        BlockLimits limits = Instance.Limits;
        foreach (BlockChild child in _children)
        {
            if ((child.Role & (ChildRole.Data | ChildRole.Filtered | ChildRole.Cow)) != 0)
            {
                limits = limits.MergeBelow(child.Node.Limits);
            }
        }

        limits.Validate(Driver.Name);
        Limits = limits;
    }
}
