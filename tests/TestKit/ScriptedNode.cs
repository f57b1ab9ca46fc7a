using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.TestKit;

/// <summary>The script of one node of <see cref="ScriptedProtocol"/>: which requests wait for the test, which fail, what it answers.</summary>
public sealed class ScriptedNode
{
    private readonly ScriptedProtocol _script;
    private readonly HashSet<RequestKind> _held = [RequestKind.Read, RequestKind.Write];
    private readonly Dictionary<RequestKind, BlockErrorKind> _failing = [];
    private readonly List<PendingRequest> _pending = [];
    private readonly List<ScriptedLength> _lengths = [];

    internal ScriptedNode(ScriptedProtocol script, string name, long lengthBytes)
    {
        _script = script;
        Name = name;
        LengthBytes = lengthBytes;
    }

    /// <summary>The node's name.</summary>
    public string Name { get; }

    /// <summary>The node's requests that have arrived and not been completed, in order of arrival.</summary>
    public IReadOnlyList<PendingRequest> Pending => _pending;

    /// <summary>How many requests have arrived.</summary>
    public int ArrivedCount { get; private set; }

    /// <summary>How many of them were flushes.</summary>
    public int FlushCount { get; private set; }

    /// <summary>How often the driver was told of a drain's beginning.</summary>
    public int DrainBeginCount { get; private set; }

    /// <summary>How often the driver was told of a drain's end.</summary>
    public int DrainEndCount { get; private set; }

    /// <summary>True between the two.</summary>
    public bool IsDrained => DrainBeginCount > DrainEndCount;

    /// <summary>True from the closing on.</summary>
    public bool IsClosed { get; private set; }

    /// <summary>The length in bytes; a graph asks for it after opening, and after a change of length that came through it.</summary>
    public long LengthBytes { get; set; }

    /// <summary>True where the node can be given another length. It gets it at once.</summary>
    public bool CanResize { get; set; }

    /// <summary>The flags of a change of length that the driver carries out itself.</summary>
    public RequestFlags SupportedLengthFlags { get; set; }

    /// <summary>Called before the node gets another length, with it; what it returns is waited for, and may fail the change.</summary>
    public Func<ScriptedLength, ValueTask>? Resizing { get; set; }

    /// <summary>The lengths that the node was given, in order.</summary>
    public IReadOnlyList<ScriptedLength> Lengths => _lengths;

    /// <summary>True where the driver takes zero writes; otherwise the core writes buffers of zeros.</summary>
    public bool TakesZeroes { get; set; }

    /// <summary>True where the driver takes discards; otherwise nothing happens to them.</summary>
    public bool TakesDiscards { get; set; }

    /// <summary>The write flags that the driver carries out itself. Set before the node is used, or with a new epoch.</summary>
    public RequestFlags SupportedWriteFlags { get; set; }

    /// <summary>The pieces that the driver says it allocates in, in bytes; null for none of its own.</summary>
    public int? ClusterBytes { get; set; }

    /// <summary>Answers status queries; null: everything is data.</summary>
    public Func<BlockStatusQuery, long, long, BlockStatus>? Status { get; set; }

    /// <summary>Called at each arrival, before anything is decided; it may change the script.</summary>
    public Action<PendingRequest>? Arrived { get; set; }

    /// <summary>From now on requests of these kinds wait to be completed by hand, and no others: those complete at once. Reads and writes, at first.</summary>
    public void Hold(params ReadOnlySpan<RequestKind> kinds)
    {
        _held.Clear();
        foreach (RequestKind kind in kinds)
        {
            _held.Add(kind);
        }
    }

    /// <summary>From now on requests of <paramref name="kind"/> fail, in the next turn and without waiting; null ends it.</summary>
    public void Fail(RequestKind kind, BlockErrorKind? error)
    {
        _failing.Remove(kind);
        if (error is { } failure)
        {
            _failing.Add(kind, failure);
        }
    }

    /// <summary>Completes everything that is pending now, in order of arrival.</summary>
    public void SucceedAll()
    {
        foreach (PendingRequest request in _pending.ToArray())
        {
            request.Succeed();
        }
    }

    internal ValueTask Add(RequestKind kind, long offset, long lengthBytes, IoVector buffer, RequestFlags flags)
    {
        PendingRequest request = new(AioContext.Current!, this, kind, offset, lengthBytes, buffer, flags);
        ArrivedCount++;
        FlushCount += kind == RequestKind.Flush ? 1 : 0;
        _pending.Add(request);
        _script.Pending.Add(request);
        Arrived?.Invoke(request);
        bool isFailing = _failing.TryGetValue(kind, out BlockErrorKind error);
        if (!isFailing && !_held.Contains(kind))
        {
            Remove(request);
            return default;
        }

        ValueTask task = request.Task;
        if (isFailing)
        {
            request.FailWith(error);
        }

        return task;
    }

    internal async ValueTask AddLengthAsync(ScriptedLength length)
    {
        if (Resizing is { } resizing)
        {
            await resizing(length);
        }

        _lengths.Add(length);
        LengthBytes = length.LengthBytes;
    }

    internal void Remove(PendingRequest request)
    {
        _pending.Remove(request);
        _script.Pending.Remove(request);
    }

    internal void OnDrainBegin() => DrainBeginCount++;

    internal void OnDrainEnd() => DrainEndCount++;

    internal void OnClosed() => IsClosed = true;
}

/// <summary>A length that a <see cref="ScriptedNode"/> is given.</summary>
/// <param name="LengthBytes">The length in bytes.</param>
/// <param name="Preallocation">What is to become of the space that it grows by.</param>
/// <param name="Flags">Whether that must read as zeros.</param>
public sealed record ScriptedLength(long LengthBytes, PreallocationMode Preallocation, RequestFlags Flags);
