using System.Runtime.CompilerServices;

namespace BlockGraph.BlockCore.Requests;

/// <summary>The requests that one context has in flight at one node, as a list. At a node of several contexts the lane's lock protects it.</summary>
internal sealed class TrackerLane
{
    /// <summary>Taken only at a node of several contexts.</summary>
    public Lock SyncRoot { get; } = new();

    public BlockRequest? First { get; private set; }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void LinkUnsynchronized(BlockRequest request)
    {
        BlockRequest? first = First;
        request.Next = first;
        if (first is not null)
        {
            first.Previous = request;
        }

        First = request;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void UnlinkUnsynchronized(BlockRequest request)
    {
        BlockRequest? previous = request.Previous;
        BlockRequest? next = request.Next;
        if (previous is null)
        {
            First = next;
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
    }

    /// <summary>True where a request stands here that moves data and came before <paramref name="mark"/>.</summary>
    public bool HasRequestsBeforeUnsynchronized(int mark)
    {
        for (BlockRequest? request = First; request is not null; request = request.Next)
        {
            if (request.MovesData && unchecked(request.Age - mark) < 0)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>True where a request that does not wait itself overlaps <paramref name="request"/>, and one of the two is serialising.</summary>
    public bool HasConflictUnsynchronized(BlockRequest request)
    {
        for (BlockRequest? other = First; other is not null; other = other.Next)
        {
            if (other != request && (request.IsSerialising || other.IsSerialising) && !other.IsWaiting
                && other.Offset < request.Offset + request.LengthBytes && request.Offset < other.Offset + other.LengthBytes)
            {
                return true;
            }
        }

        return false;
    }
}
