using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Transactions;

namespace BlockGraph.BlockCore.Permissions;

/// <summary>
/// Computes the permissions below what a draft touches: a pure function from the draft to a plan, or to a
/// conflict that names both users. <i>QEMU: bdrv_list_refresh_perms().</i>
/// </summary>
/// <remarks>
/// Invariants: (1) a node is computed again whenever what one of its users asks for has changed, so that in the end no node counts a
/// stale need, as a diamond would; its rank only makes that rare; (2) what is pending counts in place of what is in force; (3) conflicts
/// are looked for when everything is computed, parents before children; (4) nothing is changed here.
/// </remarks>
internal sealed class PermissionUpdate
{
    private readonly GraphDraft _draft;
    private readonly Dictionary<BlockChild, PermissionSet> _pending = [];
    private readonly List<BlockNode> _affected = [];
    private readonly HashSet<BlockNode> _isAffected = [];
    private readonly HashSet<BlockNode> _isQueued = [];

    // The highest rank first; of one rank, the first come. A rank is above that of every child, pending edges aside.
    private readonly PriorityQueue<BlockNode, (int Rank, int Order)> _queue = new();

    private PermissionUpdate(GraphDraft draft) => _draft = draft;

    /// <summary>The plan for everything at and below the nodes that <paramref name="draft"/> touches whose permissions change, or what stands against it.</summary>
    public static PermissionOutcome Compute(GraphDraft draft)
    {
        PermissionUpdate update = new(draft);
        update.Spread();
        return update.Conclude();
    }

    private void Spread()
    {
        foreach (BlockNode node in _draft.Touched)
        {
            Enqueue(node);
        }

        foreach ((BlockChild edge, PermissionSet permissions) in _draft.Requests)
        {
            Set(edge, _draft.NodeOf(edge), permissions);
        }

        while (_queue.TryDequeue(out BlockNode? node, out _))
        {
            _isQueued.Remove(node);
            PermissionSet users = NeedsOf(node);
            NodeAccess access = _draft.AccessOf(node);
            foreach (BlockChild edge in _draft.ChildrenOf(node))
            {
                BlockNode child = _draft.NodeOf(edge);
                ChildPermissionRequest request = new(edge, child, users, access.IsWritable, access.IsInactive);
                PermissionSet needed = _draft.IsProvisional(edge) ? PermissionSet.Unused
                    : node.HasInstance ? node.Instance.GetChildPermissions(request)
                    : request.Default;
                Set(edge, child, needed);
            }
        }
    }

    private PermissionOutcome Conclude()
    {
        List<NodePermissions> nodes = [];

        // Stable: of one rank, in the order in which they were reached.
        foreach (BlockNode node in _affected.OrderByDescending(RankOf))
        {
            PermissionSet users = NeedsOf(node);
            if (FindConflict(node, users) is { } conflict)
            {
                return new PermissionOutcome(null, conflict, _pending);
            }

            // An inactive node is nobody's: its driver holds nothing and lets others do anything.
            nodes.Add(new NodePermissions(node, _draft.AccessOf(node).IsInactive ? PermissionSet.Unused : users));
        }

        List<EdgePermissions> edges = [];
        foreach ((BlockChild edge, PermissionSet wanted) in _pending)
        {
            if (wanted != edge.Permissions)
            {
                edges.Add(new EdgePermissions(edge, wanted));
            }
        }

        return new PermissionOutcome(new PermissionPlan(edges, nodes), null, _pending);
    }

    // What a pending edge makes of the ranks: a parent is above its child.
    private int RankOf(BlockNode node)
    {
        int rank = node.Rank;
        foreach (BlockChild edge in _draft.ChildrenOf(node))
        {
            rank = Math.Max(rank, _draft.NodeOf(edge).Rank + 1);
        }

        return rank;
    }

    private void Enqueue(BlockNode node)
    {
        if (_isAffected.Add(node))
        {
            _affected.Add(node);
        }

        if (_isQueued.Add(node))
        {
            _queue.Enqueue(node, (-RankOf(node), _affected.Count));
        }
    }

    private void Set(BlockChild edge, BlockNode child, PermissionSet asked)
    {
        PermissionSet permissions = Shared(child, asked);
        bool isNew = permissions != PermissionsOf(edge);
        _pending[edge] = permissions;
        if (isNew)
        {
            Enqueue(child);
        }
    }

    private PermissionSet NeedsOf(BlockNode node)
    {
        PermissionSet users = PermissionSet.Unused;
        foreach (BlockChild edge in _draft.ParentsOf(node))
        {
            users = users.CombineWith(PermissionsOf(edge));
        }

        return users;
    }

    // Whatever its users say: a node opened so is shared by all.
    private PermissionSet Shared(BlockNode child, PermissionSet permissions) =>
        _draft.AccessOf(child).ForceShare ? permissions with { Shared = BlockPermissions.All } : permissions;

    /// <summary>What <paramref name="edge"/> is to have, as far as it is computed; what it has otherwise.</summary>
    public PermissionSet PermissionsOf(BlockChild edge) => _pending.TryGetValue(edge, out PermissionSet pending) ? pending : edge.Permissions;

    /// <summary>Who uses <paramref name="node"/> in the graph as it would be.</summary>
    public BlockChild[] UsersOf(BlockNode node) => _draft.ParentsOf(node).ToArray();

    /// <summary>Why the users of <paramref name="node"/>, who together need <paramref name="users"/>, do not go together; null where they do.</summary>
    private PermissionConflict? FindConflict(BlockNode node, PermissionSet users)
    {
        ReadOnlySpan<BlockChild> parents = _draft.ParentsOf(node);
        BlockPermissions requiredBefore = BlockPermissions.None;
        BlockPermissions unsharedBefore = BlockPermissions.None;
        foreach (BlockChild edge in parents)
        {
            // Each against the sum of those before it: a thousand users cost a thousand steps.
            PermissionSet mine = PermissionsOf(edge);
            if ((mine.Required & unsharedBefore) != 0 || (requiredBefore & ~mine.Shared) != 0)
            {
                return FindPair(node, parents);
            }

            requiredBefore |= mine.Required;
            unsharedBefore |= BlockPermissions.All & ~mine.Shared;
        }

        return CheckWritable(node, users);
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
