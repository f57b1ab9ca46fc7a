using System.Runtime.CompilerServices;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Requests;

/// <summary>
/// The requests in flight at one node, and the waiting of those that overlap a serialising one. <i>QEMU: bs->tracked_requests.</i>
/// </summary>
/// <remarks>
/// Rule: two requests conflict where their ranges overlap and at least one is serialising; a request waits for a conflicting one
/// unless that one waits itself. All calls come from the node's context.
/// </remarks>
internal sealed class RequestTracker
{
    private readonly CoQueue _waiters = new();
    private BlockRequest? _first;

    /// <summary>How many serialising requests are in flight.</summary>
    public int SerialisingCount { get; private set; }

    /// <summary>True where nothing is in flight.</summary>
    public bool IsEmpty => _first is null;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(BlockRequest request)
    {
        BlockRequest? first = _first;
        request.Next = first;
        if (first is not null)
        {
            first.Previous = request;
        }

        _first = request;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Remove(BlockRequest request)
    {
        BlockRequest? previous = request.Previous;
        BlockRequest? next = request.Next;
        if (previous is null)
        {
            _first = next;
        }
        else
        {
            previous.Next = next;
            request.Previous = null;
        }

        if (next is not null)
        {
            next.Previous = previous;
        }

        if (_waiters.Count != 0 || request.IsSerialising)
        {
            WakeWaiters(request);
        }
    }

    /// <summary>Widens <paramref name="request"/> to <paramref name="alignmentBytes"/> and makes overlapping ones wait for it.</summary>
    public void MakeSerialising(BlockRequest request, long alignmentBytes)
    {
        long start = request.Offset & ~(alignmentBytes - 1);
        long end = (request.Offset + request.LengthBytes + alignmentBytes - 1) & ~(alignmentBytes - 1);
        request.Offset = start;
        request.LengthBytes = end - start;
        if (!request.IsSerialising)
        {
            request.IsSerialising = true;
            SerialisingCount++;
        }
    }

    /// <summary>Waits until no conflicting request is in flight.</summary>
    public async ValueTask WaitForConflictsAsync(BlockRequest request, bool failsInsteadOfWaiting)
    {
        while (HasConflict(request))
        {
            if (failsInsteadOfWaiting)
            {
                throw new BlockException(BlockErrorKind.Busy, "An overlapping request is in flight");
            }

            request.IsWaiting = true;
            await _waiters.WaitAsync();
            request.IsWaiting = false;
        }
    }

    private bool HasConflict(BlockRequest request)
    {
        for (BlockRequest? other = _first; other is not null; other = other.Next)
        {
            if (other != request && (request.IsSerialising || other.IsSerialising) && !other.IsWaiting
                && other.Offset < request.Offset + request.LengthBytes && request.Offset < other.Offset + other.LengthBytes)
            {
                return true;
            }
        }

        return false;
    }

    private void WakeWaiters(BlockRequest request)
    {
        if (request.IsSerialising)
        {
            request.IsSerialising = false;
            SerialisingCount--;
        }

        _waiters.WakeAll();
    }
}
