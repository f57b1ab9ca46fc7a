using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
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
public sealed class BlockNode : IChildParent
{
    private BlockDriverInstance? _instance;
    private BlockChild[] _children = [];
    private BlockChild[] _parents = [];
    private long _lengthBytes;
    private bool _isClosed;

    internal BlockNode(NodeGraph graph, string name, BlockDriver driver, AioContext context)
    {
        Graph = graph;
        Name = name;
        Driver = driver;
        Context = context;
        Tracker = new RequestTracker();
    }

    /// <summary>The graph that the node belongs to.</summary>
    public NodeGraph Graph { get; }

    /// <summary>The node's name; one made by the graph begins with <c>#</c>.</summary>
    public string Name { get; }

    /// <summary>True where a user chose the name.</summary>
    public bool IsNamed => Name[0] != '#';

    /// <summary>The driver that opened it.</summary>
    public BlockDriver Driver { get; }

    /// <summary>The opened image.</summary>
    public BlockDriverInstance Instance => _instance ?? throw new InvalidOperationException($"node '{Name}' is not open yet");

    /// <summary>The context that runs the node's requests.</summary>
    public AioContext Context { get; internal set; }

    /// <summary>The options that the node was opened with, without those of inline children, flat; what was inherited or defaulted is not in them.</summary>
    public OptionsDictionary ExplicitOptions { get; internal set; } = [];

    /// <summary>The file name that the node was opened with, or null.</summary>
    public string? FileName { get; internal set; }

    /// <summary>True where the node refuses writes.</summary>
    public bool IsReadOnly { get; internal set; }

    /// <summary>The generic options that the node was opened with.</summary>
    public NodeSettings Settings { get; internal set; } = new();

    /// <summary>True where every user of the node shares everything.</summary>
    public bool ForceShare => Settings.ForceShare;

    /// <summary>True where the format was guessed from the image's contents.</summary>
    public bool IsProbed { get; internal set; }

    /// <summary>The length in bytes.</summary>
    public long LengthBytes => Volatile.Read(ref _lengthBytes);

    /// <summary>What a request to the driver may look like: the driver's wishes and those of its storage children.</summary>
    public BlockLimits Limits { get; private set; } = BlockLimits.Unlimited;

    /// <summary>The edges to the children, in order of attaching.</summary>
    public IReadOnlyList<BlockChild> Children => _children;

    /// <summary>The edges from the users, in order of attaching.</summary>
    public IReadOnlyList<BlockChild> Parents => _parents;

    /// <summary>The child whose data a filter presents, or null.</summary>
    public BlockChild? FilteredChild => Array.Find(_children, c => (c.Role & ChildRole.Filtered) != 0);

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

    /// <summary>How many drains reach the node now.</summary>
    public int QuiesceCount { get; private set; }

    /// <inheritdoc/>
    public string Description => $"node '{Name}'";

    /// <inheritdoc/>
    BlockNode IChildParent.AsNode => this;

    /// <summary>The requests in flight at this node.</summary>
    internal RequestTracker Tracker { get; }

    /// <summary>How many hold the node: edges from above, the monitor, an operation.</summary>
    internal int ReferenceCount { get; private set; }

    /// <summary>True from the node's registration to the end of its closing: it was announced, and so will be its end.</summary>
    internal bool IsAnnounced { get; set; }

    /// <summary>True where a user added the node by name and owns it.</summary>
    internal bool IsMonitorOwned { get; set; }

    /// <summary>Told of every request that completes at this node, or null. Set inside a drain, with a new epoch.</summary>
    internal INodeObserver? Observer { get; set; }

    /// <summary>The edge called <paramref name="name"/>, or null.</summary>
    public BlockChild? FindChild(string name) => Array.Find(_children, c => c.Name == name);

    internal void SetInstance(BlockDriverInstance instance)
    {
        Invariant.Check(_instance is null);
        instance.Node = this;
        _instance = instance;
        if (QuiesceCount > 0)
        {
            // Its child was drained while it was being opened.
            instance.DrainBegin();
        }
    }

    /// <summary>Closes the instance, if there is one. From now on the driver hears of nothing, not even of the end of a drain.</summary>
    internal ValueTask CloseInstanceAsync()
    {
        _isClosed = true;
        return HasInstance ? Instance.CloseAsync() : default;
    }

    internal bool HasInstance => _instance is not null;

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

    internal void LinkChild(GraphWriteToken token, BlockChild edge)
    {
        Invariant.Check(ReferenceEquals(edge.Parent, this));
        _children = [.. _children, edge];
        token.Graph.BumpEpoch();
    }

    internal void UnlinkChild(GraphWriteToken token, BlockChild edge)
    {
        Invariant.Check(Array.IndexOf(_children, edge) >= 0);
        _children = Array.FindAll(_children, c => !ReferenceEquals(c, edge));
        token.Graph.BumpEpoch();
    }

    internal void LinkParent(GraphWriteToken token, BlockChild edge)
    {
        Invariant.Check(ReferenceEquals(edge.Node, this));
        _parents = [.. _parents, edge];
        token.Graph.BumpEpoch();
    }

    internal void UnlinkParent(GraphWriteToken token, BlockChild edge)
    {
        Invariant.Check(Array.IndexOf(_parents, edge) >= 0);
        _parents = Array.FindAll(_parents, c => !ReferenceEquals(c, edge));
        token.Graph.BumpEpoch();
    }

    /// <summary>Asks the driver for the length again. A request that made the image longer calls this on its own context.</summary>
    internal void RefreshLength()
    {
        long lengthBytes = Instance.GetLengthBytes();
        if (lengthBytes is < 0 or > BlockLimits.LengthBytesMax)
        {
            throw new BlockException(BlockErrorKind.TooLarge, "Could not refresh total sector count: File too large");
        }

        Volatile.Write(ref _lengthBytes, lengthBytes);
    }

    /// <summary>Merges the driver's limits with those of its storage children: the coarser alignment, the shorter maximum.</summary>
    internal void RefreshLimits()
    {
        BlockLimits limits = Instance.Limits;
        foreach (BlockChild child in _children)
        {
            if ((child.Role & (ChildRole.Data | ChildRole.Filtered | ChildRole.Cow)) == 0)
            {
                continue;
            }

            BlockLimits below = child.Node.Limits;
            limits = limits with
            {
                RequestAlignmentBytes = Math.Max(limits.RequestAlignmentBytes, below.RequestAlignmentBytes),
                MemoryAlignmentBytes = Math.Max(limits.MemoryAlignmentBytes, below.MemoryAlignmentBytes),
                TransferBytesMax = limits.TransferBytesMax is null ? below.TransferBytesMax
                    : below.TransferBytesMax is null ? limits.TransferBytesMax
                    : Math.Min(limits.TransferBytesMax.Value, below.TransferBytesMax.Value),
            };
        }

        limits.Validate(Driver.Name);
        Limits = limits;
    }

    internal void QuiesceBegin()
    {
        if (QuiesceCount++ == 0 && HasInstance && !_isClosed)
        {
            Instance.DrainBegin();
        }
    }

    internal void QuiesceEnd()
    {
        Invariant.Check(QuiesceCount > 0);
        if (--QuiesceCount == 0 && HasInstance && !_isClosed)
        {
            Instance.DrainEnd();
        }
    }
}
