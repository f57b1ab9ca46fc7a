namespace BlockGraph.BlockCore.Jobs;

/// <summary>Whether an error has made a job rest. <i>QEMU: BlockDeviceIoStatus.</i></summary>
public enum JobIoStatus
{
    /// <summary>None has, since a user last resumed it.</summary>
    Ok,

    /// <summary>One has.</summary>
    Failed,

    /// <summary>One has: the storage is full.</summary>
    NoSpace,
}
