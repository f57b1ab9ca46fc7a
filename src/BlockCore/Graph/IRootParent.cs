using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Graph;

/// <summary>
/// A parent where requests begin, such as a backend or a job: it can hold them back, say when none of its own is in flight, and
/// follow its node to another context. Its calls about drains nest.
/// </summary>
/// <remarks>Control plane: everything here is called on the main context. What returns <c>void</c> neither fails nor waits.</remarks>
public interface IRootParent : IChildParent, IAsyncDisposable
{
    /// <summary>The name that commands find it by, or null.</summary>
    string? Name { get; }

    /// <summary>The node that its name means, or null where there is none.</summary>
    BlockChild? RootEdge { get; }

    /// <summary>The edges to the nodes that it uses.</summary>
    IReadOnlyList<BlockChild> Edges { get; }

    /// <summary>True where an edge stays at its node when another node takes that node's place, as a job's does.</summary>
    bool StaysAtNode => false;

    /// <summary>What it asks of <paramref name="edge"/> while the node is active.</summary>
    PermissionSet PermissionsOf(BlockChild edge);

    /// <summary>The edge is part of the graph now.</summary>
    void OnAttached(BlockChild edge);

    /// <summary>The edge is no longer part of the graph; nothing of it is in flight.</summary>
    void OnDetached(BlockChild edge);

    /// <summary>The edge leads to another node now.</summary>
    void OnNodeReplaced(BlockChild edge)
    {
    }

    /// <summary>The node at the end of the edge has another length now. Data plane: on the context of whoever changed it.</summary>
    void OnResized(BlockChild edge)
    {
    }

    /// <summary>Lets no new request in until <see cref="DrainedEnd"/>: from the next <see cref="DrainedPollAsync"/> on this holds everywhere.</summary>
    void DrainedBegin();

    /// <summary>True where nothing is in flight for sure, as seen from the main context, and nothing new can be; false where only <see cref="DrainedPollAsync"/> can tell.</summary>
    bool IsKnownQuiet { get; }

    /// <summary>Completes, on the main context, when none of its requests is in flight; true where it had to wait for one.</summary>
    Task<bool> DrainedPollAsync();

    /// <summary>Undoes one <see cref="DrainedBegin"/>.</summary>
    void DrainedEnd();

    /// <summary>Why it cannot follow its node to <paramref name="context"/>; null where it can.</summary>
    string? RefusalToMove(AioContext context) => $"Changing iothreads is not supported by {Description}";

    /// <summary>Its node is at home in <paramref name="context"/> now; it is drained.</summary>
    void OnMoved(AioContext context)
    {
    }

    /// <summary>Why its node cannot be made inactive under it; null where it can.</summary>
    string? RefusalToInactivate() => $"{Description} uses the node";
}
