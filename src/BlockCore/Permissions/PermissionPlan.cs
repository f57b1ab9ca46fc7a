using BlockGraph.BlockCore.Graph;

namespace BlockGraph.BlockCore.Permissions;

/// <summary>What a change of the graph makes of the permissions: computed, free of conflicts, and not yet in force.</summary>
/// <param name="Edges">The edges whose permissions change, with what they become.</param>
/// <param name="Nodes">The nodes visited, parents first, with what their users need together afterwards.</param>
internal sealed record PermissionPlan(IReadOnlyList<EdgePermissions> Edges, IReadOnlyList<NodePermissions> Nodes);

/// <summary>One edge and the permissions that it gets.</summary>
internal readonly record struct EdgePermissions(BlockChild Edge, PermissionSet Permissions);

/// <summary>One node and what its users need together.</summary>
internal readonly record struct NodePermissions(BlockNode Node, PermissionSet Users);

/// <summary>A plan, or the conflict that stands against it.</summary>
/// <param name="Plan">The plan; null where there is a conflict.</param>
/// <param name="Conflict">The first conflict, or null.</param>
/// <param name="Wanted">What each edge is to have, as far as it was computed: all of it, or down to the conflict.</param>
internal readonly record struct PermissionOutcome(PermissionPlan? Plan, PermissionConflict? Conflict, IReadOnlyDictionary<BlockChild, PermissionSet> Wanted);
