using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Images;

/// <summary>A range that could not be read, or of which it could not be found out what it holds.</summary>
/// <param name="OffsetBytes">Where it begins, all sources taken as one image.</param>
/// <param name="LengthBytes">How long it is.</param>
/// <param name="Error">What the request failed with.</param>
public sealed record UnreadableRange(long OffsetBytes, long LengthBytes, BlockException Error);
