namespace BlockGraph.BlockCore.Io;

/// <summary>What is known of a range. <i>QEMU: BDRV_BLOCK_*.</i></summary>
[Flags]
public enum BlockStatusFlags
{
    /// <summary>Nothing is known but the length.</summary>
    None = 0,

    /// <summary>The range holds data in this layer.</summary>
    Data = 1,

    /// <summary>The range reads as zeros.</summary>
    Zero = 2,

    /// <summary><see cref="BlockStatus.HostOffset"/> is where the range lies in <see cref="BlockStatus.HostChild"/>, or in the node itself; of zeros, where there is space for it.</summary>
    OffsetValid = 4,

    /// <summary>Ask the child at that offset: this layer adds nothing.</summary>
    Raw = 8,

    /// <summary>The contents come from this layer, not from a backing node.</summary>
    Allocated = 16,

    /// <summary>The range ends where the image ends.</summary>
    EndOfFile = 32,

    /// <summary>In a driver's answer: the data lies in <see cref="BlockStatus.HostChild"/> as it is, which may know that it reads as zeros. The core asks it.</summary>
    Recurse = 64,
}

/// <summary>The answer to a block-status query: flags that hold for the next <paramref name="LengthBytes"/> bytes.</summary>
/// <param name="Flags">What is known.</param>
/// <param name="LengthBytes">For how many bytes, from the offset asked for.</param>
/// <param name="HostOffset">With <see cref="BlockStatusFlags.OffsetValid"/>: the offset in bytes.</param>
/// <param name="HostChild">The child edge that the offset refers to (a Graph.BlockChild), or null for the node itself.</param>
public readonly record struct BlockStatus(BlockStatusFlags Flags, long LengthBytes, long HostOffset = 0, object? HostChild = null)
{
    /// <summary>True where the contents come from the layer that was asked, not from a backing node.</summary>
    public bool IsAllocated => (Flags & BlockStatusFlags.Allocated) != 0;

    /// <summary>True where the range reads as zeros.</summary>
    public bool IsZero => (Flags & BlockStatusFlags.Zero) != 0;
}

/// <summary>
/// What a block-status query wants to know; a driver may save the work for the rest. Without <see cref="Zeroes"/> long ranges are worth more than
/// small holes: what is allocated is exact, and data may be claimed where there are zeros. <i>QEMU: want_zero.</i>
/// </summary>
[Flags]
public enum BlockStatusQuery
{
    /// <summary>Whether the range is allocated in this layer.</summary>
    Allocation = 1,

    /// <summary>Whether the range reads as zeros, as precisely as can be.</summary>
    Zeroes = 2,

    /// <summary>Where the range lies.</summary>
    Offset = 4,

    /// <summary>All of it.</summary>
    Everything = Allocation | Zeroes | Offset,
}
