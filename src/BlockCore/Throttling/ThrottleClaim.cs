namespace BlockGraph.BlockCore.Throttling;

/// <summary>
/// What a claimant has had of its group, and what its share lets it have next. Pure arithmetic: time is handed in, the tree's
/// lock protects it.
/// </summary>
/// <remarks>
/// Tags are in seconds of the group's limits for each unit of weight. Who has the lower start tag has had less; one that was
/// idle starts where the group is, without credit.
/// </remarks>
internal sealed class ThrottleClaim
{
    private double _readTag;
    private double _writeTag;

    // Null where nothing is reserved.
    private ThrottleState? _reservation;

    public ThrottleClaim(ThrottleShare share)
    {
        Share = share;
        Limit = share.IsLimited ? new ThrottleState(share.LimitConfig) : null;
        _reservation = share.IsReserved ? new ThrottleState(share.ReservationConfig) : null;
    }

    public ThrottleShare Share { get; private set; }

    /// <summary>The buckets of its own limit; null where it has none.</summary>
    public ThrottleState? Limit { get; private set; }

    public void SetShare(ThrottleShare share, long nowNs)
    {
        Share = share;
        Limit = Reconfigured(Limit, share.IsLimited, share.LimitConfig, nowNs);
        _reservation = Reconfigured(_reservation, share.IsReserved, share.ReservationConfig, nowNs);
    }

    /// <summary>How many seconds of its reservation it has used up; null where it has none, or has had what is reserved.</summary>
    public double? ReservationUsedSeconds(ThrottleDirection direction, long nowNs)
    {
        if (_reservation is null)
        {
            return null;
        }

        _reservation.Leak(nowNs);
        return _reservation.WaitNs(direction) > 0 ? null : _reservation.FilledSeconds;
    }

    /// <summary>Where its next request would start.</summary>
    public double StartTag(ThrottleDirection direction, double virtualTime) =>
        Math.Max(virtualTime, direction == ThrottleDirection.Read ? _readTag : _writeTag);

    /// <summary>
    /// Charges a request that costs <paramref name="costSeconds"/> of the group's limits and starts at <paramref name="nowNs"/>.
    /// True where it came out of the reservation, so that the group's virtual time stands still.
    /// </summary>
    public bool Charge(ThrottleDirection direction, long bytes, double operations, double costSeconds, double startTag, long nowNs)
    {
        double finishTag = startTag + (costSeconds / Share.Weight);
        if (direction == ThrottleDirection.Read)
        {
            _readTag = finishTag;
        }
        else
        {
            _writeTag = finishTag;
        }

        if (Limit is not null)
        {
            Limit.Leak(nowNs);
            Limit.Charge(direction, bytes, operations);
        }

        bool isReserved = ReservationUsedSeconds(direction, nowNs) is not null;
        if (isReserved)
        {
            _reservation!.Charge(direction, bytes, operations);
        }

        return isReserved;
    }

    private static ThrottleState? Reconfigured(ThrottleState? state, bool isWanted, ThrottleConfig config, long nowNs)
    {
        if (!isWanted)
        {
            return null;
        }

        if (state is null)
        {
            return new ThrottleState(config);
        }

        state.Configure(config, ThrottleChangePolicy.Scale, nowNs);
        return state;
    }
}
