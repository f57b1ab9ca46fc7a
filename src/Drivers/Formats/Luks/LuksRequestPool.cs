using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.Drivers.Formats.Luks;

/// <summary>The free requests of an image, of each context by itself: a context's own thread takes and returns them, without a lock.</summary>
internal sealed class LuksRequestPool
{
    // Protects the growth of the lanes.
    private readonly Lock _growth = new();
    private Lane?[] _lanes = [];

    /// <summary>A request of <paramref name="context"/>, which the caller is at.</summary>
    public LuksRequest Rent(AioContext context)
    {
        Lane lane = LaneOf(context);
        LuksRequest request = lane.Free ?? new LuksRequest(this, context);
        lane.Free = request.NextFree;
        request.NextFree = null;
        return request;
    }

    /// <summary>Takes a request back, at its context.</summary>
    public void Return(LuksRequest request)
    {
        Lane lane = LaneOf(request.Context);
        request.NextFree = lane.Free;
        lane.Free = request;
    }

    private Lane LaneOf(AioContext context)
    {
        Lane?[] lanes = Volatile.Read(ref _lanes);
        return context.Id < lanes.Length && lanes[context.Id] is { } lane && ReferenceEquals(lane.Context, context) ? lane : AddLane(context);
    }

    // Ids are used again: what is left of a context that is gone is forgotten.
    private Lane AddLane(AioContext context)
    {
        lock (_growth)
        {
            Lane?[] lanes = new Lane?[Math.Max(_lanes.Length, context.Id + 1)];
            _lanes.CopyTo(lanes, 0);
            Lane lane = new(context);
            lanes[context.Id] = lane;
            Volatile.Write(ref _lanes, lanes);
            return lane;
        }
    }

    private sealed class Lane(AioContext context)
    {
        public AioContext Context { get; } = context;

        public LuksRequest? Free { get; set; }
    }
}
