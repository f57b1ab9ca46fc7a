namespace BlockGraph.Tools.Bench;

/// <summary>How a load is doing at one moment; rates and times are those of the last moments before it.</summary>
internal sealed record BenchSnapshot
{
    /// <summary>How long the load has run, in nanoseconds.</summary>
    public required long ElapsedNs { get; init; }

    /// <summary>How many requests have completed.</summary>
    public required long DoneCount { get; init; }

    /// <summary>The part of the load that is done, from 0 to 1.</summary>
    public required double Progress { get; init; }

    /// <summary>Requests per second.</summary>
    public required double RequestsPerSecond { get; init; }

    /// <summary>Bytes per second.</summary>
    public required double BytesPerSecond { get; init; }

    /// <summary>The limit that the load meets first, or null.</summary>
    public BindingLimit? Limit { get; init; }

    /// <summary>The rate as a part of the limit, or without one of the highest rate so far; 1 is all of it.</summary>
    public required double RateShare { get; init; }

    /// <summary>How long a request waited for a limit, on average, in nanoseconds.</summary>
    public required double WaitNs { get; init; }

    /// <summary>How long a request was in the storage, on average, in nanoseconds.</summary>
    public required double DeviceNs { get; init; }

    /// <summary>What 99 of 100 requests did not exceed, in nanoseconds.</summary>
    public required long P99Ns { get; init; }

    /// <summary>How many requests are under way.</summary>
    public required long InFlightCount { get; init; }

    /// <summary>How many may be.</summary>
    public required int Depth { get; init; }

    /// <summary>Requests per second, moment by moment, the latest last.</summary>
    public required IReadOnlyList<double> History { get; init; }

    /// <summary>How long a moment of the history is, in nanoseconds.</summary>
    public required long MomentNs { get; init; }
}
