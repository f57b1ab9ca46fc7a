namespace BlockGraph.BlockCore.Io;

/// <summary>How a request wants to be carried out. <i>QEMU: BDRV_REQ_*.</i></summary>
[Flags]
public enum RequestFlags
{
    /// <summary>Nothing special.</summary>
    None = 0,

    /// <summary>The read also copies what it read from a backing node into the node itself.</summary>
    CopyOnRead = 1,

    /// <summary>The write has no buffer: it writes zeros.</summary>
    ZeroWrite = 2,

    /// <summary>Zeroing may deallocate; stripped by the core unless the node was opened with discard=unmap.</summary>
    MayUnmap = 4,

    /// <summary>The buffer was registered beforehand; a hint only.</summary>
    RegisteredBuffer = 8,

    /// <summary>The data is durable when the request completes (force unit access).</summary>
    Fua = 16,

    /// <summary>The data is stored compressed; the driver must support it.</summary>
    WriteCompressed = 32,

    /// <summary>The write does not change what is read; the write-unchanged permission suffices.</summary>
    WriteUnchanged = 64,

    /// <summary>The request waits for, and holds back, every overlapping one.</summary>
    Serialising = 128,

    /// <summary>Fail with <see cref="Errors.BlockErrorKind.NotSupported"/> rather than take a slow path.</summary>
    NoFallback = 256,

    /// <summary>With <see cref="CopyOnRead"/>: populate only, return no data.</summary>
    Prefetch = 512,

    /// <summary>With <see cref="Serialising"/>: fail with <see cref="Errors.BlockErrorKind.Busy"/> instead of waiting.</summary>
    NoWait = 1024,
}
