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
    private readonly List<(List<FreedRange> Ranges, int Mark)> _durable = [];
    private List<FreedRange> _fresh = [];
    private List<(List<FreedRange> Ranges, int Mark)> _written = [];

    /// <summary>How many bytes wait.</summary>
    public long WaitingBytes { get; private set; }

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
        WaitingBytes = 0;
    }

    /// <summary>One reference is given up.</summary>
    public void Add(long hostOffset, long lengthBytes, DiscardReason reason)
    {
        WaitingBytes += lengthBytes;
        if (_fresh.Count > 0 && _fresh[^1] is var last && last.Reason == reason && last.HostOffset + last.LengthBytes == hostOffset)
        {
            _fresh[^1] = last with { LengthBytes = last.LengthBytes + lengthBytes };
        }
        else
        {
            _fresh.Add(new FreedRange(hostOffset, lengthBytes, reason));
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
    public void EndFlush(List<(List<FreedRange> Ranges, int Mark)> waiting, bool isDurable) => (isDurable ? _durable : _written).InsertRange(0, waiting);

    /// <summary>The next ranges that may be freed, where <paramref name="hasRequestsBefore"/> knows which requests are over; null for none.</summary>
    public List<FreedRange>? TakeFree(Predicate<int> hasRequestsBefore)
    {
        int index = _durable.FindIndex(waiting => !hasRequestsBefore(waiting.Mark));
        if (index < 0)
        {
            return null;
        }

        List<FreedRange> ranges = _durable[index].Ranges;
        _durable.RemoveAt(index);
        WaitingBytes -= ranges.Sum(static range => range.LengthBytes);
        return ranges;
    }
}
