using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Images;

/// <summary>How an image is converted. <i>QEMU: the options of qemu-img convert.</i></summary>
public sealed record ImageConversionOptions
{
    /// <summary>The most chunks that can be asked for at once.</summary>
    public const int RequestCountMax = 64;

    /// <summary>The longest chunk that can be asked for, in bytes.</summary>
    public const int ChunkBytesMax = 2 << 20;

    /// <summary>The shortest run of zeros in data that is left out of the target, in bytes; 0 to look for none and to write zeros as data. <i>QEMU: -S.</i></summary>
    public long SparseBytesMin { get; init; } = 4096;

    /// <summary>How many chunks are under way at once; fewer where their buffers would take too much memory, one where <see cref="IsSalvaging"/>. <i>QEMU: -m.</i></summary>
    public int RequestCount { get; init; } = 8;

    /// <summary>
    /// How much is read and written by one chunk at most, in bytes: a power of two from 512 to <see cref="ChunkBytesMax"/>, raised to the target's cluster size; null for what was measured to be
    /// fast.
    /// </summary>
    public int? ChunkBytes { get; init; }

    /// <summary>
    /// Contexts that chunks are read and written on, too, beside the target's, so that several processors copy; each submits to the backends for that time. Where one side is bound
    /// to its home, the home does that side and another context the other; where both are, or drivers copy or compress, speed is limited, or <see cref="IsSalvaging"/>, they are not used.
    /// </summary>
    public IReadOnlyList<AioContext> MoreContexts { get; init; } = [];

    /// <summary>Whether a chunk may be written before another that comes before it. <i>QEMU: -W.</i></summary>
    public bool WritesOutOfOrder { get; init; }

    /// <summary>Whether the drivers are asked to copy data by themselves, as long as they can; zeros in it are then not found. <i>QEMU: -C.</i></summary>
    public bool OffloadsCopies { get; init; }

    /// <summary>Whether data is stored compressed; the target's driver must be able to. <i>QEMU: -c.</i></summary>
    public bool IsCompressed { get; init; }

    /// <summary>Whether the target is new, or as good as: nothing is allocated in it, so that it reads as zeros, or as its backing node does. <i>QEMU: --target-is-zero.</i></summary>
    public bool TargetIsNew { get; init; }

    /// <summary>Whether the target's backing node supplies what the source's top layer has not: that is not copied. <i>QEMU: -B.</i></summary>
    public bool TargetHasBacking { get; init; }

    /// <summary>Whether what cannot be read becomes zeros. <i>QEMU: --salvage.</i></summary>
    public bool IsSalvaging { get; init; }

    /// <summary>Told of what could not be read and became zeros. On the target's context.</summary>
    public Action<UnreadableRange>? OnUnreadable { get; init; }

    /// <summary>
    /// With <see cref="IsSalvaging"/>, told of a sector of which a driver does not know what it has: it is read. Where somebody looks at progress it is told twice, for then the sources are
    /// asked once more beforehand. On the target's context.
    /// </summary>
    public Action<UnreadableRange>? OnUnknownStatus { get; init; }

    /// <summary>How fast data is written, in bytes per second; 0 for no limit. <i>QEMU: -r.</i></summary>
    public long RateBytesPerSecond { get; init; }

    /// <summary>How much of the sources is left out at their beginning, in bytes: what follows comes to the target's beginning. <i>QEMU: skip of qemu-img dd.</i></summary>
    public long SkippedBytes { get; init; }

    /// <summary>How much is converted at most, in bytes; null for all of it. <i>QEMU: count of qemu-img dd.</i></summary>
    public long? LengthBytesMax { get; init; }

    /// <summary>
    /// Whether progress is of what has to be moved, for which the sources are asked what they have before anything is copied; otherwise it is of the whole length, and copying begins at once.
    /// </summary>
    public bool CountsBeforehand { get; init; } = true;

    /// <summary>Whether only what is allocated in the sources is written, zeros too; what is not is left alone.</summary>
    internal bool TakesAllocatedOnly { get; init; }
}
