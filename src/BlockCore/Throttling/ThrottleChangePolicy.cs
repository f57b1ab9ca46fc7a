namespace BlockGraph.BlockCore.Throttling;

/// <summary>What becomes of the levels of a group's buckets when its limits change. <i>QEMU: always <see cref="Reset"/>.</i></summary>
public enum ThrottleChangePolicy
{
    /// <summary>
    /// A bucket stays as full as it was, in proportion. What it holds above its capacity stays owed, unless the capacity
    /// gets smaller: then a full bucket is all that is left of it.
    /// </summary>
    Scale,

    /// <summary>Every bucket is emptied: debt is forgiven and a fresh burst is allowed.</summary>
    Reset,

    /// <summary>A bucket holds as many units as before.</summary>
    Keep,
}
