namespace BlockGraph.BlockCore.Throttling;

/// <summary>Where a throttle group comes from.</summary>
public enum ThrottleGroupKind
{
    /// <summary>A user has created it as an object, or an object has adopted it.</summary>
    Object,

    /// <summary>Nodes or devices have created it by naming it; it goes with the last of them.</summary>
    Implicit,

    /// <summary>It belongs to one node, which names none.</summary>
    Anonymous,
}
