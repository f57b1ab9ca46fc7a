using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Transactions;

/// <summary>
/// The graph as it would be: an overlay of what some edits change. Nothing of it is in force, and nobody but the edits and
/// the permission update looks at it. It holds good as long as nothing is awaited.
/// </summary>
/// <remarks>
/// Every method that changes the draft either does so or throws what is wrong with the edit. A draft that an edit has thrown at is dropped.
/// </remarks>
internal sealed partial class GraphDraft(NodeGraph graph)
{
    private readonly Dictionary<BlockNode, NodeDraft> _nodes = [];
    private readonly Dictionary<BlockChild, BlockNode> _targets = [];
    private readonly Dictionary<BlockChild, PermissionSet> _requests = [];
    private readonly Dictionary<BlockChild, bool> _frozen = [];
    private readonly List<BlockChild> _attached = [];
    private readonly List<BlockChild> _detached = [];
    private readonly DistinctList<BlockChild> _settled = new();
    private readonly Dictionary<BlockNode, BlockNode?> _inheritances = [];
    private readonly DistinctList<BlockNode> _touched = new();
    private readonly DistinctList<BlockNode> _quietNodes = new();
    private readonly DistinctList<IRootParent> _quietUsers = new();

    /// <summary>The graph that it is a draft of.</summary>
    public NodeGraph Graph => graph;

    /// <summary>The nodes from which on down permissions may be others.</summary>
    public IReadOnlyList<BlockNode> Touched => _touched;

    /// <summary>The nodes that must be drained before the draft may come true.</summary>
    public IReadOnlyList<BlockNode> QuietNodes => _quietNodes;

    /// <summary>The users of whom nothing may be in flight then.</summary>
    public IReadOnlyList<IRootParent> QuietUsers => _quietUsers;

    /// <summary>The edges that come.</summary>
    public IReadOnlyList<BlockChild> Attached => _attached;

    /// <summary>The edges that go.</summary>
    public IReadOnlyList<BlockChild> Detached => _detached;

    /// <summary>The edges that stay and lead elsewhere.</summary>
    public IEnumerable<(BlockChild Edge, BlockNode Node)> Redirected => _targets.Where(t => !_attached.Contains(t.Key)).Select(t => (t.Key, t.Value));

    /// <summary>The edges that were linked for a change alone, and count from now on.</summary>
    public IReadOnlyList<BlockChild> Settled => _settled;

    /// <summary>The edges that are frozen or thawed.</summary>
    public IEnumerable<KeyValuePair<BlockChild, bool>> Frozen => _frozen;

    /// <summary>The nodes that inherit their options from another node than before, or from none.</summary>
    public IEnumerable<KeyValuePair<BlockNode, BlockNode?>> Inheritances => _inheritances;

    /// <summary>What differs, node by node, in order of the edits.</summary>
    public IEnumerable<KeyValuePair<BlockNode, NodeDraft>> Nodes => _nodes;

    /// <summary>What users ask for anew, edge by edge.</summary>
    public IReadOnlyDictionary<BlockChild, PermissionSet> Requests => _requests;

    /// <summary>True where nobody asks for more or shares less than before, so that what permissions are left may stay as they are.</summary>
    public bool IsLoosening { get; private set; } = true;

    public ReadOnlySpan<BlockChild> ChildrenOf(BlockNode node) => _nodes.TryGetValue(node, out NodeDraft? draft) ? draft.Children : node.ChildSpan;

    public ReadOnlySpan<BlockChild> ParentsOf(BlockNode node) => _nodes.TryGetValue(node, out NodeDraft? draft) ? draft.Parents : node.ParentSpan;

    public BlockNode NodeOf(BlockChild edge) => _targets.GetValueOrDefault(edge) ?? edge.Node;

    public PermissionSet PermissionsOf(BlockChild edge) => _requests.TryGetValue(edge, out PermissionSet asked) ? asked : edge.Permissions;

    public NodeAccess AccessOf(BlockNode node) =>
        _nodes.TryGetValue(node, out NodeDraft? draft) ? draft.Access : new NodeAccess(node.IsReadOnly, node.IsInactive, node.ForceShare);

    public AioContext ContextOf(BlockNode node) => _nodes.TryGetValue(node, out NodeDraft? draft) ? draft.Context : node.Context;

    public bool IsFrozen(BlockChild edge) => _frozen.TryGetValue(edge, out bool isFrozen) ? isFrozen : edge.IsFrozen;

