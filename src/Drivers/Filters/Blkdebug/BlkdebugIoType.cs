namespace BlockGraph.Drivers.Filters.Blkdebug;

/// <summary>A kind of request that an injected error can be limited to. <i>QEMU: BlkdebugIOType.</i></summary>
internal enum BlkdebugIoType
{
    /// <summary>Reads.</summary>
    Read,

    /// <summary>Writes of data.</summary>
    Write,

    /// <summary>Zero writes.</summary>
    WriteZeroes,

    /// <summary>Discards.</summary>
    Discard,

    /// <summary>Flushes.</summary>
    Flush,

    /// <summary>Status queries: only where a rule names them.</summary>
    BlockStatus,
}
