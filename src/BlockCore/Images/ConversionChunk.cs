using BlockGraph.BlockCore.Backend;

namespace BlockGraph.BlockCore.Images;

/// <summary>What a range of the source is.</summary>
internal enum ConversionKind
{
    /// <summary>It must be read.</summary>
    Data,

    /// <summary>It reads as zeros.</summary>
    Zero,

    /// <summary>The target's backing node has it.</summary>
    Unallocated,
}

/// <summary>A range that is converted at once.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Source">Where it lies.</param>
/// <param name="SourceOffset">Where it begins there, in bytes.</param>
/// <param name="TargetOffset">Where it begins in the target, in bytes.</param>
/// <param name="LengthBytes">How long it is.</param>
/// <param name="EndsExtent">What follows is of another kind.</param>
/// <param name="Following">The sources behind that one, where it goes on in them; null where it does not.</param>
internal readonly record struct ConversionChunk(
    ConversionKind Kind, BlockBackend Source, long SourceOffset, long TargetOffset, long LengthBytes, bool EndsExtent, IReadOnlyList<BlockBackend>? Following = null)
{
    /// <summary>How many of its bytes are so by what the driver said: the rest is there to make whole units.</summary>
    public long SaidBytes { get; init; }
}
