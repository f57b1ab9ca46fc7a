namespace BlockGraph.BlockCore.Graph;

/// <summary>What the upper end of an edge must answer: a node, a backend, a job. <i>QEMU: BdrvChildClass.</i></summary>
public interface IChildParent
{
    /// <summary>How messages name it: <c>node 'X'</c>, <c>block device 'N'</c>, <c>an unnamed block device</c>.</summary>
    string Description { get; }

    /// <summary>The parent as a node, or null where requests begin here.</summary>
    BlockNode? AsNode { get; }
}
