namespace BlockGraph.BlockCore.Errors;

/// <summary>Why requests have stopped. <i>QEMU: BlockDeviceIoStatus.</i></summary>
public enum BlockIoStatus
{
    /// <summary>They have not.</summary>
    Ok,

    /// <summary>One has failed.</summary>
    Failed,

    /// <summary>One has found the storage full.</summary>
    NoSpace,
}
