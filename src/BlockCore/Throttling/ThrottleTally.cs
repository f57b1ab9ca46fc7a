using BlockGraph.BlockCore.Accounting;

namespace BlockGraph.BlockCore.Throttling;

/// <summary>What a group has counted of one direction. Protected by the tree's lock.</summary>
internal struct ThrottleTally
{
    // A quarter of an octave: waits to within an eighth, in two kilobytes.
    private const int WaitPrecisionBits = 2;

    /// <summary>Requests that asked, while anything was limited.</summary>
    public long SubmittedCount;

    /// <summary>Those that had to wait.</summary>
    public long ThrottledCount;

    /// <summary>Those that were cancelled while they waited.</summary>
    public long CancelledCount;

    /// <summary>Those that waited for longer than they may.</summary>
    public long TimedOutCount;

    /// <summary>The most that waited at a time.</summary>
    public int DepthMax;

    /// <summary>How long those waited that started, in nanoseconds, together.</summary>
    public long WaitedNs;

    /// <summary>How long each of them waited; null until one has.</summary>
    public LatencyHistogram? Waits { get; private set; }

    public void AddSubmitted() => SubmittedCount++;

    public void AddThrottled(int depth)
    {
        ThrottledCount++;
        DepthMax = Math.Max(DepthMax, depth);
    }

    public void AddWaited(long waitedNs)
    {
        WaitedNs += waitedNs;
        Waits ??= new LatencyHistogram(WaitPrecisionBits);
        Waits.Record(waitedNs);
    }
}
