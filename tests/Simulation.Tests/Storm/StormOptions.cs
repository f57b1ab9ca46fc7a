namespace BlockGraph.Simulation.Tests.Storm;

/// <summary>What happens in one storm.</summary>
/// <param name="Seed">Decides the graph, the operations, the faults and, in a simulated world, every interleaving.</param>
internal sealed record StormOptions(int Seed)
{
    /// <summary>How many workers read and write at once.</summary>
    public int WorkerCount { get; init; } = 4;

    /// <summary>How many requests each worker makes.</summary>
    public int RequestCount { get; init; } = 40;

    /// <summary>How many actors change the graph at once.</summary>
    public int ChangerCount { get; init; } = 3;

    /// <summary>How many changes each of them makes.</summary>
    public int ChangeCount { get; init; } = 18;
}
