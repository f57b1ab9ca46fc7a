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
}

/// <summary>One edge that a change concerns.</summary>
/// <param name="Change">What becomes of it.</param>
/// <param name="Parent">How messages name its parent.</param>
/// <param name="Name">What the parent calls it.</param>
/// <param name="From">The node that it leads to now; null for an edge that comes.</param>
/// <param name="To">The node that it will lead to; null for an edge that goes.</param>
/// <param name="Before">Its permissions now.</param>
/// <param name="After">Its permissions then.</param>
public sealed record PlannedEdge(
    PlannedEdgeChange Change, string Parent, string Name, string? From, string? To, PermissionSet Before, PermissionSet After);

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

    /// <summary>The conflict of permissions that stands against it, or null.</summary>
    public PermissionConflict? Conflict { get; private init; }

    /// <summary>The edges that it concerns.</summary>
    public IReadOnlyList<PlannedEdge> Edges { get; private init; } = [];

    /// <summary>The nodes that would be drained for it; with each goes everything above it.</summary>
    public IReadOnlyList<string> DrainedNodes { get; private init; } = [];

    /// <summary>The nodes that would get another home, with its name.</summary>
    public IReadOnlyList<(string Node, string Context)> MovedNodes { get; private init; } = [];

    /// <summary>The nodes that would become read-only (true) or writable (false).</summary>
    public IReadOnlyList<(string Node, bool IsReadOnly)> AccessChanges { get; private init; } = [];

    internal static GraphPlan Refused(BlockException refusal, IReadOnlyList<string> edits) => new(edits) { Refusal = refusal };

    internal static GraphPlan Of(GraphDraft draft, PermissionOutcome outcome, IReadOnlyList<string> edits)
    {
        bool isRefused = outcome.Conflict is not null && !draft.IsLoosening;
        return new GraphPlan(edits)
        {
            Refusal = isRefused ? outcome.Conflict!.ToException() : null,
            Conflict = isRefused ? outcome.Conflict : null,
            Edges = [.. EdgesOf(draft, outcome.Plan)],
            DrainedNodes = [.. draft.QuietNodes.Select(n => n.Name)],
            MovedNodes = [.. draft.Nodes.Where(n => !ReferenceEquals(n.Key.Context, n.Value.Context)).Select(n => (n.Key.Name, n.Value.Context.Name))],
            AccessChanges = [.. draft.Nodes.Where(n => n.Key.IsReadOnly != n.Value.Access.IsReadOnly).Select(n => (n.Key.Name, n.Value.Access.IsReadOnly))],
        };
    }

    private static IEnumerable<PlannedEdge> EdgesOf(GraphDraft draft, PermissionPlan? plan)
    {
        Dictionary<BlockChild, PermissionSet> after = [];
        foreach (EdgePermissions item in plan?.Edges ?? [])
        {
            after[item.Edge] = item.Permissions;
        }

        HashSet<BlockChild> told = [];
        foreach (BlockChild edge in draft.Detached.Where(told.Add))
        {
            yield return Describe(PlannedEdgeChange.Removed, edge, edge.Node.Name, null, default);
        }

        foreach (BlockChild edge in draft.Attached.Concat(draft.Settled).Where(told.Add))
        {
            yield return Describe(PlannedEdgeChange.Added, edge, null, draft.NodeOf(edge).Name, after.GetValueOrDefault(edge, edge.Permissions));
        }

        foreach ((BlockChild edge, BlockNode node) in draft.Redirected.Where(r => told.Add(r.Edge)))
        {
            yield return Describe(PlannedEdgeChange.Redirected, edge, edge.Node.Name, node.Name, after.GetValueOrDefault(edge, edge.Permissions));
        }

        foreach ((BlockChild edge, PermissionSet permissions) in after)
        {
            if (told.Add(edge))
            {
                yield return Describe(PlannedEdgeChange.Permissions, edge, edge.Node.Name, edge.Node.Name, permissions);
            }
        }
    }

    private static PlannedEdge Describe(PlannedEdgeChange change, BlockChild edge, string? from, string? to, PermissionSet after) =>
        new(change, edge.Parent.Description, edge.Name, from, to, edge.Permissions, after);
}
