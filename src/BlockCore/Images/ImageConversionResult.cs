namespace BlockGraph.BlockCore.Images;

/// <summary>What a conversion has done, in bytes. Together they are the length of the sources, unreadable ones counted as zeros too.</summary>
/// <param name="DataBytes">How much was written as data.</param>
/// <param name="OffloadedBytes">How much the drivers have copied.</param>
/// <param name="ZeroBytes">How much reads as zeros and was not written as data.</param>
/// <param name="UnallocatedBytes">How much was left to the target's backing node.</param>
/// <param name="UnreadableBytes">How much of it all could not be read.</param>
public readonly record struct ImageConversionResult(long DataBytes, long OffloadedBytes, long ZeroBytes, long UnallocatedBytes, long UnreadableBytes);
