namespace BlockGraph.Drivers.Formats.Qcow2;

/// <summary>Why clusters are given up: options say for which reasons the file is told to let go of the space.</summary>
internal enum DiscardReason
{
    /// <summary>The file is never told.</summary>
    Never,

    /// <summary>The guest asked for it.</summary>
    Request,

    /// <summary>A snapshot was deleted.</summary>
    Snapshot,

    /// <summary>The image is shorter: the file is always told.</summary>
    Shortened,

    /// <summary>Anything else: most of it is used again soon.</summary>
    Other,
}

/// <summary>Clusters that no entry leads to any more, one reference of each.</summary>
internal readonly record struct FreedRange(long HostOffset, long LengthBytes, DiscardReason Reason);

/// <summary>
/// What has been given up and may not be used again yet: the file may still have entries that lead there, and requests may still be on their way there.
/// </summary>
/// <remarks>
/// given up ──write-back captures──► captured ──its entries are written──► written ──the file is flushed──► durable ──older requests are over──► free.
/// One reference each is dropped at the very end; a power cut before that leaks it.
/// </remarks>
internal sealed class FreedClusters
{
    // So much may wait before somebody is made to flush: the file is longer by it than it had to be.
    private const long WaitingBytesMax = 64L << 20;

    // So many ranges may, which take memory.
    private const int WaitingCountMax = 1 << 16;

    private readonly List<(List<FreedRange> Ranges, int Mark)> _durable = [];
    private List<FreedRange> _fresh = [];
    private List<(List<FreedRange> Ranges, int Mark)> _written = [];

    // What waits for a write-back or a flush; bytes only of what makes the file longer, for nobody needs new clusters for what a shorter image has given up.
    private long _waitingBytes;
    private int _waitingCount;

    /// <summary>So much waits for a write-back and a flush that somebody should see to them.</summary>
    public bool IsCrowded => _waitingBytes > WaitingBytesMax || _waitingCount > WaitingCountMax;

    /// <summary>Something waits for a flush.</summary>
    public bool WaitsForFlush => _written.Count > 0;

    /// <summary>Something waits.</summary>
    public bool IsEmpty => _fresh.Count == 0 && _written.Count == 0 && _durable.Count == 0;

    /// <summary>Forgets everything: what is in the file holds.</summary>
    public void Clear()
    {
        _fresh.Clear();
        _written.Clear();
        _durable.Clear();
        _waitingBytes = 0;
        _waitingCount = 0;
    }

    /// <summary>One reference is given up.</summary>
    public void Add(long hostOffset, long lengthBytes, DiscardReason reason)
    {
        _waitingBytes += reason == DiscardReason.Shortened ? 0 : lengthBytes;
        if (_fresh.Count > 0 && _fresh[^1] is var last && last.Reason == reason && last.HostOffset + last.LengthBytes == hostOffset)
        {
            _fresh[^1] = last with { LengthBytes = last.LengthBytes + lengthBytes };
        }
        else
        {
            _fresh.Add(new FreedRange(hostOffset, lengthBytes, reason));
            _waitingCount++;
        }
    }

    /// <summary>A write-back takes the entries as they are now.</summary>
    public List<FreedRange> Capture()
    {
        List<FreedRange> captured = _fresh;
        _fresh = [];
        return captured;
    }

    /// <summary>It failed.</summary>
    public void Restore(List<FreedRange> captured) => _fresh.InsertRange(0, captured);

    /// <summary>It has written them.</summary>
    /// <param name="captured">What it had captured.</param>
    /// <param name="mark">Requests that came before this may still be on their way there.</param>
    public void OnWritten(List<FreedRange> captured, int mark)
    {
        if (captured.Count > 0)
        {
            _written.Add((captured, mark));
        }
    }

    /// <summary>What waits for a flush that is about to begin.</summary>
    public List<(List<FreedRange> Ranges, int Mark)> BeginFlush()
    {
        List<(List<FreedRange> Ranges, int Mark)> waiting = _written;
        _written = [];
        return waiting;
    }

    /// <summary>It is over.</summary>
    public void EndFlush(List<(List<FreedRange> Ranges, int Mark)> waiting, bool isDurable)
    {
        (isDurable ? _durable : _written).InsertRange(0, waiting);
        if (isDurable)
        {
            foreach ((List<FreedRange> ranges, _) in waiting)
            {
                _waitingCount -= ranges.Count;
                _waitingBytes -= ranges.Sum(static range => range.Reason == DiscardReason.Shortened ? 0 : range.LengthBytes);
            }
        }
    }

    /// <summary>The next ranges that may be freed, where <paramref name="hasRequestsBefore"/> knows which requests are over; null for none. The last of them has the lowest offset.</summary>
    public List<FreedRange>? TakeFree(Predicate<int> hasRequestsBefore)
    {
        int index = _durable.FindIndex(waiting => !hasRequestsBefore(waiting.Mark));
        if (index < 0)
        {
            return null;
        }

        List<FreedRange> ranges = _durable[index].Ranges;
        _durable.RemoveAt(index);
        Join(ranges);
        return ranges;
    }

    /// <summary>Not all that was taken has been freed.</summary>
    /// <param name="ranges">The rest.</param>
    /// <param name="mark">Requests that came from now on are not on their way there.</param>
    public void PutBack(List<FreedRange> ranges, int mark) => _durable.Add((ranges, mark));

    // From the highest offset to the lowest, neighbours as one: counts that lie together are changed together, whatever order the guest has its clusters in.
    private static void Join(List<FreedRange> ranges)
    {
        ranges.Sort(static (first, second) => second.HostOffset != first.HostOffset ? second.HostOffset.CompareTo(first.HostOffset) : second.Reason.CompareTo(first.Reason));
        int last = 0;
        for (int i = 1; i < ranges.Count; i++)
        {
            FreedRange above = ranges[last];
            FreedRange range = ranges[i];
            if (range.Reason == above.Reason && range.HostOffset + range.LengthBytes == above.HostOffset)
            {
                ranges[last] = range with { LengthBytes = range.LengthBytes + above.LengthBytes };
            }
            else
            {
                ranges[++last] = range;
            }
        }

        ranges.RemoveRange(last + 1, ranges.Count - last - 1);
    }
}
