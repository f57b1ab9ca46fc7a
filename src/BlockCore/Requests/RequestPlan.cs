using System.Runtime.CompilerServices;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Observability;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Requests;

/// <summary>
/// The compiled path of one edge: the first layer with something to do, what to add to offsets, and what must be checked on the
/// way. It never holds a length, which a growing write changes. It is valid for one epoch of its graph.
/// </summary>
internal sealed class RequestPlan
{
    // Null where requests may be carried out anywhere.
    private readonly AioContext? _home;
    private readonly bool _isDetour;
    private readonly BlockDriverInstance? _debugListener;
    private readonly WatchedNode[] _watched;

    private RequestPlan(
        int epoch, BlockNode target, BlockDriverInstance instance, long shiftBytes, bool passesDiscard, RequestFlags readFlags, bool isDetour, BlockDriverInstance? debugListener, WatchedNode[] watched)
    {
        Epoch = epoch;
        Target = target;
        Instance = instance;
        _home = target.TakesAnyContext ? null : target.Context;
        _isDetour = isDetour;
        ShiftBytes = shiftBytes;
        PassesDiscard = passesDiscard;
        ReadFlags = readFlags;
        PassedReadFlags = RequestFlags.RegisteredBuffer | (Instance.PassesCopyOnRead ? RequestFlags.CopyOnRead | RequestFlags.Prefetch : RequestFlags.None);
        AlignmentMask = target.Limits.RequestAlignmentBytes - 1;
        TransferBytesMax = Math.Min(target.Limits.TransferBytesMax ?? BlockLimits.RequestBytesMax, BlockLimits.RequestBytesMax);
        DetectsZeroes = target.Settings.DetectZeroes != DetectZeroesMode.Off;
        SerialisesWrites = Instance.SerialisesWrites;
        _debugListener = debugListener;
        _watched = watched;
        HasWorkOnWrites = DetectsZeroes || SerialisesWrites || debugListener is not null || watched.Length > 0;
        IsTransparent = target.Driver.Category == DriverCategory.Filter && !MustBePassed(target) && !NeedsTracking(Instance);
        SlowFlags = RequestFlags.Serialising | RequestFlags.ZeroWrite | RequestFlags.WriteCompressed
            | (Instance.PassesCopyOnRead || !target.Driver.SupportsBacking ? RequestFlags.None : RequestFlags.CopyOnRead) | (RequestFlags.Fua & ~Instance.SupportedWriteFlags);
    }

    /// <summary>The graph's epoch that the plan was compiled in.</summary>
    public int Epoch { get; }

    /// <summary>The first node with something to do.</summary>
    public BlockNode Target { get; }

    /// <summary>The target's driver instance, or what stands before it while the graph is measured.</summary>
    public BlockDriverInstance Instance { get; }

