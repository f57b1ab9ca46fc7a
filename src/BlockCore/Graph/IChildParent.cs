namespace BlockGraph.BlockCore.Graph;

/// <summary>What the upper end of an edge must answer: a node, a backend, a job. <i>QEMU: BdrvChildClass.</i></summary>
public interface IChildParent
{
    /// <summary>How messages name it: <c>node 'X'</c>, <c>block device 'N'</c>, <c>an unnamed block device</c>.</summary>
    string Description { get; }

    /// <summary>The parent as a node, or null where requests begin here.</summary>
    BlockNode? AsNode { get; }
}

/// <summary>A parent where requests begin: it can hold them back and say when none of its own is in flight.</summary>
/// <remarks>Control plane: a drain calls these on the main context, and is back there when they are done.</remarks>
public interface IRootParent : IChildParent, IAsyncDisposable
{
    /// <summary>The name that commands find it by, or null.</summary>
    string? Name { get; }

    /// <summary>The edge to the node it uses, or null where there is no medium.</summary>
    BlockChild? RootEdge { get; }

    /// <summary>It comes to a drained node, and nobody has seen it yet: as after <see cref="DrainedBeginAsync"/> and <see cref="DrainedPollAsync"/>.</summary>
    void StartDrained();

    /// <summary>Lets no new request in until <see cref="DrainedEndAsync"/>; nests.</summary>
    Task DrainedBeginAsync();

    /// <summary>Completes when none of its requests is in flight.</summary>
    Task DrainedPollAsync();

    /// <summary>Undoes one <see cref="DrainedBeginAsync"/>.</summary>
    Task DrainedEndAsync();
}
