namespace BlockGraph.BlockCore.Throttling;

/// <summary>What a kind of request is charged. <i>QEMU: always <see cref="Full"/>, but for flushes.</i></summary>
public enum ThrottleCharge
{
    /// <summary>Its bytes, and its operation.</summary>
    Full,

    /// <summary>One operation, whatever its size.</summary>
    OpsOnly,

    /// <summary>Nothing: it does not wait either.</summary>
    None,
}
