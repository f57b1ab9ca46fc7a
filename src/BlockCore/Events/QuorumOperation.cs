namespace BlockGraph.BlockCore.Events;

/// <summary>What a quorum asked of a child. <i>QEMU: QuorumOpType.</i></summary>
public enum QuorumOperation
{
    /// <summary>To read.</summary>
    Read,

    /// <summary>To write, data or zeros.</summary>
    Write,

    /// <summary>To flush.</summary>
    Flush,
}
