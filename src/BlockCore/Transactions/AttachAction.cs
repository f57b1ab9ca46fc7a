using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Permissions;

namespace BlockGraph.BlockCore.Transactions;

/// <summary>Links a new edge; the edge takes a reference to its child.</summary>
internal sealed class AttachAction : ITransactionAction
{
    private readonly NodeGraph _graph;
    private readonly BlockChild _edge;

    private AttachAction(NodeGraph graph, BlockChild edge)
    {
        _graph = graph;
        _edge = edge;
    }

    /// <summary>Makes the edge and links it, with no permissions yet; a permission action of the same transaction gives it some.</summary>
    /// <exception cref="BlockException">The edge would close a cycle.</exception>
    public static BlockChild Prepare(Transaction transaction, GraphWriteToken token, IChildParent parent, BlockNode child, string name, ChildRole role)
    {
        if (parent.AsNode is { } parentNode)
        {
            if (TopologicalOrder.Below([child]).Contains(parentNode))
            {
                throw new BlockException($"Making '{child.Name}' a {name} child of '{parentNode.Name}' would create a cycle");
            }
        }

        BlockChild edge = new(parent, child, name, role, PermissionSet.Unused);
        child.AddReference();
        child.LinkParent(token, edge);
        parent.AsNode?.LinkChild(token, edge);
        transaction.Add(new AttachAction(token.Graph, edge));
        return edge;
    }

    public void Commit()
    {
    }

    public void Abort()
    {
        GraphWriteToken token = new(_graph);
        _edge.Parent.AsNode?.UnlinkChild(token, _edge);
        _edge.Node.UnlinkParent(token, _edge);
        _edge.Node.DropReference(token);
    }

    public void Clean()
    {
    }
}
