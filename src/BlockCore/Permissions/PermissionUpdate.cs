using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Transactions;

namespace BlockGraph.BlockCore.Permissions;

/// <summary>
/// Computes the permissions of the subgraph below what a draft touches: a pure function from the draft to a plan, or to a
/// conflict that names both users. <i>QEMU: bdrv_list_refresh_perms().</i>
/// </summary>
/// <remarks>
/// Invariants: (1) a node is computed after all its parents in the subgraph (topological order), else a diamond sees a
/// sibling's stale needs; (2) what is pending counts in place of what is in force; (3) nothing is changed here.
/// </remarks>
internal sealed class PermissionUpdate
{
    private readonly GraphDraft _draft;
    private readonly Dictionary<BlockChild, PermissionSet> _pending = [];
    private readonly List<EdgePermissions> _edges = [];
    private readonly List<NodePermissions> _nodes = [];

    private PermissionUpdate(GraphDraft draft) => _draft = draft;

    /// <summary>The plan for everything at and below the nodes that <paramref name="draft"/> touches, or what stands against it.</summary>
    public static PermissionOutcome Compute(GraphDraft draft)
    {
        PermissionUpdate update = new(draft);
        return update.Run() is { } conflict
            ? new PermissionOutcome(null, conflict, update._pending)
            : new PermissionOutcome(new PermissionPlan(update._edges, update._nodes), null, update._pending);
    }

    private PermissionConflict? Run()
    {
        foreach ((BlockChild edge, PermissionSet permissions) in _draft.Requests)
        {
            Set(edge, Shared(_draft.NodeOf(edge), permissions));
        }

        foreach (BlockNode node in TopologicalOrder.Below(_draft.Touched, _draft))
        {
            if (FindConflict(node, out PermissionSet users) is { } conflict)
            {
                return conflict;
            }

            _nodes.Add(new NodePermissions(node, users));
            NodeAccess access = _draft.AccessOf(node);
            foreach (BlockChild edge in _draft.ChildrenOf(node))
            {
                ChildPermissionRequest request = new(edge, _draft.NodeOf(edge), users, access.IsWritable, access.IsInactive);
                PermissionSet needed = _draft.IsProvisional(edge) ? PermissionSet.Unused
                    : node.HasInstance ? node.Instance.GetChildPermissions(request)
                    : request.Default;
                Set(edge, Shared(request.ChildNode, needed));
            }
        }

        return null;
    }

    // Whatever its users say: a node opened so is shared by all.
    private PermissionSet Shared(BlockNode child, PermissionSet permissions) =>
        _draft.AccessOf(child).ForceShare ? permissions with { Shared = BlockPermissions.All } : permissions;

    private void Set(BlockChild edge, PermissionSet permissions)
    {
        _pending[edge] = permissions;
        if (permissions != edge.Permissions)
        {
            _edges.Add(new EdgePermissions(edge, permissions));
        }
    }

    /// <summary>What <paramref name="edge"/> is to have, as far as it is computed; what it has otherwise.</summary>
    public PermissionSet PermissionsOf(BlockChild edge) => _pending.TryGetValue(edge, out PermissionSet pending) ? pending : edge.Permissions;

    /// <summary>Who uses <paramref name="node"/> in the graph as it would be.</summary>
    public BlockChild[] UsersOf(BlockNode node) => _draft.ParentsOf(node).ToArray();

    /// <summary>Adds up what the users of <paramref name="node"/> need; where that does not go together, says why.</summary>
    private PermissionConflict? FindConflict(BlockNode node, out PermissionSet users)
    {
        ReadOnlySpan<BlockChild> parents = _draft.ParentsOf(node);
        users = PermissionSet.Unused;
        BlockPermissions requiredBefore = BlockPermissions.None;
        BlockPermissions unsharedBefore = BlockPermissions.None;
        bool isConflict = false;
        foreach (BlockChild edge in parents)
        {
            // Each against the sum of those before it: a thousand users cost a thousand steps.
            PermissionSet mine = PermissionsOf(edge);
            isConflict |= (mine.Required & unsharedBefore) != 0 || (requiredBefore & ~mine.Shared) != 0;
            requiredBefore |= mine.Required;
            unsharedBefore |= BlockPermissions.All & ~mine.Shared;
            users = users.CombineWith(mine);
        }

        return isConflict ? FindPair(node, parents) : CheckWritable(node, users);
    }

    private PermissionConflict FindPair(BlockNode node, ReadOnlySpan<BlockChild> parents)
    {
        for (int i = 0; i < parents.Length; i++)
        {
            for (int j = 0; j < i; j++)
            {
                PermissionConflict? conflict = FindOneWay(node, parents[i], parents[j]) ?? FindOneWay(node, parents[j], parents[i]);
                if (conflict is not null)
                {
                    return conflict;
                }
            }
        }

        throw new Errors.InvariantViolationException($"the users of node '{node.Name}' conflict together but not in pairs");
    }

    private PermissionConflict? FindOneWay(BlockNode node, BlockChild user, BlockChild other)
    {
        BlockPermissions bits = PermissionsOf(user).ConflictsWith(PermissionsOf(other));
        return bits == BlockPermissions.None ? null : PermissionConflict.BetweenUsers(node, user, other, bits, this);
    }

    private PermissionConflict? CheckWritable(BlockNode node, PermissionSet users)
    {
        if ((users.Required & (BlockPermissions.Write | BlockPermissions.WriteUnchanged)) == 0)
        {
            return null;
        }

        if (!_draft.AccessOf(node).IsWritable)
        {
            return PermissionConflict.WithReadOnly(node, FindWriter(node), isChange: node.IsWritable, this);
        }

        bool writesWithoutResize = (users.Required & (BlockPermissions.Write | BlockPermissions.Resize)) == BlockPermissions.Write;
        return writesWithoutResize && node.LengthBytes % node.Limits.RequestAlignmentBytes != 0
            ? PermissionConflict.WithLength(node, FindWriter(node), this)
            : null;
    }

    private BlockChild FindWriter(BlockNode node)
    {
        foreach (BlockChild edge in _draft.ParentsOf(node))
        {
            if ((PermissionsOf(edge).Required & (BlockPermissions.Write | BlockPermissions.WriteUnchanged)) != 0)
            {
                return edge;
            }
        }

        throw new Errors.InvariantViolationException($"node '{node.Name}' is written by nobody");
    }
}
