namespace BlockGraph.BlockCore.Throttling;

/// <summary>What one bucket of a group counts. The order is the one in which limits are checked. <i>QEMU: BucketType.</i></summary>
public enum ThrottleMeter
{
    /// <summary>Bytes per second of reads and writes together.</summary>
    BpsTotal,

    /// <summary>Bytes per second of reads.</summary>
    BpsRead,

    /// <summary>Bytes per second of writes.</summary>
    BpsWrite,

    /// <summary>Operations per second of reads and writes together.</summary>
    IopsTotal,

    /// <summary>Operations per second of reads.</summary>
    IopsRead,

    /// <summary>Operations per second of writes.</summary>
    IopsWrite,
}
