using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;

namespace BlockGraph.BlockCore.Permissions;

/// <summary>
/// Computes the permissions of the subgraph below some nodes: a pure function from the graph as it stands to a plan, or a
/// conflict that names both users. <i>QEMU: bdrv_list_refresh_perms().</i>
/// </summary>
/// <remarks>
/// Invariants: (1) a node is computed after all its parents in the subgraph (topological order), else a diamond sees a
/// sibling's stale needs; (2) an edge's pending permissions count in place of its present ones; (3) nothing is changed here.
/// </remarks>
internal static class PermissionUpdate
{
    /// <summary>The plan for everything at and below <paramref name="roots"/>; <paramref name="requested"/> are edges whose users ask for something new.</summary>
    /// <exception cref="BlockException">Two users of a node conflict, or a read-only node has a writer.</exception>
    public static PermissionPlan Compute(IEnumerable<BlockNode> roots, IReadOnlyDictionary<BlockChild, PermissionSet>? requested = null)
    {
        Dictionary<BlockChild, PermissionSet> pending = requested is null ? [] : new(requested);
        List<(BlockChild, PermissionSet)> edges = [];
        foreach ((BlockChild edge, PermissionSet permissions) in pending)
        {
            edges.Add((edge, permissions));
        }

        List<(BlockNode, PermissionSet)> nodes = [];
        foreach (BlockNode node in TopologicalOrder.Below(roots))
        {
            PermissionSet users = Combine(node, pending);
            CheckWritable(node, users);
            nodes.Add((node, users));
            foreach (BlockChild child in node.Children)
            {
                PermissionSet needed = node.Instance.GetChildPermissions(child, users);
                if (needed != child.Permissions)
                {
                    edges.Add((child, needed));
                }

                pending[child] = needed;
            }
        }

        return new PermissionPlan(edges, nodes);
    }

    private static PermissionSet Combine(BlockNode node, Dictionary<BlockChild, PermissionSet> pending)
    {
        PermissionSet sum = PermissionSet.Unused;
        for (int i = 0; i < node.Parents.Count; i++)
        {
            PermissionSet mine = pending.GetValueOrDefault(node.Parents[i], node.Parents[i].Permissions);
            for (int j = 0; j < i; j++)
            {
                PermissionSet others = pending.GetValueOrDefault(node.Parents[j], node.Parents[j].Permissions);
                CheckPair(node, (node.Parents[i], mine), (node.Parents[j], others));
                CheckPair(node, (node.Parents[j], others), (node.Parents[i], mine));
            }

            sum = sum.CombineWith(mine);
        }

        return sum;
    }

    private static void CheckPair(BlockNode node, (BlockChild Edge, PermissionSet Needs) user, (BlockChild Edge, PermissionSet Needs) other)
    {
        BlockPermissions conflict = user.Needs.ConflictsWith(other.Needs);
        if (conflict != BlockPermissions.None)
        {
            throw new BlockException(
                BlockErrorKind.NotPermitted,
                $"Permission conflict on node '{node.Name}': permissions '{conflict.ToText()}' are both required by {Describe(node, user.Edge)} and unshared by {Describe(node, other.Edge)}.");
        }
    }

    private static string Describe(BlockNode node, BlockChild edge) => $"{edge.Parent.Description} (uses node '{node.Name}' as '{edge.Name}' child)";

    private static void CheckWritable(BlockNode node, PermissionSet users)
    {
        if ((users.Required & (BlockPermissions.Write | BlockPermissions.WriteUnchanged)) == 0)
        {
            return;
        }

        if (node.IsReadOnly)
        {
            throw new BlockException(BlockErrorKind.NotPermitted, "Block node is read-only");
        }

        if ((users.Required & (BlockPermissions.Write | BlockPermissions.Resize)) == BlockPermissions.Write
            && node.LengthBytes % node.Limits.RequestAlignmentBytes != 0)
        {
            throw new BlockException(BlockErrorKind.NotPermitted, "Cannot get 'write' permission without 'resize': Image size is not a multiple of request alignment");
        }
    }
}
