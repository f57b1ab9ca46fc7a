namespace BlockGraph.BlockCore.Throttling;

/// <summary>What decides how much a bucket holds before requests wait.</summary>
public enum ThrottleCapacitySource
{
    /// <summary>A short stretch of the long-run rate: no burst is set.</summary>
    RateWindow,

    /// <summary>A burst with a length of one second: so many units may be consumed at once.</summary>
    Pool,

    /// <summary>A burst with a longer length: the burst rate times that length.</summary>
    Burst,
}
