using BlockGraph.BlockCore.Graph;

namespace BlockGraph.BlockCore.Permissions;

/// <summary>What a change of the graph makes of the permissions: computed, checked for conflicts, and not yet applied.</summary>
/// <param name="Edges">The edges whose permissions change, with what they become.</param>
/// <param name="Nodes">The nodes visited, parents first, with what their users need together afterwards.</param>
internal sealed record PermissionPlan(
    IReadOnlyList<(BlockChild Edge, PermissionSet Permissions)> Edges,
    IReadOnlyList<(BlockNode Node, PermissionSet Users)> Nodes);
