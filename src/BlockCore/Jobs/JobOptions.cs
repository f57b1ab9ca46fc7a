using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Jobs;

/// <summary>What a user may say about any job.</summary>
public sealed record JobOptions
{
    /// <summary>The id that commands find it by; null: the name of the backend over its first node.</summary>
    public string? Id { get; init; }

    /// <summary>How fast it may work, in bytes per second; 0 for no limit.</summary>
    public long SpeedBytesPerSecond { get; init; }

    /// <summary>Make the work final as soon as the group's is done; otherwise it waits for <see cref="JobVerb.Finalize"/>.</summary>
    public bool AutoFinalize { get; init; } = true;

    /// <summary>Forget the job as soon as it is over; otherwise it waits for <see cref="JobVerb.Dismiss"/>.</summary>
    public bool AutoDismiss { get; init; } = true;

    /// <summary>What it does when a request fails.</summary>
    public BlockErrorPolicy OnError { get; init; }

    /// <summary>The name of the filter that the job puts into the graph, where it does; null: one made by the graph, of a node that lists leave out.</summary>
    public string? FilterNodeName { get; init; }

    /// <summary>The group that it succeeds or fails with; null: it stands alone.</summary>
    public JobTransaction? Group { get; init; }

    /// <summary>Called when the result stands and the nodes are let go, before anybody is told. Main context; it must neither wait nor throw.</summary>
    public Action<BlockJob>? Completed { get; init; }
}
