namespace BlockGraph.BlockCore.Drain;

/// <summary>How far down a drain reaches.</summary>
public enum DrainReach
{
    /// <summary>The node and everything above it.</summary>
    Node,

    /// <summary>The node, everything below it, and everything above any of them.</summary>
    Subtree,
}
