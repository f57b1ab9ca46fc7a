using System.Numerics;
using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Io;

/// <summary>
/// What one driver call may look like. Every field is in bytes; null means unlimited, never "unknown".
/// <i>QEMU: BlockLimits.</i>
/// </summary>
public sealed record BlockLimits
{
    /// <summary>The largest request alignment a driver may ask for, in bytes: 1 GiB.</summary>
    public const int RequestAlignmentBytesMax = 1 << 30;

    /// <summary>The largest single data request that reaches a driver, in bytes: the largest multiple of 512 an int holds.</summary>
    public const int RequestBytesMax = int.MaxValue / 512 * 512;

    /// <summary>The largest offset plus length that any image may have, in bytes: 2^63 - 2^30.</summary>
    public const long LengthBytesMax = long.MaxValue - (1L << 30) + 1;

    /// <summary>The limits of a byte-granular driver with no maxima.</summary>
    public static BlockLimits Unlimited { get; } = new();

    /// <summary>Offset and length of every driver call are multiples of this power of two.</summary>
    public int RequestAlignmentBytes { get; init; } = 1;

    /// <summary>The power of two that addresses of memory should be multiples of: those of the core and of drivers are; a caller's memory comes to the driver as it is, who copies what it cannot take.</summary>
    public int MemoryAlignmentBytes { get; init; } = 1;

    /// <summary>The longest read or write, or null.</summary>
    public int? TransferBytesMax { get; init; }

    /// <summary>The longest zero write, or null.</summary>
    public long? WriteZeroesBytesMax { get; init; }

    /// <summary>The longest discard, or null.</summary>
    public long? DiscardBytesMax { get; init; }

    /// <summary>Zero writes go to the driver in whole multiples of this, as far as they cover any; what is left before and behind goes by itself.</summary>
    public long WriteZeroesAlignmentBytes { get; init; } = 1;

    /// <summary>The same for discards.</summary>
    public long DiscardAlignmentBytes { get; init; } = 1;

    /// <summary>These limits where the requests go on to a child with the limits <paramref name="child"/>: the coarser alignment, the shorter maximum.</summary>
    public BlockLimits MergeBelow(BlockLimits child)
    {
        ArgumentNullException.ThrowIfNull(child);
        return this with
        {
            RequestAlignmentBytes = Math.Max(RequestAlignmentBytes, child.RequestAlignmentBytes),
            MemoryAlignmentBytes = Math.Max(MemoryAlignmentBytes, child.MemoryAlignmentBytes),
            TransferBytesMax = TransferBytesMax is { } mine && child.TransferBytesMax is { } below ? Math.Min(mine, below) : TransferBytesMax ?? child.TransferBytesMax,
        };
    }

    /// <summary>Throws where a field contradicts its contract: a bug in the driver named <paramref name="driver"/>.</summary>
    public void Validate(string driver)
    {
        if (RequestAlignmentBytes is < 1 or > RequestAlignmentBytesMax || !BitOperations.IsPow2(RequestAlignmentBytes))
        {
            Invariant.Fail($"driver '{driver}' asks for a request alignment of {RequestAlignmentBytes} bytes");
        }

        if (MemoryAlignmentBytes < 1 || !BitOperations.IsPow2(MemoryAlignmentBytes))
        {
            Invariant.Fail($"driver '{driver}' asks for a memory alignment of {MemoryAlignmentBytes} bytes");
        }

        Invariant.Check(TransferBytesMax is null || TransferBytesMax >= RequestAlignmentBytes);
        Invariant.Check(WriteZeroesAlignmentBytes >= 1);
        Invariant.Check(DiscardAlignmentBytes >= 1);
    }
}
