using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Permissions;

namespace BlockGraph.BlockCore.Transactions;

/// <summary>What becomes of an edge.</summary>
public enum PlannedEdgeChange
{
    /// <summary>It comes.</summary>
    Added,

    /// <summary>It goes.</summary>
    Removed,

    /// <summary>It leads to another node.</summary>
    Redirected,

    /// <summary>It leads where it led, with other permissions.</summary>
    Permissions,

    /// <summary>It cannot be changed any more.</summary>
    Frozen,

    /// <summary>It can be changed again.</summary>
    Thawed,
}

/// <summary>One edge that a change concerns.</summary>
/// <param name="Change">What becomes of it.</param>
/// <param name="Parent">How messages name its parent.</param>
/// <param name="Name">What the parent calls it.</param>
/// <param name="From">The node that it leads to now; null for an edge that comes.</param>
/// <param name="To">The node that it will lead to; null for an edge that goes.</param>
/// <param name="Before">Its permissions now; null for an edge that comes.</param>
/// <param name="After">Its permissions then; null for an edge that goes, and where a conflict was found before they were computed.</param>
public sealed record PlannedEdge(
    PlannedEdgeChange Change, string Parent, string Name, string? From, string? To, PermissionSet? Before, PermissionSet? After);

/// <summary>
/// What a change would do, without doing it: the edges, permissions, homes and accesses that would be others, what would be drained for it, and
/// what stands against it. It holds for the graph as it was when it was asked for.
/// </summary>
public sealed class GraphPlan
{
    private GraphPlan(IReadOnlyList<string> edits) => Edits = edits;

    /// <summary>The edits, for a person.</summary>
    public IReadOnlyList<string> Edits { get; }

    /// <summary>True where nothing stands against the change; drivers, which take locks and descriptors, were not asked.</summary>
    public bool IsPossible => Refusal is null;

    /// <summary>What stands against it, or null.</summary>
    public BlockException? Refusal { get; private init; }

    /// <summary>The index of the edit that it stands against; null where all of them together are refused, or none.</summary>
    public int? RefusedEdit { get; private init; }

    /// <summary>The conflict of permissions that stands against it, or null.</summary>
    public PermissionConflict? Conflict { get; private init; }

    /// <summary>The edges that it concerns; where permissions conflict, with what they were to be.</summary>
    public IReadOnlyList<PlannedEdge> Edges { get; private init; } = [];

    /// <summary>The nodes that would be opened for it.</summary>
    public IReadOnlyList<string> OpenedNodes { get; private init; } = [];

    /// <summary>The nodes that would be closed after it, since nobody would be left who uses or keeps them.</summary>
    public IReadOnlyList<string> ClosedNodes { get; private init; } = [];

    /// <summary>The nodes that would be drained for it, without those above others of them: with each goes everything above it.</summary>
    public IReadOnlyList<string> DrainedNodes { get; private init; } = [];

    /// <summary>The users whose requests would be waited for, those above the drained nodes aside, as messages name them.</summary>
    public IReadOnlyList<string> DrainedUsers { get; private init; } = [];

    /// <summary>The nodes that would get another home, with its name.</summary>
    public IReadOnlyList<(string Node, string Context)> MovedNodes { get; private init; } = [];

    /// <summary>The nodes that would become read-only (true) or writable (false).</summary>
    public IReadOnlyList<(string Node, bool IsReadOnly)> AccessChanges { get; private init; } = [];

    internal static GraphPlan Refused(BlockException refusal, int? edit, IReadOnlyList<string> edits) => new(edits) { Refusal = refusal, RefusedEdit = edit };

    internal static GraphPlan Of(GraphDraft draft, PermissionOutcome outcome, PlannedNodes nodes, IReadOnlyList<string> edits)
    {
        bool isRefused = outcome.Conflict is not null && !draft.IsLoosening;
        return new GraphPlan(edits)
        {
            Refusal = isRefused ? outcome.Conflict!.ToException() : null,
            Conflict = isRefused ? outcome.Conflict : null,
            Edges = [.. EdgesOf(draft, outcome, nodes.Opened)],
            OpenedNodes = [.. nodes.Opened.Select(n => n.Name)],
            ClosedNodes = [.. nodes.Closed.Select(n => n.Name)],
            DrainedNodes = [.. nodes.Drained.Select(n => n.Name)],
            DrainedUsers = [.. nodes.DrainedUsers.Select(u => u.Description)],
            MovedNodes = [.. draft.Nodes.Where(n => !ReferenceEquals(n.Key.Context, n.Value.Context)).Select(n => (n.Key.Name, n.Value.Context.Name))],
            AccessChanges = [.. draft.Nodes.Where(n => n.Key.IsReadOnly != n.Value.Access.IsReadOnly).Select(n => (n.Key.Name, n.Value.Access.IsReadOnly))],
        };
    }

    private static IEnumerable<PlannedEdge> EdgesOf(GraphDraft draft, PermissionOutcome outcome, IReadOnlyCollection<BlockNode> opened)
    {
        HashSet<BlockChild> told = [];
        foreach (BlockChild edge in draft.Detached.Where(told.Add))
        {
            yield return new PlannedEdge(PlannedEdgeChange.Removed, edge.Parent.Description, edge.Name, edge.Node.Name, null, edge.Permissions, null);
        }

        IEnumerable<BlockChild> linkedMeanwhile = opened.SelectMany(node => draft.ChildrenOf(node).ToArray());
        foreach (BlockChild edge in draft.Attached.Concat(draft.Settled).Concat(linkedMeanwhile).Where(told.Add))
        {
            yield return new PlannedEdge(PlannedEdgeChange.Added, edge.Parent.Description, edge.Name, null, draft.NodeOf(edge).Name, null, After(outcome, edge));
        }

        foreach ((BlockChild edge, BlockNode node) in draft.Redirected.Where(r => told.Add(r.Edge)))
        {
            yield return new PlannedEdge(PlannedEdgeChange.Redirected, edge.Parent.Description, edge.Name, edge.Node.Name, node.Name, edge.Permissions, After(outcome, edge));
        }

        foreach ((BlockChild edge, PermissionSet then) in outcome.Wanted)
        {
            if (then != edge.Permissions && told.Add(edge))
            {
                yield return new PlannedEdge(PlannedEdgeChange.Permissions, edge.Parent.Description, edge.Name, edge.Node.Name, edge.Node.Name, edge.Permissions, then);
            }
        }

        foreach ((BlockChild edge, bool isFrozen) in draft.Frozen.Where(f => f.Value != f.Key.IsFrozen))
        {
            PlannedEdgeChange change = isFrozen ? PlannedEdgeChange.Frozen : PlannedEdgeChange.Thawed;
            yield return new PlannedEdge(change, edge.Parent.Description, edge.Name, edge.Node.Name, draft.NodeOf(edge).Name, edge.Permissions, After(outcome, edge));
        }
    }

    // What a user asks for stays where nothing else is said; what a node needs is known when it has been computed.
    private static PermissionSet? After(PermissionOutcome outcome, BlockChild edge) =>
        outcome.Wanted.TryGetValue(edge, out PermissionSet then) ? then
        : outcome.Plan is not null || edge.Parent.AsNode is null ? edge.Permissions
        : null;
}
