namespace BlockGraph.BlockCore.Throttling;

/// <summary>Which of a member's two queues a request belongs to. <i>QEMU: ThrottleDirection.</i></summary>
public enum ThrottleDirection
{
    /// <summary>The request takes data from the node.</summary>
    Read,

    /// <summary>The request changes the node: writes, zeroing and discards.</summary>
    Write,
}
