using BlockGraph.BlockCore.Transactions;

namespace BlockGraph.BlockCore.Tests.Transactions;

/// <summary>One operation that is failed at each of its steps.</summary>
/// <param name="Name">What it is called in messages.</param>
/// <param name="RunAsync">Does it, and can be cancelled where it says so.</param>
internal sealed record StepOperation(string Name, Func<StepWorld, CancellationToken, Task> RunAsync)
{
    /// <summary>An operation that makes edits, which are made anew each time that it runs.</summary>
    public StepOperation(string name, Func<StepWorld, GraphEdit[]> edits)
        : this(name, (world, cancel) => world.Graph.ApplyAsync(edits(world), cancel)) => IsCancellable = true;

    /// <summary>The factories of edits that it uses, each as <see cref="EveryStepTests"/> spells it.</summary>
    public IReadOnlyList<string> Covers { get; init; } = [];

    /// <summary>What has to be so before it can begin.</summary>
    public Func<StepWorld, Task> Arrange { get; init; } = _ => Task.CompletedTask;

    /// <summary>True where it takes note of being cancelled.</summary>
    public bool IsCancellable { get; init; }

    /// <summary>True where no picture shows that it was done.</summary>
    public bool IsInvisible { get; init; }

    /// <summary>True where it lets go of something: a failure underneath does not keep it from that.</summary>
    public bool IsNeverRefused { get; init; }
}