    /// <summary>The child edge of <paramref name="node"/> with one of the bits of <paramref name="role"/>, or null.</summary>
    public BlockChild? ChildOf(BlockNode node, ChildRole role)
    {
        foreach (BlockChild edge in ChildrenOf(node))
        {
            if ((edge.Role & role) != 0)
            {
                return edge;
            }
        }

        return null;
    }

    /// <summary>The child edge of <paramref name="node"/> called <paramref name="name"/>, or null.</summary>
    public BlockChild? ChildOf(BlockNode node, string name)
    {
        foreach (BlockChild edge in ChildrenOf(node))
        {
            if (edge.Name == name)
            {
                return edge;
            }
        }

        return null;
    }

    /// <summary>Adds an edge. A root parent's permissions are what it asks for; a node's follow from its driver.</summary>
    /// <exception cref="BlockException">It would close a cycle, or the contexts of the two do not come together.</exception>
    public BlockChild Attach(IChildParent parent, BlockNode child, string name, ChildRole role)
    {
        ThrowIfHollow(child);
        BlockChild edge = new(parent, child, name, role);
        if (parent.AsNode is { } parentNode)
        {
            ThrowIfCycle(parentNode, child, name);
            CheckRoles(parentNode, edge);
            NodeDraft draft = Edit(parentNode);
            draft.Children = [.. draft.Children, edge];
            draft.HasNewChildren = true;
            WantQuiet(parentNode);
            Touch(parentNode);
        }
        else if (parent is IRootParent root)
        {
            _requests[edge] = root.PermissionsOf(edge);
        }

        NodeDraft childDraft = Edit(child);
        childDraft.Parents = [.. childDraft.Parents, edge];
        _attached.Add(edge);
        Touch(child);
        IsLoosening = false;
        AlignContexts(edge, child);
        return edge;
    }

    /// <summary>Takes an edge away.</summary>
    public void Detach(BlockChild edge)
    {
        BlockNode child = NodeOf(edge);
        if (edge.Parent.AsNode is { } parentNode)
        {
            NodeDraft draft = Edit(parentNode);
            draft.Children = Array.FindAll(draft.Children, c => !ReferenceEquals(c, edge));
            draft.HasNewChildren = true;
            WantQuiet(parentNode);
            if (parentNode.ReferenceCount > 0)
            {
                Touch(parentNode);
            }
        }
        else if (edge.Parent is IRootParent user)
        {
            WantQuiet(user);
        }

        WantReadsQuiet(edge, child);
        NodeDraft childDraft = Edit(child);
        childDraft.Parents = Array.FindAll(childDraft.Parents, c => !ReferenceEquals(c, edge));
        _requests.Remove(edge);
        _targets.Remove(edge);
        if (!_attached.Remove(edge))
        {
            _detached.Add(edge);
        }

        Touch(child);
        TryMoveHome(child);
    }

    /// <summary>Lets an edge lead to another node.</summary>
    /// <exception cref="BlockException">It would close a cycle, or the contexts do not come together.</exception>
    public void Redirect(BlockChild edge, BlockNode to)
    {
        ThrowIfHollow(to);
        BlockNode from = NodeOf(edge);
        if (edge.Parent.AsNode is { } parentNode)
        {
            ThrowIfCycle(parentNode, to, edge.Name);
            Edit(parentNode).HasNewChildren = true;
            WantQuiet(parentNode);
            Touch(parentNode);
        }
        else if (edge.Parent is IRootParent user)
        {
            WantQuiet(user);
        }

        WantReadsQuiet(edge, from);
        WantReadsQuiet(edge, to);
        NodeDraft fromDraft = Edit(from);
        fromDraft.Parents = Array.FindAll(fromDraft.Parents, c => !ReferenceEquals(c, edge));
        NodeDraft toDraft = Edit(to);
        toDraft.Parents = [.. toDraft.Parents, edge];
        _targets[edge] = to;
        Touch(from);
        Touch(to);
        IsLoosening = false;
        AlignContexts(edge, to);
    }

    /// <summary>A root parent asks for other permissions.</summary>
    public void Request(BlockChild edge, PermissionSet permissions)
    {
        PermissionSet old = PermissionsOf(edge);
        IsLoosening &= permissions.IsNoStricterThan(old);
        if ((old.Required & ~permissions.Required & (BlockPermissions.Write | BlockPermissions.WriteUnchanged)) != 0 && edge.Parent is IRootParent user)
        {
            // What it wrote while it could must be over before somebody else is told that it cannot.
            WantQuiet(user);
        }

        _requests[edge] = permissions;
        Touch(NodeOf(edge));
    }