    /// <summary>True where a request of the calling context may go on as it is; otherwise it takes a detour: home and back, or counted by itself.</summary>
    public bool IsHere
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => !_isDetour && (_home is null || ReferenceEquals(_home, AioContext.Current));
    }

    /// <summary>What the layers skipped add to an offset, in bytes.</summary>
    public long ShiftBytes { get; }

    /// <summary>True where the target and every layer skipped were opened with discard=unmap.</summary>
    public bool PassesDiscard { get; }

    /// <summary>What reads get on the way: a wish to copy, where a user of the target, or of a layer skipped, has it.</summary>
    public RequestFlags ReadFlags { get; }

    /// <summary>The flags of a read that the target's driver is told.</summary>
    public RequestFlags PassedReadFlags { get; }

    /// <summary>The target's request alignment minus one.</summary>
    public long AlignmentMask { get; }

    /// <summary>The longest request that the target's driver takes, in bytes.</summary>
    public int TransferBytesMax { get; }

    /// <summary>True where the target is a filter without limits or wishes of its own: its requests are tracked, padded and serialised by the first other layer below, so that one that waits for admission blocks nobody.</summary>
    public bool IsTransparent { get; }

    /// <summary>True where buffers of zeros become zero writes.</summary>
    public bool DetectsZeroes { get; }

    /// <summary>True where writes keep every other request for the same bytes waiting.</summary>
    public bool SerialisesWrites { get; }

    /// <summary>True where writes need more of the core than being handed on.</summary>
    public bool HasWorkOnWrites { get; }

    /// <summary>True where somebody listens to debug events.</summary>
    public bool HasDebugListener => _debugListener is not null;

    /// <summary>The flags that the core must work on before the driver sees the request.</summary>
    public RequestFlags SlowFlags { get; }

    /// <summary>Walks down from <paramref name="edge"/> past every layer that has nothing to do.</summary>
    public static RequestPlan Compile(BlockChild edge)
    {
        // Read before anything is looked at: a change during compiling makes the plan stale at once.
        NodeGraph graph = edge.Node.Graph;
        int epoch = graph.Epoch;
        GraphMeters? meters = graph.Meters;
        BlockNode node = edge.Node;
        long shiftBytes = 0;
        bool passesDiscard = node.Settings.DiscardUnmap;
        bool copiesOnRead = node.CopiesOnRead;

        // Every layer above one that listens to debug events raises its own.
        BlockDriverInstance? debugListener = FindDebugListener(node);
        List<WatchedNode>? watched = WatchIfAsked(null, node, shiftBytes);
        while (graph.UsesPlans && meters is null && debugListener is null && !MustBePassed(node) && node.Instance.TryGetIdlePath(out BlockChild? next, out long shift) && next is not null)
        {
            shiftBytes += shift;
            watched = WatchIfAsked(watched, next.Node, shiftBytes);
            node = next.Node;
            passesDiscard &= node.Settings.DiscardUnmap;
            copiesOnRead |= node.CopiesOnRead;
        }

        // While its parent is being opened no user's request covers what goes through the edge.
        bool isDetour = edge.Parent.AsNode is { HasInstance: false };
        RequestFlags readFlags = copiesOnRead ? RequestFlags.CopyOnRead : RequestFlags.None;
        return new RequestPlan(epoch, node, meters?.InstanceFor(edge) ?? node.Instance, shiftBytes, passesDiscard, readFlags, isDetour, debugListener, watched?.ToArray() ?? []);
    }

    /// <summary>The plan of a request that is about the child itself, whatever it may have to do.</summary>
    public static RequestPlan OfOwnNode(BlockChild edge) => new(edge.Node.Graph.Epoch, edge.Node, edge.Node.Instance, 0, false, RequestFlags.None, false, null, []);

    /// <summary>Lets whoever listens hear of <paramref name="debugEvent"/>; the request goes on when the task completes.</summary>
    public ValueTask DebugEventAsync(DebugEvent debugEvent) => _debugListener is null ? default : _debugListener.OnDebugEventAsync(debugEvent);

    /// <summary>The bytes of the target are about to be written: every node on the way, skipped or not, looks at its threshold. Nothing written goes beyond nothing.</summary>
    public void CheckWriteThresholds(long offset, long lengthBytes)
    {
        if (lengthBytes == 0)
        {
            return;
        }

        foreach (WatchedNode watched in _watched)
        {
            watched.Node.CheckWriteThreshold(offset + lengthBytes - ShiftBytes + watched.ShiftBytes);
        }
    }

    private static List<WatchedNode>? WatchIfAsked(List<WatchedNode>? watched, BlockNode node, long shiftBytes)
    {
        if (node.WriteThresholdBytes != 0)
        {
            (watched ??= []).Add(new WatchedNode(node, shiftBytes));
        }

        return watched;
    }

    // The first on the way along what each layer is mainly about.
    private static BlockDriverInstance? FindDebugListener(BlockNode node)
    {
        BlockNode? next = node;
        while (next is not null && !next.Instance.HearsDebugEvents)
        {
            next = next.PrimaryChild?.Node;
        }

        return next?.Instance;
    }

    // Some filters are promised what only the core's work on each request can keep.
    private static bool NeedsTracking(BlockDriverInstance filter) => filter.SerialisesWrites || filter.HearsDebugEvents || filter.Limits != BlockLimits.Unlimited;

    // The core itself has something to do at this node, whatever its driver says. Which layer pads and keeps order must not change while requests are
    // in flight: what is asked here, and of drivers, changes while the node is drained only.
    private static bool MustBePassed(BlockNode node) => node.Observer is not null || node.RecordingBitmaps is not null || node.Settings.DetectZeroes != DetectZeroesMode.Off;

    private readonly record struct WatchedNode(BlockNode Node, long ShiftBytes);
}
