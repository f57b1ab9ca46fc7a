using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Images;

/// <summary>A range that could not be read, and is zeros in the target.</summary>
/// <param name="OffsetBytes">Where it begins, all sources taken as one image.</param>
/// <param name="LengthBytes">How long it is.</param>
/// <param name="Error">What the read failed with.</param>
public sealed record UnreadableRange(long OffsetBytes, long LengthBytes, BlockException Error);