    /// <summary>Somebody may ask for more than before: a conflict counts.</summary>
    public void Tighten() => IsLoosening = false;

    /// <summary>A node becomes writable, read-only, active or inactive.</summary>
    public void SetAccess(BlockNode node, NodeAccess access)
    {
        Edit(node).Access = access;
        IsLoosening = false;
        Touch(node);
    }

    /// <summary>An edge that was linked without permissions gets them.</summary>
    public void Settle(BlockChild edge)
    {
        _settled.Add(edge);
        IsLoosening = false;
        Touch(edge.Parent.AsNode!);
    }

    /// <summary>True where an edge has no permissions yet because the change that it was linked for is not committed.</summary>
    public bool IsProvisional(BlockChild edge) => edge.IsProvisional && !_settled.Contains(edge);

    /// <summary>An edge is frozen or thawed.</summary>
    public void SetFrozen(BlockChild edge, bool isFrozen) => _frozen[edge] = isFrozen;

    /// <summary>The node that <paramref name="node"/> inherits its options from, or null.</summary>
    public BlockNode? InheritsFrom(BlockNode node) => _inheritances.TryGetValue(node, out BlockNode? parent) ? parent : node.InheritsFrom;

    /// <summary>Sets what <paramref name="node"/> inherits its options from.</summary>
    public void SetInheritsFrom(BlockNode node, BlockNode? parent) => _inheritances[node] = parent;

    /// <summary>The node must be drained before the draft comes true; one that nobody uses yet is quiet by nature.</summary>
    public void WantQuiet(BlockNode node)
    {
        if (node.HasInstance && node.ReferenceCount > 0)
        {
            _quietNodes.Add(node);
        }
    }

    /// <summary>Whoever reads through the node copies by the permission of that edge: no such read may be under way when the edge comes or goes.</summary>
    public void WantReadsQuiet(BlockChild edge, BlockNode node)
    {
        if (edge.CopiesOnRead)
        {
            WantQuiet(node);
        }
    }

    /// <summary>Permissions from <paramref name="node"/> on down may be others.</summary>
    public void Touch(BlockNode node) => _touched.Add(node);

    /// <summary>True where <paramref name="node"/> is <paramref name="top"/> or lies below it.</summary>
    public bool IsAtOrBelow(BlockNode top, BlockNode node)
    {
        // Upward: whoever is asked about is mostly new, with few above it.
        HashSet<BlockNode> seen = [node];
        Stack<BlockNode> open = new([node]);
        while (open.TryPop(out BlockNode? next))
        {
            if (ReferenceEquals(next, top))
            {
                return true;
            }

            foreach (BlockChild edge in ParentsOf(next))
            {
                if (edge.Parent.AsNode is { } parent && seen.Add(parent))
                {
                    open.Push(parent);
                }
            }
        }

        return false;
    }

    /// <summary>Nothing of the user may be in flight when the draft comes true.</summary>
    public void WantQuiet(IRootParent user) => _quietUsers.Add(user);

    private NodeDraft Edit(BlockNode node)
    {
        if (!_nodes.TryGetValue(node, out NodeDraft? draft))
        {
            draft = new NodeDraft(node);
            _nodes.Add(node, draft);
        }

        return draft;
    }

    // One that was dropped, and that somebody keeps.
    private void ThrowIfHollow(BlockNode node)
    {
        if (node.IsHollow && ChildOf(node, ChildRole.Filtered) is null)
        {
            throw new BlockException(BlockErrorKind.NotFound, $"Node '{node.Name}' is a filter that was dropped: there is nothing below it");
        }
    }

    private void ThrowIfCycle(BlockNode parent, BlockNode child, string name)
    {
        if (IsAtOrBelow(child, parent))
        {
            throw new BlockException($"Making '{child.Name}' a {name} child of '{parent.Name}' would create a cycle");
        }
    }

    private void CheckRoles(BlockNode parent, BlockChild edge)
    {
        foreach (BlockChild other in ChildrenOf(parent))
        {
            if (other.Name == edge.Name)
            {
                throw new BlockException(BlockErrorKind.AlreadyExists, $"Node '{parent.Name}' has a '{edge.Name}' child already");
            }

            ChildRole both = other.Role & edge.Role & (ChildRole.Filtered | ChildRole.Cow | ChildRole.Primary);
            if (both != ChildRole.None)
            {
                throw new BlockException($"Node '{parent.Name}' cannot have two {string.Join('+', both.Names())} children, '{other.Name}' and '{edge.Name}'");
            }
        }
    }
}
