using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Transactions;

namespace BlockGraph.BlockCore.Drain;

/// <summary>
/// What one scope reaches: nodes that are drained, edges of root parents that are held back, and nodes where whatever waits is
/// let go though others may still use them. The graph pools them; a walk allocates nothing once its lists are long enough.
/// </summary>
/// <remarks>Main context. One walk at a time: it marks what it has seen in the nodes themselves.</remarks>
internal sealed class ReachedSet(NodeGraph graph)
{
    private readonly List<BlockNode> _below = [];

    /// <summary>The nodes that are drained.</summary>
    public List<BlockNode> Nodes { get; } = [];

    /// <summary>The edges of root parents that lead to drained nodes, or whose parent was asked for itself.</summary>
    public List<BlockChild> Edges { get; } = [];

    /// <summary>The nodes where whatever waits is let go.</summary>
    public List<BlockNode> Released { get; } = [];

    /// <summary>The mark that the nodes and edges of this set carry until the next walk.</summary>
    public int Mark { get; private set; }

    /// <summary>Empties the set for its next use.</summary>
    public void Clear()
    {
        Nodes.Clear();
        Edges.Clear();
        Released.Clear();
        _below.Clear();
    }

    /// <summary>Begins a walk.</summary>
    public void Start()
    {
        Clear();
        Mark = graph.NextVisitMark();
    }

    /// <summary>Adds <paramref name="node"/> and everything above it, in the graph as <paramref name="draft"/> has it where there is one.</summary>
    public void AddAbove(BlockNode node, GraphDraft? draft)
    {
        int next = Nodes.Count;
        Add(node);
        for (; next < Nodes.Count; next++)
        {
            ReadOnlySpan<BlockChild> parents = draft is null ? Nodes[next].ParentSpan : draft.ParentsOf(Nodes[next]);
            foreach (BlockChild edge in parents)
            {
                if (edge.Parent.AsNode is { } parent)
                {
                    Add(parent);
                }
                else if (edge.Parent is IRootParent)
                {
                    Add(edge);
                }
            }
        }
    }

    /// <summary>Adds <paramref name="node"/>, everything below it, and everything above each of them.</summary>
    public void AddSubtree(BlockNode node, GraphDraft? draft)
    {
        CollectBelow(node, draft);
        foreach (BlockNode below in _below)
        {
            AddAbove(below, draft);
        }
    }

    /// <summary>Adds every node there is, and every root parent's edges.</summary>
    public void AddAll(GraphDraft? draft)
    {
        foreach (BlockNode node in graph.EveryNode)
        {
            AddAbove(node, draft);
        }
    }

    /// <summary>Adds a root parent by itself: its edges are held back, what waits below is let go, and its nodes stay in use by others.</summary>
    public void AddUser(IRootParent user, GraphDraft? draft)
    {
        foreach (BlockChild edge in user.Edges)
        {
            Add(edge);
            CollectBelow(draft is null ? edge.Node : draft.NodeOf(edge), draft);
            foreach (BlockNode node in _below)
            {
                if (node.ReleaseMark != Mark)
                {
                    node.ReleaseMark = Mark;
                    Released.Add(node);
                }
            }
        }
    }

    private void CollectBelow(BlockNode node, GraphDraft? draft)
    {
        _below.Clear();
        int mark = graph.NextVisitMark();
        node.BelowMark = mark;
        _below.Add(node);
        for (int next = 0; next < _below.Count; next++)
        {
            ReadOnlySpan<BlockChild> children = draft is null ? _below[next].ChildSpan : draft.ChildrenOf(_below[next]);
            foreach (BlockChild edge in children)
            {
                BlockNode child = draft is null ? edge.Node : draft.NodeOf(edge);
                if (child.BelowMark != mark)
                {
                    child.BelowMark = mark;
                    _below.Add(child);
                }
            }
        }
    }

    private void Add(BlockNode node)
    {
        if (node.VisitMark != Mark)
        {
            node.VisitMark = Mark;
            Nodes.Add(node);
        }
    }

    private void Add(BlockChild edge)
    {
        if (edge.VisitMark != Mark)
        {
            edge.VisitMark = Mark;
            Edges.Add(edge);
        }
    }
}
