using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.Drivers.Filters.Blkdebug;

/// <summary>
/// Where requests stop: a breakpoint waits for one request at one event, under a tag; the request waits until somebody resumes the tag.
/// A request that meets several breakpoints at once waits for all of them. Any thread that runs a context.
/// </summary>
/// <param name="tell">Told of every suspension and every end of one, in their order.</param>
internal sealed class BlkdebugBreakpoints(Action<string, bool> tell)
{
    private readonly Lock _lock = new();

    // All protected by _lock. The oldest first.
    private readonly List<(DebugEvent Event, string Tag)> _set = [];
    private readonly List<(string Tag, Suspension Request)> _suspended = [];
    private readonly CoQueue _watchers = new();
    private volatile bool _isEmpty = true;

    /// <summary>True where no breakpoint is set.</summary>
    public bool IsEmpty => _isEmpty;

    /// <summary>The tags of what is suspended, the oldest first; a tag stands there as often as it holds a request.</summary>
    public IReadOnlyList<string> SuspendedTags
    {
        get
        {
            lock (_lock)
            {
                return [.. _suspended.Select(s => s.Tag)];
            }
        }
    }

    /// <summary>True where a breakpoint under <paramref name="tag"/> has stopped no request yet.</summary>
    public bool Has(string tag)
    {
        lock (_lock)
        {
            return _set.Exists(b => b.Tag == tag);
        }
    }

    /// <summary>Lets the next request that comes to <paramref name="debugEvent"/> wait under <paramref name="tag"/>.</summary>
    public void Set(DebugEvent debugEvent, string tag)
    {
        lock (_lock)
        {
            _set.Add((debugEvent, tag));
            _isEmpty = false;
        }
    }

    /// <summary>Takes away the breakpoints of a tag, and lets everything go on that waits under it; false where there was neither.</summary>
    public bool Remove(string tag)
    {
        lock (_lock)
        {
            bool isFound = _set.RemoveAll(b => b.Tag == tag) > 0;
            _isEmpty = _set.Count == 0;
            while (ResumeUnsynchronized(tag))
            {
                isFound = true;
            }

            return isFound;
        }
    }

    /// <summary>Takes every breakpoint away, lets everything go on, and returns the tags of what has waited, the oldest first.</summary>
    public IReadOnlyList<string> RemoveAll()
    {
        lock (_lock)
        {
            _set.Clear();
            _isEmpty = true;
            string[] tags = [.. _suspended.Select(s => s.Tag)];
            foreach (string tag in tags)
            {
                ResumeUnsynchronized(tag);
            }

            return tags;
        }
    }

    /// <summary>Lets the request go on that has waited longest under a tag; false where none does.</summary>
    public bool Resume(string tag)
    {
        lock (_lock)
        {
            return ResumeUnsynchronized(tag);
        }
    }

    /// <summary>Completes when a request waits under a tag.</summary>
    public async ValueTask WaitForSuspensionAsync(string tag)
    {
        while (TryWatch(tag, out ValueTask change))
        {
            await change;
        }
    }

    /// <summary>A request has come to <paramref name="debugEvent"/>: it goes on when the task completes.</summary>
    public ValueTask HitAsync(DebugEvent debugEvent)
    {
        if (_isEmpty)
        {
            return default;
        }

        lock (_lock)
        {
            // The newest stops it first: in that order it is told.
            Suspension request = new();
            foreach ((_, string tag) in Enumerable.Reverse(_set).Where(b => b.Event == debugEvent))
            {
                _suspended.Add((tag, request));
                request.HoldCount++;
                tell(tag, false);
            }

            if (request.HoldCount == 0)
            {
                return default;
            }

            // A breakpoint stops one request.
            _set.RemoveAll(b => b.Event == debugEvent);
            _isEmpty = _set.Count == 0;
            _watchers.WakeAll();
            return request.Turn.WaitAsync();
        }
    }

    private bool TryWatch(string tag, out ValueTask change)
    {
        lock (_lock)
        {
            if (_suspended.Exists(s => s.Tag == tag))
            {
                change = default;
                return false;
            }

            change = _watchers.WaitAsync();
            return true;
        }
    }

    private bool ResumeUnsynchronized(string tag)
    {
        int index = _suspended.FindIndex(s => s.Tag == tag);
        if (index < 0)
        {
            return false;
        }

        Suspension request = _suspended[index].Request;
        _suspended.RemoveAt(index);
        request.HoldCount--;
        tell(tag, true);
        if (request.HoldCount == 0)
        {
            request.Turn.WakeNext();
        }

        return true;
    }

    /// <summary>One request that waits.</summary>
    private sealed class Suspension
    {
        /// <summary>How many breakpoints hold it.</summary>
        public int HoldCount { get; set; }

        public CoQueue Turn { get; } = new();
    }
}
