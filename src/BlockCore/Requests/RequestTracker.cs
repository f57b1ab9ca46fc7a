using System.Runtime.CompilerServices;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Requests;

/// <summary>
/// The requests in flight at one node, and the waiting of those that overlap a serialising one. <i>QEMU: bs->tracked_requests.</i>
/// </summary>
/// <remarks>
/// <para>Rule: two requests conflict where their ranges overlap and at least one is serialising; a request waits for a conflicting one
/// unless that one waits itself.</para>
/// <para>A node of one context has one lane and takes no lock for it. A shared node has a lane for each context. No wake-up is lost there:
/// a waiter counts itself before it looks through the lanes, and a request leaves its lane before it looks at the count; each lane's lock
/// orders the two. Likewise a serialising request counts itself before it looks, and a plain one stands in its lane before it asks for that count.</para>
/// <para>Lock order: conflicts, then a lane.</para>
/// </remarks>
internal sealed class RequestTracker
{
    private readonly TrackerLane _home = new();
    private readonly Lock _conflicts = new();
    private readonly CoQueue _waiters = new();

    // By context id; null while the node belongs to one context. Replaced under _conflicts, never edited.
    private TrackerLane?[]? _lanes;
    private int _waiterCount;
    private int _age;
    private int _serialisingCount;

    /// <summary>How many serialising requests are in flight.</summary>
    public int SerialisingCount
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Volatile.Read(ref _serialisingCount);
    }

    /// <summary>True where requests may come from several contexts at once.</summary>
    public bool IsShared => _lanes is not null;

    /// <summary>True where nothing is in flight. On a shared node: while it is drained.</summary>
    public bool IsEmpty => _home.First is null && Array.TrueForAll(_lanes ?? [], lane => lane?.First is null);

    /// <summary>From now on requests may come from several contexts at once. Control plane; the node is drained.</summary>
    public void Share()
    {
        if (_lanes is null)
        {
            Invariant.Check(IsEmpty);
            _lanes = [];
        }
    }

    /// <summary>Divides the requests into those that have come and those that will come: what comes from now on is not before the mark that this returns.</summary>
    public int Mark()
    {
        // It wraps; differences count, not values.
        return Interlocked.Increment(ref _age);
    }

    /// <summary>True where a request that moves data and came before <paramref name="mark"/> is still in flight.</summary>
    public bool HasRequestsBefore(int mark)
    {
        if (_lanes is not { } lanes)
        {
            return _home.HasRequestsBeforeUnsynchronized(mark);
        }

        foreach (TrackerLane? lane in lanes)
        {
            if (lane is not null)
            {
                lock (lane.SyncRoot)
                {
                    if (lane.HasRequestsBeforeUnsynchronized(mark))
                    {
                        return true;
                    }
                }
            }
        }

        return false;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(BlockRequest request)
    {
        request.Age = Volatile.Read(ref _age);
        if (_lanes is null)
        {
            _home.LinkUnsynchronized(request);
        }
        else
        {
            AddShared(request);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Remove(BlockRequest request)
    {
        if (_lanes is null)
        {
            _home.UnlinkUnsynchronized(request);
        }
        else
        {
            RemoveShared(request);
        }

        if (Volatile.Read(ref _waiterCount) != 0 || request.IsSerialising)
        {
            WakeWaiters(request);
        }
    }

    /// <summary>Widens <paramref name="request"/> to <paramref name="alignmentBytes"/> and makes overlapping ones wait for it.</summary>
    public void MakeSerialising(BlockRequest request, long alignmentBytes)
    {
        long start = request.Offset & ~(alignmentBytes - 1);
        long end = (request.Offset + request.LengthBytes + alignmentBytes - 1) & ~(alignmentBytes - 1);
        lock (_conflicts)
        {
            request.Offset = start;
            request.LengthBytes = end - start;
            if (!request.IsSerialising)
            {
                request.IsSerialising = true;
                Interlocked.Increment(ref _serialisingCount);
            }
        }
    }

    /// <summary>Waits until no conflicting request is in flight.</summary>
    public async ValueTask WaitForConflictsAsync(BlockRequest request, bool failsInsteadOfWaiting)
    {
        while (TryQueue(request, failsInsteadOfWaiting, out ValueTask turn))
        {
            try
            {
                await turn;
            }
            finally
            {
                Leave(request);
            }
        }
    }

    // False where nothing conflicts.
    private bool TryQueue(BlockRequest request, bool failsInsteadOfWaiting, out ValueTask turn)
    {
        lock (_conflicts)
        {
            Interlocked.Increment(ref _waiterCount);
            bool isConflict = HasConflictUnsynchronized(request);
            if (!isConflict || failsInsteadOfWaiting)
            {
                Interlocked.Decrement(ref _waiterCount);
                turn = default;
                return !isConflict ? false : throw new BlockException(BlockErrorKind.Busy, "An overlapping request is in flight");
            }

            request.IsWaiting = true;
            turn = _waiters.WaitAsync();
            return true;
        }
    }

    private void Leave(BlockRequest request)
    {
        lock (_conflicts)
        {
            request.IsWaiting = false;
            Interlocked.Decrement(ref _waiterCount);
        }
    }

    private bool HasConflictUnsynchronized(BlockRequest request)
    {
        if (_lanes is not { } lanes)
        {
            return _home.HasConflictUnsynchronized(request);
        }

        foreach (TrackerLane? lane in lanes)
        {
            if (lane is null)
            {
                continue;
            }

            lock (lane.SyncRoot)
            {
                if (lane.HasConflictUnsynchronized(request))
                {
                    return true;
                }
            }
        }

        return false;
    }

    private void AddShared(BlockRequest request)
    {
        TrackerLane?[] lanes = _lanes!;
        int id = request.Context.Id;
        TrackerLane lane = (id < lanes.Length ? lanes[id] : null) ?? AddLane(id);
        request.TrackerLane = lane;
        lock (lane.SyncRoot)
        {
            lane.LinkUnsynchronized(request);
        }
    }

    private static void RemoveShared(BlockRequest request)
    {
        TrackerLane lane = request.TrackerLane!;
        lock (lane.SyncRoot)
        {
            lane.UnlinkUnsynchronized(request);
        }
    }

    private TrackerLane AddLane(int id)
    {
        lock (_conflicts)
        {
            TrackerLane?[] lanes = _lanes!;
            if (id < lanes.Length && lanes[id] is { } present)
            {
                return present;
            }

            TrackerLane lane = new();
            TrackerLane?[] longer = new TrackerLane?[Math.Max(id + 1, lanes.Length)];
            lanes.CopyTo(longer, 0);
            longer[id] = lane;
            Volatile.Write(ref _lanes, longer);
            return lane;
        }
    }

    private void WakeWaiters(BlockRequest request)
    {
        lock (_conflicts)
        {
            if (request.IsSerialising)
            {
                request.IsSerialising = false;
                Interlocked.Decrement(ref _serialisingCount);
            }

            _waiters.WakeAll();
        }
    }
}
