using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.BlockCore.Observability;

/// <summary>
/// One stage of a request that is traced: the request itself, or its time in one layer, with the stages that it had carried out below. Which stage the code that runs belongs to
/// goes along with the execution context, through every wait.
/// </summary>
internal sealed class TraceStage
{
    // A request that is cut into more pieces is told in part.
    private const int StageCountMax = 1000;
    private static readonly AsyncLocal<TraceStage?> s_current = new();

    private readonly TraceStage _root;
    private readonly TraceStage? _outer;
    private readonly List<TraceStage> _below = [];

    // Of the request: how many stages it has, and whether it is over; under its lock, as are all lists.
    private int _stageCount;
    private bool _isOver;

    private TraceStage(TraceStage? root, TraceStage? outer, object owner, RequestKind kind, long offset, long lengthBytes, long startNs)
    {
        _root = root ?? this;
        _outer = outer;
        Owner = owner;
        Kind = kind;
        Offset = offset;
        LengthBytes = lengthBytes;
        StartNs = startNs;
        EndNs = long.MaxValue;
    }

    /// <summary>The user whose request it is, or the node that it is a stage at.</summary>
    public object Owner { get; }

    public RequestKind Kind { get; }

    public long Offset { get; }

    public long LengthBytes { get; }

    public long StartNs { get; }

    /// <summary>When it was over.</summary>
    public long EndNs { get; private set; }

    public Exception? Error { get; private set; }

    /// <summary>What it had carried out by others, in order. Once the request is over.</summary>
    public IReadOnlyList<TraceStage> Below => _below;

    public long ElapsedNs => EndNs - StartNs;

    /// <summary>The time that nothing below was under way, in nanoseconds.</summary>
    public long SelfNs => ElapsedNs - CoveredNs(_below);

    /// <summary>The time that a layer without layers below was at work, in nanoseconds: the storage's.</summary>
    public long DeviceNs => CoveredNs(Leaves(this).Where(leaf => leaf != this));

    /// <summary>True inside a request of <paramref name="user"/> that is traced already.</summary>
    public static bool IsInside(object user) => s_current.Value is { } current && ReferenceEquals(current._root.Owner, user) && !current._root._isOver;

    /// <summary>A request of <paramref name="user"/> begins. To be called in an asynchronous method of its own: what that calls belongs to the request, what called it does not.</summary>
    public static TraceStage BeginRequest(object user, RequestKind kind, long offset, long lengthBytes, long startNs) =>
        s_current.Value = new TraceStage(null, null, user, kind, offset, lengthBytes, startNs);

    /// <summary>A layer is about to be called; null where no request is traced. Until <see cref="Leave"/> what is called belongs to it.</summary>
    public static TraceStage? BeginLayer(BlockNode node, RequestKind kind, long offset, long lengthBytes, long startNs)
    {
        if (s_current.Value is not { } outer)
        {
            return null;
        }

        TraceStage stage = new(outer._root, outer, node, kind, offset, lengthBytes, startNs);
        lock (outer._root._below)
        {
            if (outer._root._isOver || outer._root._stageCount == StageCountMax)
            {
                return null;
            }

            outer._root._stageCount++;
            outer._below.Add(stage);
        }

        s_current.Value = stage;
        return stage;
    }

    /// <summary>The call has returned; it may go on by itself.</summary>
    public void Leave() => s_current.Value = _outer;

    /// <summary>It is over.</summary>
    public void End(long nowNs, Exception? error)
    {
        lock (_root._below)
        {
            if (!_root._isOver)
            {
                EndNs = nowNs;
                Error = error;
                _isOver = ReferenceEquals(_root, this);
            }
        }
    }

    private static IEnumerable<TraceStage> Leaves(TraceStage stage) => stage._below.Count == 0 ? [stage] : stage._below.SelectMany(Leaves);

    // What has not ended lasts as long as the request.
    private long CoveredNs(IEnumerable<TraceStage> stages)
    {
        long coveredNs = 0;
        long untilNs = StartNs;
        foreach (TraceStage stage in stages.OrderBy(s => s.StartNs))
        {
            long endNs = Math.Min(stage.EndNs, EndNs);
            coveredNs += Math.Max(0, endNs - Math.Max(stage.StartNs, untilNs));
            untilNs = Math.Max(untilNs, endNs);
        }

        return coveredNs;
    }
}
