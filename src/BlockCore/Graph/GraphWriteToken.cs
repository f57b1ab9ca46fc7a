namespace BlockGraph.BlockCore.Graph;

/// <summary>
/// Proof that the holder is the control plane's single writer: every method that changes topology takes one, so that
/// forgetting is a compile error. Readers need none; they see immutable arrays. <i>QEMU: bdrv_graph_wrlock().</i>
/// </summary>
internal readonly ref struct GraphWriteToken
{
    private readonly NodeGraph _graph;

    internal GraphWriteToken(NodeGraph graph) => _graph = graph;

    /// <summary>The graph that may be changed.</summary>
    public NodeGraph Graph => _graph;
}
