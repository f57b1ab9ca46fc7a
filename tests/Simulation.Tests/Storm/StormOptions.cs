namespace BlockGraph.Simulation.Tests.Storm;

/// <summary>What happens in one storm.</summary>
/// <param name="Seed">Decides the graph, the operations, the faults and, in a simulated world, every interleaving.</param>
internal sealed record StormOptions(int Seed)
{
    /// <summary>The least number of operations, requests and changes together, that a storm is made of.</summary>
    public const int OperationCountMin = 200;

    /// <summary>How many workers read and write at once.</summary>
    public int WorkerCount { get; init; } = 4;

    /// <summary>How many requests each worker makes.</summary>
    public int RequestCount { get; init; } = 42;

    /// <summary>How many actors change the graph at once.</summary>
    public int ChangerCount { get; init; } = 3;

    /// <summary>How many changes each of them makes.</summary>
    public int ChangeCount { get; init; } = 20;

    /// <summary>Told of each change when it is over; null for nothing.</summary>
    public Action<string>? Trace { get; init; }
}
